/**
 * The kernel's double counts: a group kill (memory.oom.group) kills its first victim once more with the others, and
 * counts it twice (mm/oom_kill.c, oom_kill_process). Known from the counter `oom_group_kill` (5.17 and later) and from
 * the log's `Tasks in … are going to be killed`, whichever comes; both tell of the same group kill.
 */
import type { CounterReading } from "../sources/cgroup-counters.ts";
import { isWithin, type Seeker, type Window } from "./match.ts";
import { createStepCounter, type StepCounterState } from "./step-counter.ts";

/** What a restart begins with. */
export interface DoubleCountsState {
  counts: StepCounterState;
  open: readonly DoubleCount[];
}

/** A step that is no kill. */
export interface DoubleCount extends Seeker {
  cgroup: string;
  log: boolean;
  counter: boolean;
}

export interface DoubleCounts {
  /** The log told of a group kill in a cgroup. @returns its double count */
  logged(cgroup: string, window: Window): DoubleCount;
  counted(reading: CounterReading): void;
  allRead(atMs: number): void;
  settle(nowMs: number): void;
  /** those that may still have a step; the first victim may have ended before it was counted again */
  readonly open: readonly DoubleCount[];
  close(double: DoubleCount): void;
  state(nowMs: number): DoubleCountsState;
}

/** Log and counter tell of one group kill within so long. */
const SAME_MS = 3000;

export function createDoubleCounts(
  startMs: number,
  restored: DoubleCountsState | undefined,
  unwatched?: readonly string[],
): DoubleCounts {
  const counter = createStepCounter({
    startMs,
    restored: restored?.counts,
    unwatched,
    pick: ({ oomGroupKill }) => oomGroupKill,
    onStep: (step) => void add(step.cgroup, step, "counter"),
  });
  let open: DoubleCount[] = (restored?.open ?? []).map((one) => ({ ...one }));

  function add(cgroup: string, { afterMs, untilMs }: Window, from: "log" | "counter"): DoubleCount {
    const same = open.find(
      (one) =>
        !one[from] &&
        Math.abs(one.untilMs - untilMs) < SAME_MS &&
        // Where the group's cgroup is gone, the counter of one above it tells.
        (from === "counter" ? isWithin(one.cgroup, cgroup) : isWithin(cgroup, one.cgroup)),
    );
    if (same === undefined) {
      const log = from === "log";
      const added = { cgroup, afterMs, untilMs, isGroup: true, isOptional: log, isLoose: !log, log, counter: !log };
      open.push(added);
      return added;
    }
    same[from] = true;
    // What the counter has as well, has been counted; the log knows better when and where.
    same.isOptional = false;
    same.isLoose = true;
    if (from === "log") Object.assign(same, { cgroup, afterMs, untilMs });
    return same;
  }

  return {
    logged: (cgroup, window) => add(cgroup, window, "log"),
    counted: counter.read,
    allRead: counter.allRead,
    settle: counter.settle,
    get open() {
      return open;
    },
    close(double) {
      open = open.filter((other) => other !== double);
    },
    state: (nowMs) => ({ counts: counter.state(nowMs), open }),
  };
}
