/**
 * One of the kernel's counters in every cgroup, as single steps: each time that it went up by one, where, and between
 * which two looks.
 *
 * Each cgroup's own count (`local`) is of that very cgroup. A cgroup that is gone before it was read leaves its step to
 * the count of those above it (`tree`, cgroup v2): that is taken for a step of its own only after those below had time
 * to tell.
 */
import type { MemoryCounters } from "../../parsers/cgroup/memory-events.ts";
import { createSeldom } from "../seldom.ts";
import type { CounterReading } from "../sources/cgroup-counters.ts";
import { createLasting, type Lasting } from "./lasting.ts";
import { ancestors, isWithin, type Window } from "./match.ts";

/** What is kept over a restart: how far each count was read. Cgroups that have counted nothing are left out. */
export interface StepCounterState {
  /** CLOCK_MONOTONIC in milliseconds */
  savedMs: number;
  /** path → count of its own, and count of all in it that its steps and those below account for (v2) */
  cgroups: Record<string, readonly [own: number, tree: number | null]>;
}

export interface CountedStep extends Window {
  cgroup: string;
  of: "own" | "below";
  /** the count with it */
  value: number;
}

export interface StepCounterOptions {
  startMs: number;
  /** what the last run of this boot saved; undefined: counts found at the start are what was before */
  restored: StepCounterState | undefined;
  /** below these the last run did not watch all cgroups */
  unwatched?: readonly string[] | undefined;
  /** which of the kernel's counters */
  pick(counters: MemoryCounters): number | undefined;
  onStep(step: CountedStep): void;
}

export interface StepCounter {
  read(reading: CounterReading): void;
  /** Every cgroup has been looked at since then: what moves later has moved after. */
  allRead(atMs: number): void;
  /** Turns what only the counts above a cgroup tell into steps, where the others have been quiet long enough. */
  settle(nowMs: number): void;
  state(nowMs: number): StepCounterState;
}

interface Account {
  cgroup: string;
  /** last count of its own; undefined: the kernel has none (v2 before 5.2) */
  own: number | undefined;
  tree: number | undefined;
  /** steps of its own and of those below, as counted since the tree's count was `treeBase` */
  below: number;
  treeBase: number;
  /** last time at which its count was known to be what it is */
  seenMs: number;
  /** it has not been looked at by a sweep yet: it may be older than our knowledge of it */
  isNew: boolean;
  /** what tree has more than `below`, and until when it had not */
  missing: Lasting;
  stillMs: number;
  removed: boolean;
}

/** Counters are read one after another, and inotify tells late: what a parent counts is waited for so long. */
const SETTLE_MS = 1500;
/** A new cgroup is found within so long. */
const FOUND_MS = 1000;
/** What was counted below a cgroup that was never read is kept so long for its first reading. */
const UNREAD_MS = 60_000;
/**
 * Removed cgroups whose count of all below them is not accounted for yet. Of one that is dropped, those above it have
 * the same difference: its steps become theirs.
 */
const MAX_REMOVED = 1024;

