/**
 * The kernel's counts of kills as a ledger: every step of a count stays open until a kill explains it.
 *
 * The steps are those of the cgroups' own counts (step-counter.ts). The node's count (/proc/vmstat) knows every kill:
 * what it has and no cgroup shows is hidden.
 */
import type { CounterReading } from "../sources/cgroup-counters.ts";
import type { NodeReading } from "../sources/node-oom-kills.ts";
import { isWithin } from "./match.ts";
import { createRecentlyRemoved } from "./recently-removed.ts";
import { type CountedStep, createStepCounter, type StepCounterState } from "./step-counter.ts";

/** A step that nothing explains yet. */
export type OpenStep = CountedStep;

export interface LedgerState {
  counts: StepCounterState;
  /** how many of the node's kills are explained */
  node?: number;
  open: readonly OpenStep[];
  /** path → times of kills that were told before their step */
  owed: Record<string, readonly number[]>;
}

export interface Ledger {
  read(reading: CounterReading): void;
  readNode(reading: NodeReading): void;
  allRead(atMs: number): void;
  settle(nowMs: number): void;
  readonly open: readonly OpenStep[];
  /** Takes a step off: a kill explains it, or the kernel's double count. */
  close(step: OpenStep): void;
  /** A kill for which there is no step (yet): the next one of its cgroup is explained by it. */
  owe(cgroup: string, atMs: number): void;
  /** A kill that the node's count alone tells. */
  closeHidden(): void;
  /** the node's count; 0 where the kernel has none */
  readonly nodeCount: number;
  /** kills that the node has counted and no cgroup's step shows; 0 where nothing is hidden */
  readonly hidden: number;
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
  const node = { counted: undefined as number | undefined, explained: 0 };
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
    readNode({ oomKill }) {
      if (node.counted === undefined) node.explained = restored?.node ?? oomKill;
      node.counted = oomKill;
    },
    settle(nowMs) {
      counter.settle(nowMs);
      removed.prune(nowMs);
      forgetOwed(owed, nowMs);
      forgetOwed(owedOfGone, nowMs);
    },
    get open() {
      return open;
    },
    close(step) {
      open = open.filter((other) => other !== step);
      node.explained++;
    },
    owe(cgroup, atMs) {
      node.explained++;
      const map = removed.has(cgroup) ? owedOfGone : owed;
      map.set(cgroup, [...(map.get(cgroup) ?? []), atMs]);
    },
    closeHidden() {
      node.explained++;
    },
    get nodeCount() {
      return node.counted ?? 0;
    },
    get hidden() {
      return node.counted === undefined ? 0 : Math.max(0, node.counted - node.explained - open.length);
    },
    state(nowMs) {
      return {
        counts: counter.state(nowMs),
        ...(node.counted === undefined ? {} : { node: node.explained }),
        open,
        owed: Object.fromEntries(owed),
      };
    },
  };
}
