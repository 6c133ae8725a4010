/** What of the node's history belongs to a kill. */
import { describe, expect, test } from "vitest";
import type { Kill } from "../../../src/correlate/kill.ts";
import { diagnose } from "../../../src/diagnose/diagnose.ts";
import { type Histories, historyOf } from "../../../src/diagnose/kill-history.ts";
import type { Who } from "../../../src/identify/container-metadata.ts";
import type { NodeFacts } from "../../../src/identify/context/node.ts";
import { toPodFacts } from "../../../src/identify/pods/pod.ts";
import { CONTAINER_CGROUP, makeKill, POD_CGROUP } from "../../kills.ts";
import { plainPod } from "../../pods.ts";

const MIB = 1024 ** 2;
const OTHER = `${POD_CGROUP}/${"b".repeat(64)}`;

/** Cgroups with what they use, in MiB. */
function histories(uses: Readonly<Record<string, number>>): Histories {
  const lastOf: Histories["lastOf"] = (path) => {
    const used = uses[path];
    return used === undefined ? undefined : { atMs: 0, usage: used * MIB };
  };
  return {
    lastOf,
    of(cgroup, untilMs) {
      const sample = lastOf(cgroup, untilMs);
      return sample && { cgroup, isFromStart: false, peak: sample.usage, samples: [sample] };
    },
    containersIn: (path) => Object.keys(uses).filter((one) => one.startsWith(path) && /[0-9a-f]{64}$/.test(one)),
  };
}

const nobody = (): undefined => undefined;
const AT = { aliveMs: 1000, killMs: 1000 };

test.each<[string, Partial<Kill>, Record<string, number>, string | undefined, string[] | undefined]>([
  ["of a container its own", {}, { [CONTAINER_CGROUP]: 1 }, CONTAINER_CGROUP, undefined],
  [
    "of a pod the pod's, and its containers'",
    { scope: "pod", limitCgroup: POD_CGROUP },
    { [POD_CGROUP]: 3, [CONTAINER_CGROUP]: 1, [OTHER]: 2 },
    POD_CGROUP,
    [CONTAINER_CGROUP, OTHER],
  ],
  [
    "of a pod that is not followed the victim's",
    { scope: "pod", limitCgroup: POD_CGROUP },
    { [CONTAINER_CGROUP]: 1 },
    CONTAINER_CGROUP,
    [CONTAINER_CGROUP],
  ],
  [
    "below the container's own cgroup the container's",
    { victimCgroup: `${CONTAINER_CGROUP}/a/b`, limitCgroup: `${CONTAINER_CGROUP}/a` },
    { [CONTAINER_CGROUP]: 1 },
    CONTAINER_CGROUP,
    undefined,
  ],
  ["nothing", {}, {}, undefined, undefined],
])("%s", (_, kill, uses, own, members) => {
  const history = historyOf(makeKill({ kill }), AT, histories(uses), nobody);
  expect(history?.own?.cgroup).toBe(own);
  expect(history?.members?.map(({ cgroup }) => cgroup)).toEqual(members);
});

test("of a node all containers", () => {
  const kill = makeKill();
  delete kill.limitCgroup;
  const found = historyOf({ ...kill, scope: "node" }, AT, histories({ [CONTAINER_CGROUP]: 1, [OTHER]: 2 }), nobody);
  expect(found?.members).toEqual([
    { cgroup: CONTAINER_CGROUP, usage: MIB },
    { cgroup: OTHER, usage: 2 * MIB },
  ]);
});

test("above memory.high is told", () => {
  const own = { cgroup: "/a", isFromStart: true, peak: 9, samples: [{ atMs: 0, usage: 9 }] };
  const says = (high: number): string[] =>
    diagnose(makeKill(), { history: { killMs: 1, own: { ...own, high } } }).facts.map((fact) => fact.says);
  expect(says(8).some((one) => one.includes("memory.high"))).toBe(true);
  expect(says(10).some((one) => one.includes("memory.high"))).toBe(false);
});

