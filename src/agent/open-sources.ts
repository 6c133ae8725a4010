/** Opens all that tells of kills on this node and connects it to the pipeline: the kernel's log, counters, tracepoint. */
import type { KernelRecord } from "../../parsers/kernel-record.ts";
import type { Live } from "../pipeline/agent-pipeline.ts";
import { type MemoryCountersSource, openMemoryCounters } from "../sources/cgroup/counter-source.ts";
import { CgroupOpenError, findMemoryHierarchy, type MemoryHierarchy } from "../sources/cgroup/mounts.ts";
import { type KernelClock, monotonicMs } from "../sources/clock.ts";
import { isInitPidNamespace } from "../sources/host.ts";
import { KmsgOpenError } from "../sources/kmsg/device.ts";
import { type KmsgSource, openKmsg } from "../sources/kmsg/source.ts";
import { type MemoryHistorySource, openMemoryHistory } from "../sources/memory-history/source.ts";
import { pollEvery } from "../sources/poll-timer.ts";
import { createOwnProcesses, type OwnProcesses } from "../sources/proc/container-init.ts";
import { readVictimProc, type VictimProc } from "../sources/proc/victim.ts";
import { type MarkVictimSource, openMarkVictim } from "../sources/tracepoint/mark-victim.ts";
import type { Events } from "../telemetry/events.ts";

export interface SourceOptions {
  /** `boot`: report what the kernel's log still holds as well; `now`: only what happens from now on. First start only */
  since: "boot" | "now";
  /** default /dev/kmsg */
  kmsgPath?: string | undefined;
  /** where the node's own file system is mounted, default "/" */
  hostRoot?: string | undefined;
}

/** What is read, and how much of it. */
export interface SourceStatus {
  log: {
    /** it is open, and reading it does not fail */
    isRead: boolean;
    /** it has been read to its end since the start, or cannot be */
    isDrained: boolean;
    /** records */
    read: number;
    lost: number;
  };
  counters: {
    isOpen: boolean;
    cgroups: number;
    /** how many are not watched, for want of room: by the container or unit that they are in */
    unwatched: ReadonlyMap<string, number>;
  };
  /** cgroups that have a memory history */
  histories: number;
  tracepoint: { isOpen: boolean };
}

export interface NodeSources {
  status(): SourceStatus;
  /** Reads the last of what is there, hands it on, and lets go of everything. */
  close(): void;
}

/** Makes the pipeline, when it is known what there is to be read. */
export type Connect = (
  hasCounters: boolean,
  readSources: () => void,
  readVictim: (pid: number) => VictimProc | undefined,
  history: Pick<MemoryHistorySource, "of" | "lastOf" | "containersIn">,
  ownProcessOf: (container: string) => number | undefined,
) => { live: Live; position: number | undefined };

/** The log is asked at least 20 times a second: what has not been read for so long cannot be. */
const STALE_MS = 10_000;
/** Without the kernel's log time passes by itself. */
const TICK_MS = 100;
const OWN_PROCESSES_MS = 500;

/** @returns undefined where neither log nor counters can be read, which the events say */
export function openNodeSources(
  options: SourceOptions,
  events: Events,
  clock: KernelClock,
  connect: Connect,
): NodeSources | undefined {
  const hostRoot = options.hostRoot ?? "/";
  const hierarchy = findHierarchy(hostRoot, events);
  let counters: MemoryCountersSource | undefined;
  let history: MemoryHistorySource | undefined;
  let mark: MarkVictimSource | undefined;
  let kmsg: KmsgSource | undefined;
  const log: LogProgress = { read: 0, lost: 0, activeMs: monotonicMs(), isDrained: false };
  let markFails = false;
  // In another pid namespace the numbers are of other processes.
  const own = isInitPidNamespace() ? createOwnProcesses(hostRoot) : undefined;
  const { live, position } = connect(
    hierarchy !== undefined,
    () => {
      mark?.read();
      counters?.read();
      kmsg?.hurry();
    },
    (pid) => {
      const seenCgroup = counters?.cgroupOf(pid);
      const proc = readVictimProc(pid, { hostRoot });
      return seenCgroup === undefined ? proc : { ...proc, seenCgroup };
    },
    {
      of: (path, untilMs) => history?.of(path, untilMs),
      lastOf: (path, untilMs) => history?.lastOf(path, untilMs),
      containersIn: (path) => history?.containersIn(path) ?? [],
    },
    (container) => own?.of(container),
  );
  if (hierarchy !== undefined) {
    const { version } = hierarchy;
    history = openMemoryHistory({ version, onSample: live.memory, onTrouble: events.report });
    counters = openCounters(hierarchy, hostRoot, events, live, history, own);
  }
  mark = openMarkVictim({
    hostRoot,
    onVictim: live.mark,
    onTrouble(name, detail) {
      markFails ||= name === "mark_victim_read_failed";
      events.report(name, detail);
    },
  });
  if (mark !== undefined) events.report("mark_victim_opened");
  kmsg = openLog(options, events, clock, live, position, log);
  if (kmsg === undefined && counters === undefined) {
    mark?.close();
    history?.close();
    return undefined;
  }
  const stopLooks = own === undefined ? undefined : pollEvery(OWN_PROCESSES_MS, () => own.look(monotonicMs()));
  const stopTicks = kmsg === undefined ? pollEvery(TICK_MS, () => live.tick(monotonicMs())) : undefined;

  return {
    status: () => ({
      log: {
        isRead: kmsg !== undefined && monotonicMs() - log.activeMs < STALE_MS,
        isDrained: kmsg === undefined || log.isDrained,
        read: log.read,
        lost: log.lost,
      },
      counters: {
        isOpen: counters !== undefined,
        cgroups: counters?.known.size ?? 0,
        unwatched: counters?.unwatched ?? new Map(),
      },
      histories: history?.size ?? 0,
      tracepoint: { isOpen: mark !== undefined && !markFails },
    }),
    close() {
      kmsg?.drain();
      mark?.read();
      counters?.read(true);
      kmsg?.close();
      mark?.close();
      counters?.close();
      stopTicks?.();
      stopLooks?.();
      live.flush();
      history?.close();
    },
  };
}

