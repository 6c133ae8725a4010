/** `oomscribe agent`: reads the kernel's log and counters for as long as it runs and ships a record of every kill. */

import type { Config } from "../config/read.ts";
import { openStdoutExport } from "../otlp/stdout-exporter.ts";
import type { Deliveries } from "../outbox/deliveries.ts";
import { openBackends, openOutboxes } from "../outbox/open.ts";
import { type Backend, createReplaceable, type ReplaceableBackend } from "../outbox/replaceable-exporter.ts";
import { createLive, type Live } from "../pipeline/agent-pipeline.ts";
import type { RecordContext } from "../record/context.ts";
import type { LogRecord } from "../record/log-record.ts";
import { createKernelClock, type KernelClock, monotonicMs } from "../sources/clock.ts";
import { readBootId, readPageSize } from "../sources/host.ts";
import { createEvents, type Events } from "../telemetry/events.ts";
import { type Logger, openLog } from "../telemetry/log.ts";
import { createContainerKillCounts } from "./container-kill-counts.ts";
import { createKillCounts } from "./kill-counts.ts";
import { readNodeResource } from "./node-resource.ts";
import { type NodeNames, openNames } from "./open-enricher.ts";
import { type NodeSources, openNodeSources } from "./open-sources.ts";
import { reload } from "./reload.ts";
import { type ExitStatus, type Stop, watchForStop } from "./shutdown.ts";
import { type AgentState, readAgentState } from "./state.ts";
import { openOwnServers } from "./status-server.ts";

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

/** Percent. Nine tenths of a limit leave minutes to most, and are not passed by what is sized well. */
const NEAR_LIMIT = 90;
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
    // Said by what opens backends, outboxes, sources and server, with what to do; anything else is a fault of ours.
    if (!(error instanceof StartError)) throw error;
    if (error.message !== "") events.report("agent_start_failed", { error: error.message });
    return 1;
  } finally {
    stop.release();
  }
}

/** What was said already needs no message. */
class StartError extends Error {}

async function run(options: AgentOptions, events: Events, stop: Stop): Promise<ExitStatus> {
  const { config, version } = options;
  const node = readNodeResource(config, (reason) => events.report("setting_ignored", { reason }));
  const backends = orNoStart(() => openFirstBackends(config, version, events, stop)).map(createReplaceable);
  const bootId = readBootId();
  const pageSize = readPageSize();
  const context = {
    resource: node,
    ...(bootId === undefined ? {} : { bootId }),
    ...(pageSize === undefined ? {} : { pageSize }),
  };
  const deliveries = orNoStart(() => openOutboxes(config, backends, context, events, readAgentState));
  try {
    return await follow({ options, events, stop, backends, context, deliveries });
  } catch (error) {
    await deliveries.close({ timeoutMs: 0 });
    throw error;
  }
}

