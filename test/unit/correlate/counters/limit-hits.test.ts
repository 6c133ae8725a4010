/** Whose limit a kill without a report came from, by the counts of cgroup v2. */
import { describe, expect, test } from "vitest";
import type { MemoryCounters } from "../../../../parsers/cgroup/memory-events.ts";
import {
  addLimit,
  addLimitToUnlogged,
  createLimitHits,
  type LimitHits,
} from "../../../../src/correlate/counters/limit-hits.ts";
import type { Kill, UnloggedKill } from "../../../../src/correlate/kill.ts";
import type { CounterReading } from "../../../../src/sources/cgroup/counters.ts";
import { CONTAINER_CGROUP, makeBareKill, makeUnloggedKill, POD_CGROUP } from "../../../kills.ts";

const ABOVE = [POD_CGROUP, "/kubepods/burstable", "/kubepods"];

/** Container, pod and those above it as they were found at the start, all counts at `oom`. */
function watched(oom: number | undefined, local = true): LimitHits {
  const hits = createLimitHits();
  const counts: MemoryCounters = oom === undefined ? {} : { oom };
  for (const cgroup of [CONTAINER_CGROUP, ...ABOVE]) {
    const files = local ? { local: counts, tree: counts } : { tree: counts };
    hits.counter({ cgroup, atMs: 500, ...files, why: "found", fromZero: false });
  }
  return hits;
}

type Step = readonly [cgroup: string, own: number, tree: number];

function read(hits: LimitHits, steps: readonly Step[], more: Partial<CounterReading> = {}): void {
  for (const [cgroup, own, tree] of steps) {
    hits.counter({
      cgroup,
      atMs: 1250,
      local: { oom: own },
      tree: { oom: tree },
      why: "changed",
      fromZero: false,
      ...more,
    });
  }
}

describe("of a kill that no line tells", () => {
  const told = (hits: LimitHits, kill: Partial<UnloggedKill> = {}): Partial<UnloggedKill> => {
    const unlogged = makeUnloggedKill(kill);
    addLimitToUnlogged(unlogged, hits);
    const { scope, limitCgroup, isLimit } = unlogged;
    return {
      ...(scope && { scope }),
      ...(limitCgroup && { limitCgroup }),
      ...(isLimit === undefined ? {} : { isLimit }),
    };
  };
  const gone = { counter: POD_CGROUP, victimCgroup: POD_CGROUP, attribution: "inferred" } as const;

  test.each<[string, readonly Step[], Partial<UnloggedKill>, object]>([
    [
      "the container's own",
      [
        [CONTAINER_CGROUP, 8, 8],
        [POD_CGROUP, 7, 8],
        ["/kubepods", 7, 8],
      ],
      {},
      { scope: "container", limitCgroup: CONTAINER_CGROUP, isLimit: true },
    ],
    [
      "the pod's",
      [
        [POD_CGROUP, 8, 8],
        ["/kubepods", 7, 8],
      ],
      {},
      { scope: "pod", limitCgroup: POD_CGROUP, isLimit: true },
    ],
    [
      "that of all pods of the class",
      [["/kubepods/burstable", 8, 8]],
      {},
      { scope: "kubepods", limitCgroup: "/kubepods/burstable", isLimit: true },
    ],
    [
      "two at the same time: whose it was is not known",
      [
        [CONTAINER_CGROUP, 8, 8],
        [POD_CGROUP, 8, 9],
      ],
      {},
      { isLimit: true },
    ],
    ["none: the node's memory", [[CONTAINER_CGROUP, 7, 7]], {}, { scope: "node", isLimit: false }],
    ["a neighbour's in the pod is none of it", [[POD_CGROUP, 7, 8]], {}, { scope: "node", isLimit: false }],
    [
      "of a container that is gone its pod's count tells that it was one",
      [[POD_CGROUP, 7, 8]],
      gone,
      { isLimit: true },
    ],
    ["… or the pod's own", [[POD_CGROUP, 8, 8]], gone, { scope: "pod", limitCgroup: POD_CGROUP, isLimit: true }],
    ["… or none", [], gone, { scope: "node", isLimit: false }],
    ["counted by the node alone: nothing is known", [[POD_CGROUP, 8, 8]], { counter: "node" }, {}],
  ])("%s", (_, steps, kill, expected) => {
    const hits = watched(7);
    read(hits, steps);
    expect(told(hits, kill)).toEqual(expected);
  });

  test("a count that moved long before or after is another kill's", () => {
    const hits = watched(7);
    read(hits, [[CONTAINER_CGROUP, 8, 8]], { atMs: -100 });
    read(hits, [[CONTAINER_CGROUP, 9, 9]], { atMs: 2500 });
    expect(told(hits)).toEqual({ scope: "node", isLimit: false });
  });

  test("what was counted before the first look may have been anything", () => {
    const hits = watched(7);
    expect(told(hits, { afterMs: 0, untilMs: 400 })).toEqual({});
  });

  test("a container that came while we looked counts from zero, also after it is gone", () => {
    const hits = watched(0);
    const cgroup = `${POD_CGROUP}/${"c".repeat(64)}`;
    read(hits, [[cgroup, 1, 1]], { why: "found", fromZero: true });
    read(hits, [[cgroup, 1, 1]], { why: "removed", atMs: 1300 });
    hits.tick(3000);
    expect(told(hits, { counter: cgroup, victimCgroup: cgroup })).toMatchObject({ limitCgroup: cgroup });
    hits.tick(60_000);
    expect(told(hits, { counter: cgroup, victimCgroup: cgroup })).toEqual({});
  });

  test("cgroup v1, and kernels whose counts are not each cgroup's own, do not tell", () => {
    expect(told(watched(undefined))).toEqual({});
    expect(told(watched(7, false))).toEqual({});
  });

  test("a part of the node's cgroups does not tell that it was none", () => {
    const hits = createLimitHits();
    read(hits, [[CONTAINER_CGROUP, 7, 7]], { atMs: 500, why: "found" });
    expect(told(hits)).toEqual({});
  });
});

describe("of a kill line whose report was dropped", () => {
  const told = (kill: Kill): Kill => {
    const hits = watched(7);
    read(hits, [[POD_CGROUP, 8, 8]]);
    addLimit(kill, hits, { afterMs: 1000, untilMs: 1250 });
    return kill;
  };
  const placed = { victimCgroup: CONTAINER_CGROUP };

  test("a limit's: whose it was", () => {
    expect(told(makeBareKill({ kill: placed, report: { constraint: "memcg" } }))).toMatchObject({
      scope: "pod",
      limitCgroup: POD_CGROUP,
    });
  });

  test.each<[string, Kill]>([
    ["the node's", makeBareKill({ kill: { ...placed, scope: "node" }, report: { constraint: "none" } })],
    ["of nobody knows where", makeBareKill({ report: { constraint: "memcg" } })],
  ])("%s: nothing is added", (_, kill) => {
    expect(told(kill).limitCgroup).toBeUndefined();
  });

  test("what a report says stands", () => {
    const kill = makeBareKill({ kill: { ...placed, scope: "container", limitCgroup: CONTAINER_CGROUP } });
    expect(told(kill)).toMatchObject({ scope: "container", limitCgroup: CONTAINER_CGROUP });
  });
});
