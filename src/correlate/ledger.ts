/**
 * The kernel's counters as a ledger: every step of a count stays open until a kill explains it.
 *
 * Each cgroup's own count (`local`) goes up with the kill of a process in that very cgroup. A cgroup that is gone
 * before it was read leaves its step to the count of those above it (`tree`, cgroup v2), and to the node's count
 * (/proc/vmstat), which knows every kill. Both are taken for a step only after the others had time to tell.
 */
import type { CounterReading } from "../sources/cgroup-counters.ts";
import type { NodeReading } from "../sources/node-oom-kills.ts";
import { createLasting, type Lasting } from "./lasting.ts";
import { isWithin, type Step, type Window } from "./match.ts";

/** A step that nothing explains yet. */
export interface OpenStep extends Step {
  /** the count with it */
  value: number;
  of: "own" | "below";
}

/** What is kept over a restart: how far each count was read. Cgroups that have counted nothing are left out. */
export interface LedgerState {
  /** CLOCK_MONOTONIC in milliseconds */
  savedMs: number;
  node?: number;
  /** path → count of its own, and count of all in it that its steps and those below account for (v2) */
  cgroups: Record<string, readonly [own: number, tree: number | null]>;
  open: readonly OpenStep[];
  /** path → times of kills that were told before their step */
  owed: Record<string, readonly number[]>;
}

export interface Ledger {
  read(reading: CounterReading): void;
  readNode(reading: NodeReading): void;
  /** Every cgroup has been looked at since then: what moves later has moved after. */
  allRead(atMs: number): void;
  /** Turns what only the counts above a cgroup tell into steps, where the others have been quiet long enough. */
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
  /** when tree last moved */
  movedMs: number;
  removed: boolean;
  /** kills told before their step */
  owed: number[];
}

