/**
 * The kernel's counts of kills as a ledger: every step of a count stays open until a kill explains it.
 *
 * The steps are those of the cgroups' own counts (step-counter.ts). The node's count (node-increments.ts) knows every
 * kill: what it has and no cgroup shows is hidden.
 */
import type { CounterReading } from "../sources/cgroup-counters.ts";
import type { NodeReading } from "../sources/node-oom-kills.ts";
import { isWithin, type LineWindow, type Window } from "./match.ts";
import { createNodeIncrements, type NodeIncrementsState } from "./node-increments.ts";
import { createRecentlyRemoved } from "./recently-removed.ts";
import { type CountedStep, createStepCounter, type StepCounterState } from "./step-counter.ts";
import { type TimedSteps, timeSteps } from "./time-steps.ts";

/** A step that nothing explains yet. */
export type OpenStep = CountedStep;

export interface LedgerState extends NodeIncrementsState {
  counts: StepCounterState;
  open: readonly OpenStep[];
  /** path → times of kills that were told before their step */
  owed: Record<string, readonly number[]>;
}

export interface Ledger {
  read(reading: CounterReading): void;
  /** Every look at the node's count, whether it has moved or not. */
  readNode(reading: NodeReading): void;
  allRead(atMs: number): void;
  settle(nowMs: number): void;
  readonly open: readonly OpenStep[];
  /**
   * Takes a step off: a kill explains it, or the kernel's double count.
   * @param by when that was, where its line says so
   */
  close(step: OpenStep, by?: LineWindow): void;
  /** A kill for which there is no step (yet): the next one of its cgroup is explained by it. */
  owe(cgroup: string, atMs: number): void;
  /** A kill that the node's count alone tells. */
  closeHidden(window: LineWindow): void;
  /** the node's count; 0 where the kernel has none */
  readonly nodeCount: number;
  /** whether there is an open step, or a kill that the node has counted and nothing explains */
  readonly isOpen: boolean;
  /** When the open steps were made, and kills that the node has counted and no cgroup's step shows. */
  timed(): TimedSteps<OpenStep>;
  /** Whether all is known that the node counted in that window. */
  hasCounted(window: Window): boolean;
  state(nowMs: number): LedgerState;
}

/** A kill's step comes within so long, or never: its cgroup was gone. */
const OWED_MS = 5000;
/** A kill is resolved within six seconds of its line; the line may be read late. */
const REMOVED = { keptMs: 60_000, max: 1024 };

/**
 * @param restored what the last run of this boot saved; undefined: counts found at the start are what was before
 * @param unwatched below these the last run did not watch all cgroups
 */
export function createLedger(
  startMs: number,
  restored: LedgerState | undefined,
  unwatched?: readonly string[],
): Ledger {
  const counter = createStepCounter({
    startMs,
    restored: restored?.counts,
    unwatched,
    pick: ({ oomKill }) => oomKill,
    onStep(step) {
      if (!takeOwed(step)) open.push(step);
    },
  });
  const owed = new Map(Object.entries(restored?.owed ?? {}).map(([cgroup, times]) => [cgroup, [...times]]));
  /** the same of cgroups that are gone: their steps can only show above them, not where one of that name is made anew */
  const owedOfGone = new Map<string, number[]>();
  const removed = createRecentlyRemoved<true>(REMOVED);
  const node = createNodeIncrements(restored, restored?.counts.savedMs ?? startMs);
  let open: OpenStep[] = [...(restored?.open ?? [])];

  /** A kill that was told before its step was seen. */
  function takeOwed(step: OpenStep): boolean {
    if (step.of === "own") return owed.get(step.cgroup)?.shift() !== undefined;
    for (const [cgroup, times] of [...owedOfGone, ...owed]) {
      if (isWithin(cgroup, step.cgroup) && times.shift() !== undefined) return true;
    }
    return false;
  }

  function forgetOwed(map: Map<string, number[]>, nowMs: number): void {
    for (const [cgroup, times] of map) {
      const left = times.filter((atMs) => nowMs - atMs < OWED_MS);
      if (left.length === 0) map.delete(cgroup);
      else map.set(cgroup, left);
    }
  }

  function noteWhetherThere({ cgroup, why, atMs }: CounterReading): void {
    if (why === "found") removed.delete(cgroup);
    if (why !== "removed") return;
    removed.add(cgroup, true, atMs);
    const times = owed.get(cgroup);
    if (times !== undefined) owedOfGone.set(cgroup, [...(owedOfGone.get(cgroup) ?? []), ...times]);
    owed.delete(cgroup);
  }

  return {
    read(reading) {
      noteWhetherThere(reading);
      counter.read(reading);
    },
    allRead: counter.allRead,
    readNode: node.read,
    settle(nowMs) {
      counter.settle(nowMs);
      removed.prune(nowMs);
      forgetOwed(owed, nowMs);
      forgetOwed(owedOfGone, nowMs);
    },
    get open() {
      return open;
    },
    close(step, by) {
      open = open.filter((other) => other !== step);
      node.explain(by ?? step, step);
    },
    owe(cgroup, atMs) {
      const map = removed.has(cgroup) ? owedOfGone : owed;
      map.set(cgroup, [...(map.get(cgroup) ?? []), atMs]);
    },
    closeHidden: (window) => node.explain(window),
    get nodeCount() {
      return node.count;
    },
    get isOpen() {
      return open.length > 0 || node.open.length > 0;
    },
    timed: () => timeSteps(open, node.open),
    hasCounted: node.hasCounted,
    state(nowMs) {
      return {
        counts: counter.state(nowMs),
        ...node.state(),
        open,
        owed: Object.fromEntries(owed),
      };
    },
  };
}