describe("who shares what ran out", () => {
  const shared: Partial<Kill> = { scope: "pod", limitCgroup: POD_CGROUP };

  test.each([
    [10, 30, "neighbour", 0.7],
    [5, 40, "neighbour", 0.85],
    [30, 18, "unknown", undefined],
  ])("the victim's container %i MiB, its neighbour %i MiB: %s", (own, other, cause, confidence) => {
    const kill = makeKill({ kill: shared });
    const history = historyOf(kill, AT, histories({ [CONTAINER_CGROUP]: own, [OTHER]: other }), nobody);
    const diagnosis = diagnose(kill, { history });
    expect(diagnosis).toMatchObject({ cause });
    expect(diagnosis.confidence).toBe(confidence);
  });

  test.each<[string, NodeFacts["memoryPressure"], object[]]>([
    [
      "under MemoryPressure",
      { isTrue: true, sinceMs: 40_000 },
      [{ figures: { age: { seconds: 60 } }, source: "kubernetes" }],
    ],
    ["not under it: that proves nothing", { isTrue: false, sinceMs: 40_000 }, []],
    ["not known", undefined, []],
  ])("of a node %s", (_, memoryPressure, expected) => {
    const kill = makeKill({ kill: { scope: "node" }, report: { constraint: "none" } });
    const node = { conditions: [], ...(memoryPressure === undefined ? {} : { memoryPressure }) };
    const { facts } = diagnose(kill, { node, atMs: 100_000 });
    expect(facts.filter(({ says }) => says.includes("MemoryPressure"))).toMatchObject(expected);
  });

  test("of a node: who used more than it had asked for is named, and gets the request that it needs", () => {
    const podFacts = toPodFacts(plainPod({ name: "greedy-0", containers: [{ limit: "1Gi" }] }));
    const containerFacts = podFacts?.containers[0];
    if (podFacts === undefined || containerFacts === undefined) throw new Error("no pod");
    const greedy: Who = {
      sources: [],
      missing: [],
      owners: [{ kind: "StatefulSet", name: "greedy", evidence: "owner_reference" }],
      namespace: "shop",
      pod: "greedy-0",
      container: "app",
      podFacts,
      containerFacts: { ...containerFacts, memory: { request: 64 * MIB, limit: 1024 * MIB } },
    };
    const kill = makeKill({ kill: { scope: "node" }, report: { constraint: "none" } });
    const known = histories({ [CONTAINER_CGROUP]: 10, [OTHER]: 500 });
    const history = historyOf(kill, AT, known, (identity) =>
      identity?.containerId?.startsWith("b") ? greedy : undefined,
    );
    const { cause, facts, advice } = diagnose(kill, { history });
    expect(cause).toBe("node_pressure");
    const over = facts.find(({ says }) => says.includes("more than its request"));
    expect(over?.figures).toEqual({
      other: { name: "shop/greedy-0/app" },
      over: { bytes: 436 * MIB },
      request: { bytes: 64 * MIB },
    });
    expect(advice[0]).toBe("kubectl set resources statefulset/greedy -n shop -c app --requests=memory=512Mi");
  });
});

describe("samples about the kill", () => {
  /** Seconds before the kill, and what is held then, in MiB. */
  function heldIn(samples: readonly [seconds: number, held: number][], aliveSeconds: number): number[] | undefined {
    const taken = samples.map(([seconds, held]) => ({ atMs: -seconds * 1000, usage: held * MIB, anon: held * MIB }));
    const known: Histories = {
      of: (cgroup) => ({ cgroup, isFromStart: true, peak: 16 * MIB, samples: taken }),
      lastOf: () => undefined,
      containersIn: () => [],
    };
    const time = { aliveMs: -aliveSeconds * 1000, killMs: 0 };
    return historyOf(makeKill(), time, known, nobody)?.own?.samples.map(({ anon = 0 }) => anon / MIB);
  }

  test.each<[string, [number, number][], number, number[]]>([
    [
      "of what it left behind is none of it",
      [
        [2, 14],
        [0.3, 15.8],
        [0.05, 0],
      ],
      0.1,
      [14, 15.8],
    ],
    [
      "nor are two of them",
      [
        [2, 14],
        [0.3, 15.8],
        [0.06, 1],
        [0.02, 1],
      ],
      0.1,
      [14, 15.8],
    ],
    [
      "on its last rise are",
      [
        [2, 14],
        [0.06, 15],
        [0.02, 16],
      ],
      0.1,
      [14, 15, 16],
    ],
    [
      "after a collection, when it rose again, are",
      [
        [2, 14],
        [0.9, 6],
        [0.5, 12],
        [0.1, 15],
        [0.02, 0],
      ],
      1,
      [14, 6, 12, 15],
    ],
    [
      "while it surely lived are, as low as it was",
      [
        [2, 14],
        [0.3, 3],
      ],
      0.1,
      [14, 3],
    ],
    [
      "all of a life that nobody saw before",
      [
        [0.08, 2],
        [0.04, 9],
        [0.01, 0],
      ],
      0.1,
      [2, 9],
    ],
  ])("%s", (_, samples, aliveSeconds, expected) => {
    expect(heldIn(samples, aliveSeconds)).toEqual(expected);
  });

  test("a neighbour's use is that before the kill, of one that came after it the only one", () => {
    const kill: Partial<Kill> = { scope: "pod", limitCgroup: POD_CGROUP };
    const known: Histories = {
      of: () => undefined,
      lastOf(path, untilMs) {
        if (path === OTHER) return untilMs < 950 ? undefined : { atMs: 950, usage: 5 };
        return untilMs < 950 ? { atMs: 0, usage: 16 } : { atMs: 950, usage: 0 };
      },
      containersIn: () => [CONTAINER_CGROUP, OTHER],
    };
    const history = historyOf(makeKill({ kill }), { aliveMs: 900, killMs: 1000 }, known, nobody);
    expect(history?.members?.map(({ usage }) => usage)).toEqual([16, 5]);
  });
});
