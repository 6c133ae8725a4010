/**
 * The kernel's own counts of OOM kills, live: every memory cgroup's as it comes, changes and goes, and the node's.
 *
 * Counters lose nothing, but they go with their cgroup: of one that was removed nothing can be read any more (ENODEV).
 * What it counted since the last look is then still in the node's count and, on v2, in `tree` of those above it.
 */

import { monotonicMs } from "../clock.ts";
import { isInitPidNamespace } from "../host.ts";
import { pollEvery } from "../poll-timer.ts";
import { createLiving } from "../proc/recent-pids.ts";
import { counterFileNames } from "./counter-files.ts";
import { type CgroupCounters, type CounterReading, createCgroupCounters } from "./counters.ts";
import { findMemoryHierarchy, type MemoryHierarchy } from "./mounts.ts";
import { type CgroupDirectory, type CgroupTree, type CgroupTreeTrouble, openCgroupTree } from "./tree.ts";
import { createNodeCount, type NodeReading } from "./vmstat.ts";

export type { CounterReading } from "./counters.ts";
export type { NodeReading } from "./vmstat.ts";

export type MemoryCountersTrouble =
  | CgroupTreeTrouble
  /** the mount shows a part of the cgroups only, or the kernel's log has other names for them */
  | "cgroups_partly_seen"
  /** the kernel does not count kills (before Linux 4.13), or /proc/vmstat cannot be read */
  | "node_oom_kills_unknown"
  /** counters of a cgroup could not be opened or read: tried again */
  | "memory_counters_unreadable";

export interface MemoryCountersOptions {
  /** where the node's own file system is mounted, default "/" */
  hostRoot?: string;
  /** Called for every cgroup there is before openMemoryCounters returns, then for what is new. */
  onReading(reading: CounterReading): void;
  /**
   * Every look at the node's count, moved or not. Of cgroups that have moved with it inotify may have told before, and
   * the others are read after it.
   */
  onNode?(reading: NodeReading): void;
  /** Every cgroup known has been read, each after `sinceMs`; what was new has been handed on. */
  onAllRead?(sinceMs: number): void;
  /** Every cgroup as it comes and goes, before its counters are read and after their last reading. */
  onFound?(cgroup: CgroupDirectory): void;
  onGone?(path: string): void;
  /** Below these there are cgroups that are not watched: they have no readings, and those above them count for them. */
  onUnwatched?(owners: readonly string[]): void;
  onTrouble(name: MemoryCountersTrouble, detail: Readonly<Record<string, string | number>>): void;
  /** for tests: default is what is found on this node */
  hierarchy?: MemoryHierarchy;
  maxCgroups?: number;
  maxInSubtree?: number;
}

export interface MemoryCountersSource {
  readonly version: "v1" | "v2";
  /** where it reads, and how much of the node that is */
  readonly hierarchy: MemoryHierarchy;
  /**
   * Reads what may have changed, now: all cgroups where the node's count has moved, else those that inotify has told
   * of. To be called when a kill line arrives: the counters have moved before it was printed.
   * @param all every cgroup in any case
   */
  read(all?: boolean): void;
  /** every cgroup known, by its path, with its latest counters */
  readonly known: ReadonlyMap<string, CounterReading>;
  /** how many are found and not watched, for want of room: by the container or unit that they are in */
  readonly unwatched: ReadonlyMap<string, number>;
  /** In which of those that have kills a process was seen a moment ago. */
  cgroupOf(pid: number): string | undefined;
  /** undefined where the kernel does not count it */
  readonly node: NodeReading | undefined;
  /** Stops at once; no callback is called any more. */
  close(): void;
}

/**
 * The safety net below read(), for kills whose lines were lost: a container's cgroup is gone 65 ms after a kill, or
 * later. A look at the node's count takes 17 µs of CPU however many cgroups there are, with Node's own wake-up 0.2 %
 * of a core; to read 250 cgroups at each look would take 1 % or more (0.34 ms each time when warm, 0.9 ms when not).
 */
const POLL_MS = 100;
/** The kernel's log will tell of the next kill as soon as it is printed. */
const QUIET_POLL_MS = 500;
/** After the node's count has moved, all are read at every look: a cgroup's own counter moves a moment later. */
const SETTLE_MS = 500;
/** All is looked at again, for what inotify has lost or never tells: some milliseconds for 250 cgroups. */
const RESCAN_MS = 30_000;
/** … where inotify cannot be had. */
const UNWATCHED_RESCAN_MS = 2000;
/** memory.events is signalled up to a hundred times a second for a cgroup at its limit, and for all above it. */
const MIN_INTERVAL_MS = 20;
/** Each takes a watch and two open files at most. */
const MAX_CGROUPS = 10_000;
/** Of them, those that one pod or unit may have made for itself (cgroup-budget.ts). */
const MAX_IN_SUBTREE = 1000;

/**
 * Reads all counters, at once, and follows them. An open source keeps the process running, as a server does.
 * @throws CgroupOpenError where there is nothing to read, with what to do in its message
 */