/** Counters are read one after another, and inotify tells late: what a parent counts is waited for so long. */
const SETTLE_MS = 1500;
/** A kill's step comes within so long, or never: its cgroup was gone. */
const OWED_MS = 5000;
/** Cgroups that are gone are remembered as long as a kill of theirs may still be told. */
const REMOVED_MS = 60_000;
/** @param restored what the last run of this boot saved; undefined: counts found at the start are what was before */
export function createLedger(startMs: number, restored: LedgerState | undefined): Ledger {
  const accounts = new Map<string, Account>();
  let open: OpenStep[] = [...(restored?.open ?? [])];
  let sweptMs = restored?.savedMs ?? startMs;
  const node = { counted: undefined as number | undefined, explained: 0 };
  for (const [cgroup, times] of Object.entries(restored?.owed ?? {})) account(cgroup).owed = [...times];

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
        movedMs: startMs,
        stillMs: startMs,
        removed: false,
        owed: [],
      };
      accounts.set(cgroup, found);
    }
    return found;
  }

  /** What a count was before its first reading. */
  function baseOf(reading: CounterReading, which: 0 | 1, value: number): number {
    if (reading.fromZero) return 0;
    if (restored === undefined) return value;
    const base = restored.cgroups[reading.cgroup]?.[which] ?? 0;
    // A smaller count is another cgroup's of the same name: it has counted all this since.
    return base > value ? 0 : base;
  }

  function begin(reading: CounterReading): Account {
    const old = accounts.get(reading.cgroup);
    accounts.delete(reading.cgroup);
    const fresh = account(reading.cgroup);
    if (old !== undefined && isUnread(old)) {
      // What was told of it, and counted below it, before the first look.
      fresh.owed = old.owed;
      fresh.below = old.below;
    }
    fresh.own = reading.local?.oomKill === undefined ? undefined : baseOf(reading, 0, reading.local.oomKill);
    fresh.tree = reading.tree?.oomKill === undefined ? undefined : baseOf(reading, 1, reading.tree.oomKill);
    fresh.treeBase = fresh.tree ?? 0;
    fresh.seenMs = restored?.savedMs ?? startMs;
    fresh.stillMs = fresh.seenMs;
    return fresh;
  }

  /** @param window when they were made */
  function addSteps(to: Account, count: number, of: OpenStep["of"], window: Window): void {
    const value = (of === "own" ? to.own : to.tree) ?? 0;
    for (let index = count - 1; index >= 0; index--) {
      if (!takeOwed(to, of)) open.push({ cgroup: to.cgroup, ...window, value: value - index, of });
    }
    to.below += count;
    for (const above of ancestors(to.cgroup)) account(above).below += count;
  }

  /** A kill that was told before its step was seen. */
  function takeOwed(to: Account, of: OpenStep["of"]): boolean {
    if (to.owed.shift() !== undefined) return true;
    if (of === "own") return false;
    for (const below of accounts.values()) {
      if (isWithin(below.cgroup, to.cgroup) && below.owed.shift() !== undefined) return true;
    }
    return false;
  }

  function read(reading: CounterReading): void {
    const { cgroup, local, tree, atMs, why } = reading;
    const known = accounts.get(cgroup);
    const isFound = why === "found" || known === undefined || known.removed;
    const mine = isFound && why !== "removed" ? begin(reading) : account(cgroup);
    // A sweep that looked at it and said nothing: until then its count was the same.
    const stillMs = mine.isNew ? mine.seenMs : Math.max(mine.seenMs, Math.min(sweptMs, atMs));
    const before = mine.own ?? 0;
    if (local?.oomKill !== undefined && local.oomKill > before) {
      mine.own = local.oomKill;
      addSteps(mine, local.oomKill - before, "own", { afterMs: stillMs, untilMs: atMs });
    }
    if (tree?.oomKill !== undefined && tree.oomKill !== mine.tree) {
      if (missingOf(mine) <= 0 && mine.missing.sinceMs === undefined) mine.stillMs = stillMs;
      mine.tree = tree.oomKill;
      mine.movedMs = atMs;
    }
    mine.seenMs = atMs;
    mine.isNew = false;
    mine.removed = why === "removed";
  }

  /** Steps below a cgroup that none of those below, and not itself, shows. */
  function settleTree(nowMs: number): void {
    const short = [...accounts.values()].filter((mine) => missingOf(mine) > 0 || mine.missing.sinceMs !== undefined);
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

  function forget(nowMs: number): void {
    for (const [path, mine] of accounts) {
      mine.owed = mine.owed.filter((atMs) => nowMs - atMs < OWED_MS);
      if ((mine.removed || isUnread(mine)) && nowMs - mine.seenMs > REMOVED_MS) accounts.delete(path);
    }
  }

  return {
    read,
    readNode({ oomKill }) {
      if (node.counted === undefined) {
        node.counted = oomKill;
        node.explained = restored?.node ?? oomKill;
      }
      node.counted = oomKill;
    },
    allRead(atMs) {
      sweptMs = Math.max(sweptMs, atMs);
    },
    settle(nowMs) {
      settleTree(nowMs);
      forget(nowMs);
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
      account(cgroup).owed.push(atMs);
    },
    get nodeCount() {
      return node.counted ?? 0;
    },
    closeHidden() {
      node.explained++;
    },
    get hidden() {
      return node.counted === undefined ? 0 : Math.max(0, node.counted - node.explained - open.length);
    },
    state(nowMs) {
      const cgroups: LedgerState["cgroups"] = {};
      const owed: LedgerState["owed"] = {};
      for (const { cgroup, own, tree, treeBase, below, owed: times } of accounts.values()) {
        if (times.length > 0) owed[cgroup] = times;
        const accounted = tree === undefined ? null : treeBase + below;
        if ((own ?? 0) > 0 || (accounted ?? 0) > 0) cgroups[cgroup] = [own ?? 0, accounted];
      }
      return { savedMs: nowMs, ...(node.counted === undefined ? {} : { node: node.explained }), cgroups, open, owed };
    },
  };
}

function missingOf({ tree, treeBase, below }: Account): number {
  return tree === undefined ? 0 : tree - treeBase - below;
}

function isUnread({ own, tree, removed }: Account): boolean {
  return own === undefined && tree === undefined && !removed;
}

/** The paths above a cgroup, the nearest first, the root last. */
function ancestors(cgroup: string): string[] {
  const above: string[] = [];
  for (let at = cgroup.lastIndexOf("/"); at > 0; at = cgroup.lastIndexOf("/", at - 1)) above.push(cgroup.slice(0, at));
  if (cgroup !== "/") above.push("/");
  return above;
}
