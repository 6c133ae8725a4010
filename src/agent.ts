/** `oomscribe agent`: reads the kernel's log and counters for as long as it runs and ships a record of every kill. */
import { createLive, type Live, type LiveState } from "./live.ts";
import { type Environment, readNodeFacts } from "./node-facts.ts";
import { type OtlpExport, openOtlpExport } from "./ship/otlp-export.ts";
import { type Outbox, openOutbox } from "./ship/outbox.ts";
import { OutboxInUseError } from "./ship/outbox-file.ts";
import { openSender, type Sender } from "./ship/outbox-sender.ts";
import { readResourceEnv } from "./ship/resource-env.ts";
import { openStdoutExport } from "./ship/stdout-export.ts";
import { readBootId } from "./sources/boot-id.ts";
import { monotonicMs } from "./sources/cgroup-counters.ts";
import { createKernelClock, type KernelClock } from "./sources/clock.ts";
import { openNodeSources, type SourceOptions } from "./sources-of-node.ts";
import { type ExitStatus, type Stop, watchForStop } from "./stop.ts";
import { createEvents, type Events } from "./telemetry/events.ts";
import { type Logger, openLog } from "./telemetry/log.ts";

export interface AgentOptions extends SourceOptions {
  /** print records, one line of JSON each, and send none */
  stdout?: boolean | undefined;
  /** OTLP endpoint; default: OpenTelemetry's environment variables, then http://localhost:4318 */
  otlp?: string | undefined;
  /** where unsent records and the read position are kept over a restart; absent: nowhere */
  stateDir?: string | undefined;
  env: Environment;
  /** Oomscribe's own */
  version: string;
  /** when to stop; default: at SIGTERM or SIGINT */
  signal?: AbortSignal;
  /** default: JSON on standard error */
  log?: Logger;
}

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
    // Said by what opens sources, backend and outbox, with what to do; anything else is a fault of ours.
    if (!(error instanceof StartError)) throw error;
    if (error.message !== "") events.report("agent_start_failed", { error: error.message });
    return 1;
  } finally {
    stop.release();
  }
}

async function run(options: AgentOptions, events: Events, stop: Stop): Promise<ExitStatus> {
  const warn = (reason: string): void => events.report("setting_ignored", { reason });
  const node = { ...readNodeFacts(options.env), ...readResourceEnv(options.env, warn) };
  const backend = openBackend(options, events, stop);
  const outbox = openState(options, events);
  const sender = openSender({ outbox, export: backend.export, onTrouble: events.report });
  const bootId = readBootId();
  const clock = createKernelClock();
  const sources = openNodeSources(options, events, clock, (hasCounters, readSources, readVictim) => {
    const restored = outbox.restored?.bootId === bootId ? outbox.restored : undefined;
    const live = openLive({ node, bootId, clock, restored, hasCounters, readSources, readVictim, outbox, sender });
    return { live, position: restored?.position };
  });
  if (sources === undefined) throw new StartError("");
  events.report("agent_started", { version: options.version, since: options.since, target: backend.target, node });

  const { reason, status } = await stop.stopped;
  events.report("agent_stopping", { reason });
  sources.close();
  const totals = await sender.close({ timeoutMs: CLOSE_MS });
  backend.close();
  outbox.close();
  events.report("agent_stopped", { ...totals, events: events.counts() });
  return status;
}

/** What was said already needs no message. */
class StartError extends Error {}

function openBackend(
  options: AgentOptions,
  events: Events,
  stop: Stop,
): Pick<OtlpExport, "target" | "export" | "close"> {
  if (options.stdout) {
    // `oomscribe agent --stdout | head`: with its reader gone there is nothing left to do.
    process.stdout.once("error", ({ message }) => stop.now(`standard output: ${message}`, 1));
    return openStdoutExport();
  }
  try {
    return openOtlpExport({
      endpoint: options.otlp,
      env: options.env,
      version: options.version,
      onWarning: (warning) => events.report("ship_warning", { warning }),
    });
  } catch (error) {
    throw new StartError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function openState(options: AgentOptions, events: Events): Outbox<LiveState> {
  try {
    return openOutbox<LiveState>({ directory: options.stateDir, onTrouble: events.report });
  } catch (error) {
    if (error instanceof OutboxInUseError) throw new StartError(error.message, { cause: error });
    throw error;
  }
}

interface LiveParts
  extends Pick<Parameters<typeof createLive>[0], "restored" | "hasCounters" | "readSources" | "readVictim"> {
  node: ReturnType<typeof readNodeFacts>;
  bootId: string | undefined;
  clock: KernelClock;
  outbox: Outbox<LiveState>;
  sender: Sender;
}

function openLive({ node, bootId, clock, outbox, sender, ...rest }: LiveParts): Live {
  return createLive({
    ...rest,
    context: { resource: node, ...(bootId === undefined ? {} : { bootId }) },
    now: monotonicMs,
    toWallUs: (atMs) => clock.toRealtimeUs(atMs * 1000),
    commit(records, state) {
      outbox.commit(records, state);
      if (records.length > 0) sender.wake();
    },
  });
}
