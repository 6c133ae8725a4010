/** `oomscribe agent`: reads the kernel's log and counters for as long as it runs and ships a record of every kill. */
import type { Config } from "./config/read.ts";
import { type Backend, createReplaceable } from "./deliveries/backend.ts";
import { type Deliveries, openDeliveries } from "./deliveries/deliveries.ts";
import { toEndpoints } from "./deliveries/endpoints.ts";
import { createLive, type Live, type LiveState } from "./live.ts";
import { readNodeResource } from "./node-facts.ts";
import { reload } from "./reload.ts";
import type { Attributes } from "./ship/log-record.ts";
import { openOtlpExport } from "./ship/otlp-export.ts";
import { OutboxInUseError } from "./ship/outbox-file.ts";
import { openStdoutExport } from "./ship/stdout-export.ts";
import { readBootId } from "./sources/boot-id.ts";
import { monotonicMs } from "./sources/cgroup-counters.ts";
import { createKernelClock, type KernelClock } from "./sources/clock.ts";
import { openNodeSources } from "./sources-of-node.ts";
import { type ExitStatus, type Stop, watchForStop } from "./stop.ts";
import { createEvents, type Events } from "./telemetry/events.ts";
import { type Logger, openLog } from "./telemetry/log.ts";

export interface AgentOptions {
  config: Config;
  /** Reads it again, at SIGHUP. @throws ConfigError */
  readConfig?: () => Config;
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
  const { settings } = options.config;
  const node = readNodeResource(options.config, (reason) => events.report("setting_ignored", { reason }));
  const openBackends = (config: Config): Backend[] => openExports(config, options.version, events);
  const backends = openFirstBackends(options.config, openBackends, stop).map(createReplaceable);
  const bootId = readBootId();
  const deliveries = openState(options, backends, bootId, events);
  const clock = createKernelClock();
  const sourceOptions = { since: settings.since, kmsgPath: settings.kmsg, hostRoot: settings["host-root"] };
  const sources = openNodeSources(sourceOptions, events, clock, (hasCounters, readSources, readVictim) => {
    const live = openLive({ node, bootId, clock, deliveries, hasCounters, readSources, readVictim });
    return { live, position: deliveries.restored?.position };
  });
  if (sources === undefined) throw new StartError("");
  const target = backends.map((backend) => backend.target).join(", ");
  events.report("agent_started", { version: options.version, since: settings.since, target, node });

  const { config, readConfig = () => config } = options;
  const onReloaded = (): void => deliveries.hurry();
  const onHangUp = (): void => reload({ config, readConfig, backends, openBackends, onReloaded, events });
  process.on("SIGHUP", onHangUp);
  const { reason, status } = await stop.stopped;
  process.off("SIGHUP", onHangUp);
  events.report("agent_stopping", { reason });
  sources.close();
  const totals = await deliveries.close({ timeoutMs: CLOSE_MS });
  events.report("agent_stopped", { ...totals, events: events.counts() });
  return status;
}

/** What was said already needs no message. */
class StartError extends Error {}

function openFirstBackends(config: Config, openBackends: (config: Config) => Backend[], stop: Stop): Backend[] {
  if (config.settings.backend === "stdout") {
    // `oomscribe agent --stdout | head`: with its reader gone there is nothing left to do.
    process.stdout.once("error", ({ message }) => stop.now(`standard output: ${message}`, 1));
    return [openStdoutExport()];
  }
  try {
    return openBackends(config);
  } catch (error) {
    throw new StartError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** @throws Error where a setting would send records nowhere; then none is open */
function openExports(config: Config, version: string, events: Events): Backend[] {
  const onWarning = (warning: string): void => events.report("ship_warning", { warning });
  const opened: Backend[] = [];
  try {
    for (const endpoint of toEndpoints(config, version)) opened.push(openOtlpExport({ ...endpoint, onWarning }));
    return opened;
  } catch (error) {
    for (const backend of opened) backend.close();
    throw error;
  }
}

function openState(
  { config: { settings } }: AgentOptions,
  backends: readonly Backend[],
  bootId: string | undefined,
  events: Events,
): Deliveries<LiveState> {
  const maxAge = settings["outbox-max-age"];
  try {
    return openDeliveries<LiveState>({
      backends,
      directory: settings["state-dir"],
      maxBytes: settings["outbox-max-bytes"],
      maxAgeMs: maxAge === undefined ? undefined : maxAge * 1000,
      bootId,
      events,
    });
  } catch (error) {
    if (error instanceof OutboxInUseError) throw new StartError(error.message, { cause: error });
    throw error;
  }
}

interface LiveParts extends Pick<Parameters<typeof createLive>[0], "hasCounters" | "readSources" | "readVictim"> {
  node: Attributes;
  bootId: string | undefined;
  clock: KernelClock;
  deliveries: Deliveries<LiveState>;
}

function openLive({ node, bootId, clock, deliveries, ...rest }: LiveParts): Live {
  return createLive({
    ...rest,
    restored: deliveries.restored,
    context: { resource: node, ...(bootId === undefined ? {} : { bootId }) },
    now: monotonicMs,
    toWallUs: (atMs) => clock.toRealtimeUs(atMs * 1000),
    commit: deliveries.commit,
  });
}