function findHierarchy(hostRoot: string, events: Events): MemoryHierarchy | undefined {
  try {
    const hierarchy = findMemoryHierarchy(hostRoot);
    if (hierarchy.seen !== "relative") return hierarchy;
    // A count that cannot be told to be of the cgroup that the log names would tell each kill twice.
    events.report("cgroups_partly_seen", { ...hierarchy });
  } catch (error) {
    if (!(error instanceof CgroupOpenError)) throw error;
    events.report("memory_counters_open_failed", { error: error.message });
  }
  return undefined;
}

function openCounters(
  hierarchy: MemoryHierarchy,
  hostRoot: string,
  events: Events,
  live: Live,
  history: MemoryHistorySource,
  own: OwnProcesses | undefined,
): MemoryCountersSource {
  const counters = openMemoryCounters({
    hostRoot,
    hierarchy,
    onReading: live.counter,
    onNode: live.node,
    onAllRead: live.allRead,
    onUnwatched: live.unwatched,
    onFound(cgroup) {
      history.found(cgroup);
      own?.found(cgroup, monotonicMs());
    },
    onGone(path) {
      history.gone(path);
      own?.gone(path, monotonicMs());
      live.memoryGone(path);
    },
    onTrouble: events.report,
  });
  if (counters.node !== undefined) live.node(counters.node);
  events.report("memory_counters_opened", { version: counters.version, cgroups: counters.known.size });
  return counters;
}

interface LogProgress extends Pick<SourceStatus["log"], "read" | "lost" | "isDrained"> {
  /** when it was last read, CLOCK_MONOTONIC in milliseconds */
  activeMs: number;
}

/** @param position the last run's: what comes until then has been told */
function openLog(
  options: SourceOptions,
  events: Events,
  clock: KernelClock,
  live: Live,
  position: number | undefined,
  progress: LogProgress,
): KmsgSource | undefined {
  const path = options.kmsgPath ?? "/dev/kmsg";
  let isFirst = position !== undefined;

  function onRecord(record: KernelRecord, atMs: number): void {
    progress.read++;
    progress.activeMs = monotonicMs();
    const seq = record.seq ?? Number.POSITIVE_INFINITY;
    if (position !== undefined && seq <= position) return;
    if (isFirst && position !== undefined && seq > position + 1)
      onLost({ firstSeq: position + 1, lost: seq - position - 1 });
    isFirst = false;
    live.record(record, atMs);
  }

  function onLost(gap: { firstSeq: number; lost: number; noticedUs?: number; bootId?: string }): void {
    progress.lost += gap.lost;
    events.report("kmsg_gap", { lost: gap.lost, firstSeq: gap.firstSeq });
    live.gap({ noticedUs: clock.toRealtimeUs(clock.monotonicUs()), ...gap });
  }

  try {
    const source = openKmsg({
      path,
      clock,
      since: position === undefined ? options.since : "boot",
      onRecord,
      onGap: onLost,
      onTrouble: events.report,
      onDrained(nowMs) {
        progress.activeMs = nowMs;
        progress.isDrained = true;
        live.tick(nowMs);
      },
    });
    events.report("kmsg_opened", { path, bootId: source.bootId });
    if (position !== undefined) events.report("kmsg_resumed", { position });
    return source;
  } catch (error) {
    if (!(error instanceof KmsgOpenError)) throw error;
    events.report("kmsg_open_failed", { error: error.message });
    return undefined;
  }
}
