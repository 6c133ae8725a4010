/**
 * Whose limit a kill without a report came from: on cgroup v2 each cgroup counts how often an allocation was about to
 * fail at its own limit (`oom` of memory.events.local; of all below it too, memory.events), right before the kill.
 * Source: mm/memcontrol.c, mem_cgroup_oom, which counts it in the cgroup whose limit was hit.
 */
import { parseCgroupPath } from "../../parsers/cgroup/path.ts";
import { createSeldom } from "../seldom.ts";
import type { CounterReading } from "../sources/cgroup-counters.ts";
import { scopeOf } from "./from-report.ts";
import type { Kill, UnloggedKill } from "./kill.ts";
import { ancestors, type Window } from "./match.ts";
import { createRecentlyRemoved } from "./recently-removed.ts";

/** `limit`: one was hit, of `cgroup` where that is known; `none`: every count around the victim's cgroup stood still. */
export type LimitHit = { of: "limit"; cgroup?: string } | { of: "none" };

export interface LimitHits {
  counter(reading: CounterReading): void;
  /**
   * @param cgroup the victim's
   * @param isOwn the kill was counted in that very cgroup, and not only somewhere in it
   * @param window when the kill was counted
   * @returns undefined: the counts do not tell
   */
  around(cgroup: string, isOwn: boolean, window: Window): LimitHit | undefined;
  tick(nowMs: number): void;
}

/** The counts of one cgroup. */
interface Counts {
  own: number | undefined;
  tree: number | undefined;
  /** what moved before then was not seen */
  sinceMs: number;
}

interface Hit {
  cgroup: string;
  of: "own" | "tree";
  /** when it was read */
  atMs: number;
}

/** The count of kills and that of the limit above it are read one after the other, and inotify tells late. */
const SLACK_MS = 1000;
/** A kill is told within six seconds of its step. */
const KEEP_MS = 10_000;
/** Each cgroup at its limit moves its counts in all above it; a step is read 50 times a second at most. */
const MAX_HITS = 4096;
/** Of the removed cgroups that had a kill, and of the others, which no churn of those can push out. */
const MAX_REMOVED = 1024;

export function createLimitHits(): LimitHits {
  const counts = new Map<string, Counts>();
  const removed = {
    killed: createRecentlyRemoved<Counts>({ keptMs: KEEP_MS, max: MAX_REMOVED }),
    others: createRecentlyRemoved<Counts>({ keptMs: KEEP_MS, max: MAX_REMOVED }),
  };
  let hits: Hit[] = [];
  const isTimeToForget = createSeldom();

  function note(cgroup: string, of: Hit["of"], atMs: number): void {
    if (hits.length >= MAX_HITS) hits.shift();
    hits.push({ cgroup, of, atMs });
  }

  function countsOf(cgroup: string): Counts | undefined {
    return counts.get(cgroup) ?? removed.killed.get(cgroup) ?? removed.others.get(cgroup);
  }

  return {
    counter({ cgroup, atMs, local, tree, why, fromZero }) {
      const before = why === "found" ? undefined : countsOf(cgroup);
      const base = fromZero ? 0 : Number.POSITIVE_INFINITY;
      if ((local?.oom ?? 0) > (before?.own ?? base)) note(cgroup, "own", atMs);
      if ((tree?.oom ?? 0) > (before?.tree ?? base)) note(cgroup, "tree", atMs);
      const latest: Counts = {
        own: local?.oom,
        tree: tree?.oom,
        sinceMs: before?.sinceMs ?? (fromZero ? Number.NEGATIVE_INFINITY : atMs),
      };
      if (why === "removed") {
        counts.delete(cgroup);
        const isKilled = (local?.oomKill ?? 0) > 0 || (tree?.oomKill ?? 0) > 0;
        removed[isKilled ? "killed" : "others"].add(cgroup, latest, atMs);
      } else {
        counts.set(cgroup, latest);
        removed.killed.delete(cgroup);
        removed.others.delete(cgroup);
      }
    },
    around(cgroup, isOwn, { afterMs, untilMs }) {
      // The root has no limit and no counts.
      const chain = [cgroup, ...ancestors(cgroup)].filter((path) => path !== "/");
      const near = hits.filter(({ atMs }) => atMs > afterMs - SLACK_MS && atMs <= untilMs + SLACK_MS);
      const own = new Set(
        near.filter((hit) => hit.of === "own" && chain.includes(hit.cgroup)).map((hit) => hit.cgroup),
      );
      const [only] = own;
      const isBelow = !isOwn && near.some((hit) => hit.of === "tree" && hit.cgroup === cgroup);
      if (own.size === 1 && only !== undefined && !(isBelow && only !== cgroup)) return { of: "limit", cgroup: only };
      if (own.size > 0 || isBelow) return { of: "limit" };
      const isKnown = chain.every((path) => {
        const known = countsOf(path);
        return known?.own !== undefined && known.sinceMs <= afterMs;
      });
      const isTreeKnown = isOwn || countsOf(cgroup)?.tree !== undefined;
      return isKnown && isTreeKnown ? { of: "none" } : undefined;
    },
    tick(nowMs) {
      if (!isTimeToForget(nowMs)) return;
      hits = hits.filter(({ atMs }) => nowMs - atMs < KEEP_MS);
      removed.killed.prune(nowMs);
      removed.others.prune(nowMs);
    },
  };
}

/** A kill that no line tells: whose limit it was, or that it was none. */
export function addLimitToUnlogged(kill: UnloggedKill, hits: LimitHits): void {
  if (kill.victimCgroup === undefined || kill.counter === "node") return;
  const isOwn = kill.attribution === "exact" && kill.counter === kill.victimCgroup;
  const hit = hits.around(kill.counter, isOwn, kill);
  if (hit === undefined) return;
  kill.isLimit = hit.of === "limit";
  if (hit.of === "none") kill.scope = "node";
  else if (hit.cgroup !== undefined) {
    kill.limitCgroup = hit.cgroup;
    kill.scope = scopeOf(parseCgroupPath(hit.cgroup));
  }
}

/** A kill line whose report was dropped: it says that a limit was hit, and not whose. */
export function addLimit(kill: Kill, hits: LimitHits, window: Window | undefined): void {
  if (kill.limitCgroup !== undefined || kill.report.constraint !== "memcg") return;
  if (kill.victimCgroup === undefined || window === undefined) return;
  const hit = hits.around(kill.victimCgroup, true, window);
  if (hit?.of !== "limit" || hit.cgroup === undefined) return;
  kill.limitCgroup = hit.cgroup;
  kill.scope = scopeOf(parseCgroupPath(hit.cgroup));
}
