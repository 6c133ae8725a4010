/**
 * The node's count of kills (/proc/vmstat, oom_kill) as increments: each kill on the node is one, those in cgroups that
 * are gone and those outside every cgroup included. Where nothing of it is left, nobody was killed at that time.
 *
 * The kernel raises it before the cgroup's count and before it prints the kill line (mm/oom_kill.c,
 * __oom_kill_process), so that a count which is read after a line has that line's kill.
 */
import type { NodeReading } from "../sources/node-oom-kills.ts";
import { meets, type Window } from "./match.ts";

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
  explain(window: Window, other?: Window): void;
  /** One window each for the increments that none of these cgroups' steps shows: when it was, as far as that is known. */
  hidden(shown: readonly Window[]): Window[];
  /** When a cgroup's step was made: it is one of the increments that nothing explains. */
  narrow(shown: Window): Window;
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

  function choose(window: Window, other: Window | undefined): Window | undefined {
    const near = open.filter((one) => meets(one, window));
    const both = other === undefined ? [] : near.filter((one) => meets(one, other));
    const [first] = both.length > 0 ? both : near;
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
    explain(window, other) {
      const chosen = choose(window, other);
      open = open.filter((one) => one !== chosen);
    },
    hidden(shown) {
      if (open.length === 0) return [];
      const all = [
        ...open.map((window) => ({ window, change: 1 })),
        ...shown.map((window) => ({ window, change: -1 })),
      ].sort((one, other) => one.window.afterMs - other.window.afterMs);
      const found: Window[] = [];
      let together = { count: 0, untilMs: Number.NEGATIVE_INFINITY, span: undefined as Window | undefined };
      // Which of the increments of one time is which cgroup's nobody knows: what is left over may be any of them.
      const end = (): void => {
        const { count, span } = together;
        if (span !== undefined) for (let left = count; left > 0; left--) found.push(span);
        together = { count: 0, untilMs: Number.NEGATIVE_INFINITY, span: undefined };
      };
      for (const { window, change } of all) {
        if (window.afterMs >= together.untilMs) end();
        together.count += change;
        together.untilMs = Math.max(together.untilMs, window.untilMs);
        if (change > 0) together.span = span(together.span, window);
      }
      end();
      // A step without an increment of its own has lost it to an older one's bookkeeping, and takes what that left.
      return found.slice(found.length - Math.max(0, Math.min(found.length, open.length - shown.length)));
    },
    narrow(shown) {
      const near = open.filter((one) => meets(one, shown)).reduce<Window | undefined>(span, undefined);
      if (near === undefined) return shown;
      return {
        afterMs: Math.max(shown.afterMs, near.afterMs),
        untilMs: Math.min(shown.untilMs, near.untilMs),
      };
    },
    get count() {
      return counted ?? 0;
    },
    state: () => (counted === undefined ? {} : { node: counted - open.length, increments: [...open] }),
  };
}

function span(one: Window | undefined, other: Window): Window {
  if (one === undefined) return other;
  return { afterMs: Math.min(one.afterMs, other.afterMs), untilMs: Math.max(one.untilMs, other.untilMs) };
}
