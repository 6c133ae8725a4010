/**
 * The kernel's double counts: a group kill (memory.oom.group) kills its first victim once more with the others, and
 * counts it twice (mm/oom_kill.c, oom_kill_process). Known from the counter `oom_group_kill` (5.17 and later) and from
 * the log's `Tasks in … are going to be killed`, whichever comes; both tell of the same group kill.
 */
import type { CounterReading } from "../sources/cgroup-counters.ts";
import type { Seeker, Window } from "./match.ts";

/** What a restart begins with. */
export interface DoubleCountsState {
  /** group kills of each cgroup, as last counted; none where it is 0 */
  counts: Readonly<Record<string, number>>;
  open: readonly DoubleCount[];
}

/** A step that is no kill. */
export interface DoubleCount extends Seeker {
  cgroup: string;
  log: boolean;
  counter: boolean;
}

export interface DoubleCounts {
  /** The log told of a group kill in a cgroup. */
  logged(cgroup: string, window: Window): void;
  counted(reading: CounterReading): void;
  /** those that may still have a step; the first victim may have ended before it was counted again */
  readonly open: readonly DoubleCount[];
  close(double: DoubleCount): void;
  readonly state: DoubleCountsState;
}

/** A first group kill's counter is looked at within so long. */
const COUNTED_MS = 1000;
/** Log and counter tell of one group kill within so long. */
const SAME_MS = 3000;

export function createDoubleCounts(restored: DoubleCountsState | undefined): DoubleCounts {
  let open: DoubleCount[] = (restored?.open ?? []).map((one) => ({ ...one }));
  /** cgroup → group kills and when that was read */
  const counts = new Map<string, { count: number; atMs: number }>();

  function add(cgroup: string, { afterMs, untilMs }: Window, from: "log" | "counter"): void {
    const same = open.find((one) => one.cgroup === cgroup && !one[from] && Math.abs(one.untilMs - untilMs) < SAME_MS);
    if (same === undefined) {
      const log = from === "log";
      open.push({ cgroup, afterMs, untilMs, isGroup: true, isOptional: log, log, counter: !log });
      return;
    }
    same[from] = true;
    // What the counter has as well, has been counted; the log knows better when.
    same.isOptional = false;
    if (from === "log") Object.assign(same, { afterMs, untilMs });
  }

  /** What was counted before the first look. */
  function baseOf({ fromZero, cgroup }: CounterReading, count: number): number {
    if (fromZero) return 0;
    const base = restored === undefined ? count : (restored.counts[cgroup] ?? 0);
    return base > count ? 0 : base;
  }

  return {
    logged: (cgroup, window) => add(cgroup, window, "log"),
    counted(reading) {
      const { cgroup, why, atMs, local } = reading;
      if (why === "removed" || local?.oomGroupKill === undefined) {
        counts.delete(cgroup);
        return;
      }
      const known = why === "found" ? undefined : counts.get(cgroup);
      const before = known?.count ?? baseOf(reading, local.oomGroupKill);
      const afterMs = known?.atMs ?? atMs - COUNTED_MS;
      for (let each = before; each < local.oomGroupKill; each++) add(cgroup, { afterMs, untilMs: atMs }, "counter");
      counts.set(cgroup, { count: local.oomGroupKill, atMs });
    },
    get open() {
      return open;
    },
    close(double) {
      open = open.filter((other) => other !== double);
    },
    get state() {
      const counted = [...counts].filter(([, { count }]) => count > 0);
      return { counts: Object.fromEntries(counted.map(([cgroup, { count }]) => [cgroup, count])), open };
    },
  };
}
