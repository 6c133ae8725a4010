/** `oomscribe agent`: reads the kernel's log for as long as it runs and ships a record of every kill. */
import { type Environment, readNodeFacts } from "./node-facts.ts";
import { createPipeline, type Pipeline } from "./pipeline.ts";
import type { LogRecord } from "./ship/log-record.ts";
import { openOtlpShipper } from "./ship/otlp.ts";
import { readResourceEnv } from "./ship/resource-env.ts";
import type { Shipper } from "./ship/shipper.ts";
import { openStdoutShipper } from "./ship/stdout.ts";
import { type KmsgSource, openKmsg } from "./sources/kmsg.ts";
import { KmsgOpenError } from "./sources/kmsg-device.ts";
import { createEvents, type Events } from "./telemetry/events.ts";
import { type Logger, openLog } from "./telemetry/log.ts";

export interface AgentOptions {
  /** `boot`: report what the kernel's log still holds as well; `now`: only what happens from now on */
  since: "boot" | "now";
  /** print records, one line of JSON each, and send none */
  stdout?: boolean | undefined;
  /** OTLP endpoint; default: OpenTelemetry's environment variables, then http://localhost:4318 */
  otlp?: string | undefined;
  /** default /dev/kmsg */
  kmsgPath?: string | undefined;
  env: Environment;
  /** Oomscribe's own */
  version: string;
  /** when to stop; default: at SIGTERM or SIGINT */
  signal?: AbortSignal;
  /** default: JSON on standard error */
  log?: Logger;
}

/** The process's exit status. */
export type ExitStatus = 0 | 1;

/** What sending may take of the second in which the agent is to be gone. */
const CLOSE_MS = 700;

/**
 * Runs until it is told to stop, then sends what is known, for less than a second.
 * @returns 0: told to stop; 1: it could not start, or nobody reads standard output any more. The log says why.
 */
export async function runAgent(options: AgentOptions): Promise<ExitStatus> {
  const events = createEvents(options.log ?? openLog());
  const stop = watchForStop(options.signal);
  try {
    return await run(options, events, stop);
  } catch (error) {
    // Said by what opens the source and the shipper, with what to do; anything else is a fault of ours.
    if (!(error instanceof StartError)) throw error;
    events.report(error.event, { error: error.message });
    return 1;
  } finally {
    stop.release();
  }
}

async function run(options: AgentOptions, events: Events, stop: Stop): Promise<ExitStatus> {
  const warn = (reason: string): void => events.report("setting_ignored", { reason });
  const node = { ...readNodeFacts(options.env), ...readResourceEnv(options.env, warn) };
  const { shipper, target } = openShipper(options, events, stop);
  const pipeline = createPipeline({ context: { resource: node }, emit });
  const source = openSource(options, events, pipeline);
  events.report("agent_started", { version: options.version, since: options.since, target, node });

  function emit(record: LogRecord): void {
    const room = shipper.ship(record);
    if (room === undefined) return;
    // What comes meanwhile waits in the kernel's buffer, and is counted there if it is overwritten.
    events.report("kmsg_paused");
    source.pause();
    void room.then(source.resume);
  }

  const { reason, status } = await stop.stopped;
  events.report("agent_stopping", { reason });
  source.drain();
  source.close();
  pipeline.flush();
  const result = await shipper.close({ timeoutMs: CLOSE_MS });
  events.report("agent_stopped", { ...result, events: events.counts() });
  return status;
}

class StartError extends Error {
  readonly event: "agent_start_failed" | "kmsg_open_failed";

  constructor(event: StartError["event"], cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.event = event;
  }
}

function openShipper(options: AgentOptions, events: Events, stop: Stop): { shipper: Shipper; target: string } {
  if (options.stdout) {
    // `oomscribe agent --stdout | head`: with its reader gone there is nothing left to do.
    process.stdout.once("error", ({ message }) => stop.now(`standard output: ${message}`, 1));
    return { shipper: openStdoutShipper(), target: "stdout" };
  }
  try {
    const shipper = openOtlpShipper({
      endpoint: options.otlp,
      env: options.env,
      version: options.version,
      onResult({ failed, error }) {
        if (failed > 0) events.report("ship_failed", { failed, error });
      },
      onWarning: (warning) => events.report("ship_warning", { warning }),
    });
    return { shipper, target: shipper.target };
  } catch (error) {
    throw new StartError("agent_start_failed", error);
  }
}

/** Time passes for the pipeline only when all that was printed has been read: a report does not time out unread. */
function openSource(options: AgentOptions, events: Events, pipeline: Pipeline): KmsgSource {
  const path = options.kmsgPath ?? "/dev/kmsg";
  try {
    const source = openKmsg({
      path,
      since: options.since,
      onRecord: pipeline.push,
      onGap(gap, atMs) {
        events.report("kmsg_gap", { lost: gap.lost, firstSeq: gap.firstSeq, lastSeq: gap.lastSeq });
        pipeline.gap(gap, atMs);
      },
      onTrouble: events.report,
      onDrained: pipeline.tick,
    });
    events.report("kmsg_opened", { path, bootId: source.bootId });
    return source;
  } catch (error) {
    if (error instanceof KmsgOpenError) throw new StartError("kmsg_open_failed", error);
    throw error;
  }
}

interface Stop {
  /** resolves once, with why and the exit status that it means */
  readonly stopped: Promise<{ reason: string; status: ExitStatus }>;
  now(reason: string, status: ExitStatus): void;
  /** Gives the signals back. */
  release(): void;
}

function watchForStop(signal: AbortSignal | undefined): Stop {
  const { promise, resolve } = Promise.withResolvers<{ reason: string; status: ExitStatus }>();
  const onSignal = (name: string): void => resolve({ reason: name, status: 0 });
  if (signal === undefined) process.on("SIGTERM", onSignal).on("SIGINT", onSignal);
  else if (signal.aborted) onSignal("told to stop");
  else signal.addEventListener("abort", () => onSignal("told to stop"), { once: true });
  return {
    stopped: promise,
    now: (reason, status) => resolve({ reason, status }),
    release() {
      process.off("SIGTERM", onSignal).off("SIGINT", onSignal);
    },
  };
}