export function createStepCounter({
  startMs,
  restored,
  unwatched = [],
  pick,
  onStep,
}: StepCounterOptions): StepCounter {
  const accounts = new Map<string, Account>();
  /** those whose counts have moved since they were last settled, and those that have something missing */
  const unsettled = new Set<Account>();
  /** of `unsettled`, those whose cgroup is gone; the first to go first */
  const removed = new Set<Account>();
  const isTimeToForget = createSeldom();
  let sweptMs = restored?.savedMs ?? startMs;

  function account(cgroup: string): Account {
    let found = accounts.get(cgroup);
    if (found === undefined) {
      found = {
        cgroup,
        own: undefined,
        tree: undefined,
        below: 0,
        treeBase: 0,
        seenMs: sweptMs,
        isNew: true,
        missing: createLasting(SETTLE_MS),
        stillMs: startMs,
        removed: false,
      };
      accounts.set(cgroup, found);
    }
    return found;
  }

  function countIn(counters: MemoryCounters | undefined): number | undefined {
    return counters === undefined ? undefined : pick(counters);
  }

  /** What a count was before its first reading. */
  function baseOf(reading: CounterReading, which: 0 | 1, value: number): number {
    if (reading.fromZero) return 0;
    // What it counted while nobody watched it is in the counts above it, and in the node's.
    if (restored === undefined || reading.isLate) return value;
    const saved = restored.cgroups[reading.cgroup]?.[which];
    if (saved === undefined && unwatched.some((owner) => isBelow(reading.cgroup, owner))) return value;
    const base = saved ?? 0;
    // A smaller count is another cgroup's of the same name: it has counted all this since.
    return base > value ? 0 : base;
  }

  function begin(reading: CounterReading): Account {
    const old = accounts.get(reading.cgroup);
    if (old !== undefined) drop(old);
    const fresh = account(reading.cgroup);
    if (old !== undefined && isUnread(old)) {
      // What was counted below it before the first look.
      addBelow(fresh, old.below);
    }
    const own = countIn(reading.local);
    const tree = countIn(reading.tree);
    fresh.own = own === undefined ? undefined : baseOf(reading, 0, own);
    fresh.tree = tree === undefined ? undefined : baseOf(reading, 1, tree);
    fresh.treeBase = fresh.tree ?? 0;
    // One that came while we looked was not there at the last sweep, or only just.
    fresh.seenMs = reading.fromZero ? Math.max(sweptMs - FOUND_MS, startMs) : (restored?.savedMs ?? startMs);
    fresh.stillMs = fresh.seenMs;
    return fresh;
  }

  /** @param window when they were made */
  function addSteps(to: Account, count: number, of: CountedStep["of"], window: Window): void {
    const value = (of === "own" ? to.own : to.tree) ?? 0;
    addBelow(to, count);
    for (const above of ancestors(to.cgroup)) addBelow(account(above), count);
    for (let index = count - 1; index >= 0; index--) onStep({ cgroup: to.cgroup, ...window, value: value - index, of });
  }

  function addBelow(to: Account, count: number): void {
    to.below += count;
    unsettled.add(to);
  }

  function read(reading: CounterReading): void {
    const { cgroup, atMs, why } = reading;
    const own = countIn(reading.local);
    const tree = countIn(reading.tree);
    const known = accounts.get(cgroup);
    const isFound = why === "found" || known === undefined || known.removed;
    const mine = isFound && why !== "removed" ? begin(reading) : account(cgroup);
    // A sweep that looked at it and said nothing: until then its count was the same.
    const stillMs = mine.isNew ? mine.seenMs : Math.max(mine.seenMs, Math.min(sweptMs, atMs));
    const before = mine.own ?? 0;
    if (own !== undefined && own > before) {
      mine.own = own;
      addSteps(mine, own - before, "own", { afterMs: stillMs, untilMs: atMs });
    }
    if (tree !== undefined && tree !== mine.tree) {
      if (missingOf(mine) <= 0 && mine.missing.sinceMs === undefined) mine.stillMs = stillMs;
      mine.tree = tree;
      unsettled.add(mine);
    }
    mine.seenMs = atMs;
    mine.isNew = false;
    mine.removed = why === "removed";
    if (mine.removed) onRemoved(mine);
  }

  /** Nothing more is read of it: it is kept only until what it has counted is accounted for. */
  function onRemoved(mine: Account): void {
    if (!unsettled.has(mine)) {
      drop(mine);
      return;
    }
    removed.add(mine);
    const [first] = removed;
    if (removed.size > MAX_REMOVED && first !== undefined) drop(first);
  }

  /** Steps below a cgroup that none of those below, and not itself, shows. */
  function settleTree(nowMs: number): void {
    if (unsettled.size === 0) return;
    for (const mine of unsettled) {
      if (hasMissing(mine)) continue;
      unsettled.delete(mine);
      if (mine.removed) drop(mine);
    }
    const short = [...unsettled];
    // What a cgroup misses those above it miss as well.
    const told: { cgroup: string; count: number }[] = [];
    for (const mine of short.sort((one, other) => other.cgroup.length - one.cgroup.length)) {
      const below = told
        .filter(({ cgroup }) => isWithin(cgroup, mine.cgroup))
        .reduce((sum, { count }) => sum + count, 0);
      const own = missingOf(mine) - below;
      const lasted = mine.missing.update(own, nowMs);
      if (lasted !== undefined) {
        // So many were missing already when it was first seen.
        addSteps(mine, lasted.count, "below", { afterMs: mine.stillMs, untilMs: lasted.sinceMs });
      }
      const left = own - (lasted?.count ?? 0);
      if (left > 0) told.push({ cgroup: mine.cgroup, count: left });
      // What is left has come since.
      if (lasted !== undefined && left > 0) mine.stillMs = lasted.sinceMs;
    }
  }

  function drop(mine: Account): void {
    accounts.delete(mine.cgroup);
    unsettled.delete(mine);
    removed.delete(mine);
  }

  function forget(nowMs: number): void {
    if (!isTimeToForget(nowMs)) return;
    for (const mine of accounts.values()) {
      if (isUnread(mine) && nowMs - mine.seenMs > UNREAD_MS) drop(mine);
    }
  }

  return {
    read,
    allRead(atMs) {
      sweptMs = Math.max(sweptMs, atMs);
    },
    settle(nowMs) {
      settleTree(nowMs);
      forget(nowMs);
    },
    state(nowMs) {
      const cgroups: StepCounterState["cgroups"] = {};
      for (const { cgroup, own, tree, treeBase, below, removed: isRemoved } of accounts.values()) {
        // Another cgroup of that name counts from 0.
        if (isRemoved) continue;
        const accounted = tree === undefined ? null : treeBase + below;
        if ((own ?? 0) > 0 || (accounted ?? 0) > 0) cgroups[cgroup] = [own ?? 0, accounted];
      }
      return { savedMs: nowMs, cgroups };
    },
  };
}

function isBelow(cgroup: string, owner: string): boolean {
  return cgroup !== owner && isWithin(cgroup, owner);
}

function hasMissing(mine: Account): boolean {
  return missingOf(mine) > 0 || mine.missing.sinceMs !== undefined;
}

function missingOf({ tree, treeBase, below }: Account): number {
  return tree === undefined ? 0 : tree - treeBase - below;
}

function isUnread({ own, tree, removed }: Account): boolean {
  return own === undefined && tree === undefined && !removed;
}
