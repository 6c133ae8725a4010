/**
 * The node's count of kills (/proc/vmstat, oom_kill) as increments: each kill on the node is one, those in cgroups that
 * are gone and those outside every cgroup included. Where nothing of it is left, nobody was killed at that time.
 *
 * The kernel raises it before the cgroup's count and before it prints the kill line (mm/oom_kill.c,
 * __oom_kill_process), so that a count which is read after a line has that line's kill.
 */
import type { NodeReading } from "../sources/node-oom-kills.ts";
import { isLikely, type LineWindow, meets, type Window } from "./match.ts";

/** What a restart begins with. */
export interface NodeIncrementsState {
  /** how many of the node's kills are explained */
  node?: number;
  /** when the others were counted; absent in states of before: at any time */
  increments?: readonly Window[];
}

export interface NodeIncrements {
  /** Every look at the count, whether it has moved or not. */
  read(reading: NodeReading): void;
  /** Whether all that the node counted in that window is known. */
  hasCounted(window: Window): boolean;
  /**
   * A kill of that time is explained.
   * @param other a second window of the same kill: what is in both comes first
   */
  explain(window: LineWindow, other?: Window): void;
  /** those that nothing explains yet, oldest first */
  readonly open: readonly Window[];
  /** the count; 0 where the kernel has none */
  readonly count: number;
  state(): NodeIncrementsState;
}

/** The bookkeeping of a storm may take an increment for its neighbour; one further away is another kill's. */
const NEAR_MS = 10_000;

/** @param savedMs when the state was saved, CLOCK_MONOTONIC in milliseconds */
export function createNodeIncrements(restored: NodeIncrementsState | undefined, savedMs: number): NodeIncrements {
  let open: Window[] = (restored?.increments ?? []).map(({ afterMs, untilMs }) => ({ afterMs, untilMs }));
  let counted = restored?.node === undefined ? undefined : restored.node + open.length;
  /** since when each increment is known; what the last run did not explain may be of any time before */
  let sinceMs = counted === undefined ? undefined : 0;
  let lookedMs = restored?.increments === undefined ? 0 : savedMs;
  let isRead = false;

  function distance(one: Window, other: Window): number {
    return Math.max(0, one.afterMs - other.untilMs, other.afterMs - one.untilMs);
  }

  function choose(window: LineWindow, other: Window): Window | undefined {
    const near = open.filter((one) => meets(one, window));
    const both = near.filter((one) => meets(one, other));
    const all = both.length > 0 ? both : near;
    const first = all.find((one) => isLikely(window, one)) ?? all[0];
    if (first !== undefined) return first;
    const [nearest] = open.toSorted((one, two) => distance(one, window) - distance(two, window));
    return nearest !== undefined && distance(nearest, window) <= NEAR_MS ? nearest : undefined;
  }

  return {
    read({ oomKill, atMs }) {
      isRead = true;
      sinceMs ??= atMs;
      counted ??= oomKill;
      // It is a sum over CPUs: of one that is just going offline it may be short for a moment.
      for (; counted < oomKill; counted++) open.push({ afterMs: lookedMs, untilMs: atMs });
      lookedMs = atMs;
    },
    hasCounted: ({ afterMs, untilMs }) => isRead && sinceMs !== undefined && afterMs >= sinceMs && untilMs <= lookedMs,
    explain(window, other = window) {
      const chosen = choose(window, other);
      open = open.filter((one) => one !== chosen);
    },
    get open() {
      return open;
    },
    get count() {
      return counted ?? 0;
    },
    state: () => (counted === undefined ? {} : { node: counted - open.length, increments: [...open] }),
  };
}