/** @throws StartError in place of whatever says why it cannot be opened */
function orNoStart<T>(open: () => T): T {
  try {
    return open();
  } catch (error) {
    throw new StartError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function openFirstBackends(config: Config, version: string, events: Events, stop: Stop): Backend[] {
  if (config.settings.backend !== "stdout") return openBackends(config, version, events);
  // `oomscribe agent --stdout | head`: with its reader gone there is nothing left to do.
  process.stdout.once("error", ({ message }) => stop.now(`standard output: ${message}`, 1));
  return [openStdoutExport()];
}

interface Parts {
  options: AgentOptions;
  events: Events;
  stop: Stop;
  backends: ReplaceableBackend[];
  context: RecordContext;
  deliveries: Deliveries<AgentState>;
}

async function follow({ options, events, stop, backends, context, deliveries }: Parts): Promise<ExitStatus> {
  const { config, version, readConfig = () => config } = options;
  const { settings } = config;
  const counts = {
    kills: createKillCounts(deliveries.last?.kills),
    containerKills: createContainerKillCounts(deliveries.last?.containerKills),
  };
  const names = openNames({ config, env: process.env, version, events, pressure: deliveries.last?.pressure });
  const sources = openSources({ config, events, context, deliveries, names, counts });
  const servers = await openOwnServers(
    settings,
    () => ({
      version,
      kills: counts.kills.list(),
      containerKills: counts.containerKills.list(),
      names: names.status(),
      deliveries: deliveries.status(),
      sources: sources.status(),
      events: events.counts(),
    }),
    (listener, peer) => events.report("http_connection_dropped", { listener, peer }),
  ).catch((error: Error) => {
    sources.close();
    names.close();
    throw new StartError(error.message, { cause: error });
  });
  const target = backends.map((backend) => backend.target).join(", ");
  const listen = servers.metrics === undefined ? {} : { listen: servers.metrics.url };
  const probes = servers.probes === undefined ? {} : { probeListen: servers.probes.url };
  events.report("agent_started", {
    version,
    since: settings.since,
    target,
    node: context.resource,
    ...listen,
    ...probes,
  });

  const onHangUp = (): void =>
    reload({
      config,
      readConfig,
      backends,
      openBackends: (next) => openBackends(next, version, events),
      onReloaded: deliveries.hurry,
      events,
    });
  process.on("SIGHUP", onHangUp);
  const { reason, status } = await stop.stopped;
  process.off("SIGHUP", onHangUp);
  events.report("agent_stopping", { reason });
  sources.close();
  names.close();
  servers.close();
  const totals = await deliveries.close({ timeoutMs: CLOSE_MS });
  events.report("agent_stopped", { ...totals, events: events.counts() });
  return status;
}

interface SourceParts {
  config: Config;
  events: Events;
  context: RecordContext;
  deliveries: Deliveries<AgentState>;
  names: NodeNames;
  counts: Counts;
}

interface Counts {
  kills: ReturnType<typeof createKillCounts>;
  containerKills: ReturnType<typeof createContainerKillCounts>;
}

/** @throws StartError where there is nothing to read, which the events have said */
function openSources({ config: { settings }, events, ...parts }: SourceParts): NodeSources {
  const clock = createKernelClock();
  const options = { since: settings.since, kmsgPath: settings.kmsg, hostRoot: settings["host-root"] };
  const sources = openNodeSources(
    options,
    events,
    clock,
    (hasCounters, readSources, readVictim, history, ownProcessOf) => ({
      live: openLive({
        ...parts,
        clock,
        hasCounters,
        readSources,
        readVictim,
        ownProcessOf,
        history,
        nearLimit: settings["near-limit"] ?? NEAR_LIMIT,
        onSuppressed: (count) => events.report("unverified_kills_suppressed", { count }),
      }),
      position: parts.deliveries.restored?.position,
    }),
  );
  if (sources === undefined) {
    parts.names.close();
    throw new StartError("");
  }
  return sources;
}

type LiveParts = Omit<SourceParts, "config" | "events"> &
  Pick<
    Parameters<typeof createLive>[0],
    "hasCounters" | "readSources" | "readVictim" | "ownProcessOf" | "history" | "nearLimit" | "onSuppressed"
  > & {
    clock: KernelClock;
  };

function openLive({ clock, deliveries, counts, names, ...rest }: LiveParts): Live {
  const { kills, containerKills } = counts;
  return createLive({
    ...rest,
    names,
    restored: deliveries.restored,
    now: monotonicMs,
    toWallUs: (atMs) => clock.toRealtimeUs(atMs * 1000),
    commit(records, state) {
      // Before they are known: what is read again after a crash counts once.
      const news = new Set(records.filter(deliveries.isNew));
      const isNew = (record: LogRecord): boolean => news.has(record);
      kills.add(records, isNew);
      containerKills.add(records, isNew);
      const { pressure } = names;
      deliveries.commit(records, {
        ...state,
        kills: kills.list(),
        containerKills: containerKills.list(),
        ...(pressure === undefined ? {} : { pressure }),
      });
    },
  });
}
