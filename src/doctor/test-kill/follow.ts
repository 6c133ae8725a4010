/** Follows one kill through the agent's own pipeline: sources, correlation, record, outbox, endpoint; all in memory. */
import { basename } from "node:path";
import { readKillLine } from "../../../parsers/oom/killed.ts";
import { readNodeResource } from "../../agent/node-resource.ts";
import { openNames } from "../../agent/open-enricher.ts";
import { openNodeSources } from "../../agent/open-sources.ts";
import type { Config } from "../../config/read.ts";
import type { Outcome } from "../../otlp/export-result.ts";
import { openDeliveries } from "../../outbox/deliveries.ts";
import { openBackends } from "../../outbox/open.ts";
import type { Backend } from "../../outbox/replaceable-exporter.ts";
import { createLive, type Live, type LiveState } from "../../pipeline/agent-pipeline.ts";
import type { RecordContext } from "../../record/context.ts";
import type { LogRecord } from "../../record/log-record.ts";
import { TEST_COMM } from "../../record/test-kill.ts";
import { createKernelClock, monotonicMs } from "../../sources/clock.ts";
import { readBootId } from "../../sources/host.ts";
import { EVENTS, type EventName, type Events } from "../../telemetry/events.ts";
import type { CheckContext } from "../check.ts";

/** What was seen of the kill, and when: CLOCK_MONOTONIC in milliseconds. */
export interface Seen {
  lineMs?: number;
  counterMs?: number;
  recordMs?: number;
  record?: LogRecord;
  /** by endpoint, the last answer of each */
  deliveries: Map<string, { outcome: Outcome; atMs: number }>;
}

export interface Follower {
  readonly seen: Seen;
  /** where records go; empty: nowhere */
  readonly targets: readonly string[];
  /** what is read of the node */
  readonly reads: { log: boolean; counters: boolean };
  /** The log has been read to its end: what comes is new. */
  readonly isReady: boolean;
  /** From now on a line is this kill's: those of just before the start, which are read as well, may be another test's. */
  begin(): void;
  /** What went wrong on the way. */
  readonly troubles: ReadonlySet<EventName>;
  close(): Promise<void>;
}

/**
 * @param cgroup path of the cgroup that the kill will be in
 * @returns undefined where neither log nor counters can be read
 */
export function openFollower(context: CheckContext & { config: Config }, cgroup: string): Follower | undefined {
  const { config, version, hostRoot, kmsgPath } = context;
  const seen: Seen = { deliveries: new Map() };
  let hasBegun = false;
  const troubles = new Set<EventName>();
  const events: Events = {
    report(name) {
      if (EVENTS[name].level !== "info") troubles.add(name);
    },
    counts: () => ({}),
  };
  const bootId = readBootId();
  const records: RecordContext = {
    resource: readNodeResource(config, () => {}),
    ...(bootId === undefined ? {} : { bootId }),
  };
  const backends = openBackends(config, version, events).map((backend) => watch(backend, seen));
  // Records that are printed have no endpoint.
  const deliveries =
    backends.length === 0
      ? undefined
      : openDeliveries<LiveState>({ backends, directory: undefined, context: records, events });
  // A test takes a second or two, which is no time to list a cluster's pods: the node's own files name what they can.
  const settings = { ...config.settings, kubernetes: "off" } as const;
  const names = openNames({ config: { settings }, env: config.env, version, events });
  const clock = createKernelClock();
  const sources = openNodeSources(
    { since: "now", kmsgPath, hostRoot },
    events,
    clock,
    (hasCounters, readSources, readVictim, history, ownProcessOf) => {
      const live = createLive({
        context: records,
        restored: undefined,
        now: monotonicMs,
        toWallUs: (atMs) => clock.toRealtimeUs(atMs * 1000),
        names,
        hasCounters,
        readSources,
        readVictim,
        ownProcessOf,
        history,
        // What is near its limit is the agent's to tell.
        nearLimit: 0,
        commit(made, state) {
          // The other kills of this node are the agent's to tell.
          const ours = made.filter((record) => hasBegun && isOurs(record, cgroup));
          const [record] = ours;
          if (record === undefined || seen.record !== undefined) return;
          seen.record = record;
          seen.recordMs = monotonicMs();
          deliveries?.commit([record], state);
        },
      });
      return { live: listen(live, cgroup, seen, () => hasBegun), position: undefined };
    },
  );
  if (sources === undefined) {
    names.close();
    void deliveries?.close({ timeoutMs: 0 });
    return undefined;
  }
  const { log, counters } = sources.status();
  return {
    seen,
    targets: backends.map(({ target }) => target),
    reads: { log: log.isRead, counters: counters.isOpen },
    get isReady() {
      return sources.status().log.isDrained;
    },
    begin() {
      hasBegun = true;
    },
    troubles,
    async close() {
      sources.close();
      names.close();
      await deliveries?.close({ timeoutMs: 0 });
    },
  };
}

function watch(backend: Backend, seen: Seen): Backend {
  return {
    target: backend.target,
    close: backend.close,
    async export(batch) {
      const outcome = await backend.export(batch);
      seen.deliveries.set(backend.target, { outcome, atMs: monotonicMs() });
      return outcome;
    },
  };
}

/** Notes what passes by on its way into the pipeline. */
function listen(live: Live, cgroup: string, seen: Seen, hasBegun: () => boolean): Live {
  return {
    ...live,
    record(record, atMs) {
      const line = hasBegun() && record.origin === "kernel" ? readKillLine(record) : undefined;
      if (line?.comm === TEST_COMM) seen.lineMs ??= monotonicMs();
      live.record(record, atMs);
    },
    counter(reading) {
      const kills = (reading.local ?? reading.tree)?.oomKill ?? 0;
      if (reading.cgroup === cgroup && kills > 0) seen.counterMs ??= monotonicMs();
      live.counter(reading);
    },
  };
}

/** By its cgroup; by the name of the process where the log and the counters did not tell that. */
/** Whether a record is the test kill's. */
export function isOurs({ eventName, attributes }: LogRecord, cgroup: string): boolean {
  // A line that no count confirms is anybody's.
  if (eventName !== "oom.kill" || attributes["oom.attribution"] === "unverified") return false;
  const place = attributes["oom.victim.cgroup"];
  // The mount's own name for it may be another than the kernel's.
  if (typeof place === "string") return basename(place) === basename(cgroup);
  return attributes["process.executable.name"] === TEST_COMM;
}