export function openMemoryCounters(options: MemoryCountersOptions): MemoryCountersSource {
  const { hostRoot = "/", onReading, onTrouble } = options;
  const hierarchy = options.hierarchy ?? findMemoryHierarchy(hostRoot);
  const names = counterFileNames(hierarchy);
  const cgroups = new Map<string, CgroupCounters>();
  const known = new Map<string, CounterReading>();
  const signalled = new Set<string>();
  const node = createNodeCount(hostRoot, SETTLE_MS, options.onNode);
  const living = isInitPidNamespace() ? createLiving() : undefined;
  let tree: CgroupTree | undefined;
  let isClosed = false;
  let unreadableCode: string | undefined;

  /** At once, unless it was just read: then at the next look. */
  function onSignal(path: string): void {
    const latest = cgroups.get(path)?.latest;
    if (latest !== undefined && monotonicMs() - latest.atMs < MIN_INTERVAL_MS) signalled.add(path);
    else readOne(path);
  }

  function readOne(path: string): void {
    const counters = cgroups.get(path);
    signalled.delete(path);
    if (counters === undefined || isClosed) return;
    try {
      const reading = counters.read();
      if (reading === "gone") onGone(path);
      else if (reading !== undefined) handOn(reading);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? String(error);
      if (code !== unreadableCode) onTrouble("memory_counters_unreadable", { code, cgroup: path });
      unreadableCode = code;
    }
  }

  /** The cgroup as such, or only its memory controller. */
  function onGone(path: string): void {
    removeOne(path);
    tree?.check(path);
  }

  function removeOne(path: string): void {
    signalled.delete(path);
    const last = cgroups.get(path)?.remove();
    if (last !== undefined) handOn(last);
  }

  function handOn(reading: CounterReading): void {
    if (isClosed) return;
    lookAtLiving(reading);
    if (reading.why === "removed") known.delete(reading.cgroup);
    else known.set(reading.cgroup, reading);
    onReading(reading);
  }

  function lookAtLiving({ cgroup, local, tree, atMs, why, fromZero }: CounterReading): void {
    const directory = cgroups.get(cgroup)?.directory;
    const last = known.get(cgroup);
    if (living === undefined || directory === undefined || why === "removed" || (last === undefined && !fromZero))
      return;
    // What is below it is not in it.
    const now = local ?? tree;
    const before = last?.local ?? last?.tree;
    const hasMore = (of: "max" | "oomKill"): boolean => (now?.[of] ?? 0) > (before?.[of] ?? 0);
    if (hasMore("oomKill")) living.watch(cgroup, directory, atMs);
    else if (hasMore("max")) living.see(cgroup, directory, atMs);
  }

  function readAll(): void {
    const sinceMs = monotonicMs();
    for (const path of [...cgroups.keys()]) readOne(path);
    if (!isClosed) options.onAllRead?.(sinceMs);
  }

  function read(all = false): void {
    if (isClosed) return;
    if (node.read() || all) readAll();
    else for (const path of [...signalled]) readOne(path);
    living?.look(monotonicMs());
  }

  const { seen, path, directory } = hierarchy;
  if (seen !== "all") onTrouble("cgroups_partly_seen", { seen, path, directory });
  if (node.latest === undefined) onTrouble("node_oom_kills_unknown", {});
  tree = openCgroupTree({
    directory,
    path,
    maxCgroups: options.maxCgroups ?? MAX_CGROUPS,
    maxInSubtree: options.maxInSubtree ?? MAX_IN_SUBTREE,
    ...(options.onUnwatched === undefined ? {} : { onUnwatched: options.onUnwatched }),
    onFound(cgroup) {
      options.onFound?.(cgroup);
      cgroups.set(cgroup.path, createCgroupCounters(cgroup, names));
      readOne(cgroup.path);
    },
    onGone(path) {
      removeOne(path);
      cgroups.delete(path);
      options.onGone?.(path);
    },
    onChanged(path, file) {
      if (file === names.local || file === names.tree) onSignal(path);
      else if (file === "cgroup.subtree_control") readAll(); // it may have given children their files
    },
    onTrouble,
  });
  const rescans = startRescans(tree, readAll);
  const stopReading = pollEvery(POLL_MS, read, QUIET_POLL_MS);

  return {
    version: hierarchy.version,
    hierarchy,
    read,
    known,
    get unwatched() {
      return tree.unwatched;
    },
    cgroupOf: (pid) => living?.cgroupOf(pid, monotonicMs()),
    get node() {
      return node.latest;
    },
    close() {
      if (isClosed) return;
      isClosed = true;
      stopReading();
      rescans.stop();
      tree.close();
      node.close();
      for (const counters of cgroups.values()) counters.remove();
      cgroups.clear();
    },
  };
}

function startRescans(tree: CgroupTree, readAll: () => void): { stop(): void } {
  let timer: NodeJS.Timeout;
  function schedule(): void {
    timer = setTimeout(rescan, tree.isWatched ? RESCAN_MS : UNWATCHED_RESCAN_MS);
  }
  function rescan(): void {
    tree.rescan();
    readAll();
    schedule();
  }
  schedule();
  return { stop: () => clearTimeout(timer) };
}
