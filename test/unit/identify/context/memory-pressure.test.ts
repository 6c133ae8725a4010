/** The node's condition MemoryPressure: read, told once when it comes and once when it is over, and known of a kill. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createMemoryPressureWatch, type PressureSeen } from "../../../../src/identify/context/memory-pressure.ts";
import { type NodeFacts, nodeAt, readNode } from "../../../../src/identify/context/node.ts";
import { toMemoryPressureRecord } from "../../../../src/record/events/memory-pressure.ts";

const T1 = Date.parse("2026-11-24T10:00:00Z");
const T2 = T1 + 312_000;
const T3 = T2 + 60_000;

function nodeWith(isTrue: boolean | undefined, sinceMs: number, uid = "n1"): NodeFacts {
  return { uid, conditions: [], ...(isTrue === undefined ? {} : { memoryPressure: { isTrue, sinceMs } }) };
}

describe("a node of the API", () => {
  const condition = (status: string, more: object = {}) => ({
    type: "MemoryPressure",
    status,
    lastTransitionTime: "2026-11-24T10:00:00Z",
    ...more,
  });
  const read = (...conditions: unknown[]) =>
    readNode({ kind: "Node", metadata: { name: "n" }, status: { conditions } });

  test("capacity, what pods may have, and what is wrong", () => {
    const status = {
      capacity: { memory: "2Gi" },
      allocatable: { memory: "1Gi" },
      conditions: [
        condition("True", {
          reason: "KubeletHasInsufficientMemory",
          message: "kubelet has insufficient memory available",
        }),
        { type: "DiskPressure", status: "False" },
        { type: "Ready", status: "Unknown" },
        null,
      ],
    };
    expect(readNode({ kind: "Node", metadata: { name: "n", uid: "u" }, status })).toEqual({
      uid: "u",
      capacity: 2 ** 31,
      allocatable: 2 ** 30,
      conditions: ["MemoryPressure", "NotReady"],
      memoryPressure: {
        isTrue: true,
        sinceMs: T1,
        reason: "KubeletHasInsufficientMemory",
        message: "kubelet has insufficient memory available",
      },
    });
  });

  test.each<[string, unknown, boolean | undefined]>([
    ["no pressure", condition("False"), false],
    ["a kubelet that is away", condition("Unknown"), undefined],
    ["no time", condition("True", { lastTransitionTime: null }), undefined],
    ["a time that is none", condition("True", { lastTransitionTime: "soon" }), undefined],
    ["another status", condition("yes"), undefined],
    ["another condition", { ...condition("True"), type: "DiskPressure" }, undefined],
  ])("%s", (_, one, expected) => {
    expect(read(one)?.memoryPressure?.isTrue).toBe(expected);
  });

  test.each([[null], [1], ["x"], [{}], [{ kind: "Node" }], [{ kind: "Pod", metadata: { name: "n" } }]])(
    "%j is none",
    (json) => {
      expect(readNode(json)).toBeUndefined();
    },
  );

  test.each([[null], [5], [{ conditions: 5 }], [{ conditions: [null, 5, "x", {}] }]])(
    "%j is a status of one",
    (status) => {
      expect(readNode({ kind: "Node", metadata: { name: "n" }, status })).toEqual({ conditions: [] });
    },
  );
});

describe("of a kill", () => {
  const node = { ...nodeWith(true, T1), conditions: ["MemoryPressure", "NotReady"] };

  test.each<[string, number | undefined, boolean]>([
    ["after the change", T1, true],
    ["before the change", T1 - 1, false],
    ["at a time that is not known", undefined, false],
  ])("%s", (_, atMs, isKnown) => {
    expect(nodeAt(node, atMs)).toEqual(isKnown ? node : { uid: "n1", conditions: ["NotReady"] });
  });
});

describe("told", () => {
  /** @returns what is told of each, as `+` (it came), `-` (it is over) with its beginning, or nothing */
  function tell(restored: PressureSeen | undefined, ...nodes: NodeFacts[]): string[] {
    const watch = createMemoryPressureWatch(restored);
    return nodes.map((node) => {
      const change = watch.see(node);
      if (change === undefined) return "";
      return change.pressure.isTrue ? "+" : `-${(change.pressure.sinceMs - (change.beganMs ?? Number.NaN)) / 1000}`;
    });
  }
  const [calm, tense, over] = [nodeWith(false, T1 - 1000), nodeWith(true, T1), nodeWith(false, T2)];

  test.each<[string, PressureSeen | undefined, NodeFacts[], string[]]>([
    [
      "once when it comes, once when it is over",
      undefined,
      [calm, tense, tense, over, over],
      ["", "+", "", "-312", ""],
    ],
    ["at the start it is there already", undefined, [tense, over], ["+", "-312"]],
    ["what the last run has told", { nodeUid: "n1", isTrue: true, sinceMs: T1 }, [tense, over], ["", "-312"]],
    ["it was over while nobody looked", { nodeUid: "n1", isTrue: true, sinceMs: T1 }, [over], ["-312"]],
    ["it came while nobody looked", { nodeUid: "n1", isTrue: false, sinceMs: T1 - 1000 }, [tense], ["+"]],
    ["an end that nobody saw", undefined, [tense, nodeWith(true, T3)], ["+", "+"]],
    ["another node of that name", { nodeUid: "n0", isTrue: true, sinceMs: T1 }, [over], [""]],
    ["a server that lags behind", undefined, [tense, over, tense, over], ["+", "-312", "", ""]],
    [
      "the kubelet was away: a new time alone is no pressure",
      undefined,
      [calm, nodeWith(undefined, T1), nodeWith(false, T2)],
      ["", "", ""],
    ],
    ["the kubelet was away under pressure", undefined, [tense, nodeWith(undefined, T1), over], ["+", "", "-312"]],
  ])("%s", (_, restored, nodes, expected) => {
    expect(tell(restored, ...nodes)).toEqual(expected);
  });

  test("whatever is seen, and however often the agent starts anew with what it saved, nothing is told twice", () => {
    const look = fc.record({
      isTrue: fc.option(fc.boolean(), { nil: undefined }),
      at: fc.nat(20),
      restarts: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(look, { maxLength: 40 }), (looks) => {
        let watch = createMemoryPressureWatch();
        const uids: unknown[] = [];
        for (const { isTrue, at, restarts } of looks) {
          // A condition cannot change twice in one instant.
          const change = watch.see(nodeWith(isTrue, T1 + 2 * at + Number(isTrue)));
          if (change !== undefined)
            uids.push(toMemoryPressureRecord(change, { resource: {} }).attributes["log.record.uid"]);
          if (restarts) watch = createMemoryPressureWatch(JSON.parse(JSON.stringify(watch.seen ?? null)) ?? undefined);
        }
        expect(new Set(uids).size).toBe(uids.length);
      }),
    );
  });
});

describe("the record", () => {
  const context = { resource: { "k8s.node.name": "node-7", "host.id": "h1" } };
  const node = { uid: "n1", capacity: 2 ** 34, allocatable: 15 * 2 ** 30, conditions: [] };
  const came = {
    node,
    pressure: { isTrue: true, sinceMs: T1, reason: "KubeletHasInsufficientMemory", message: "kubelet has\u202e \n" },
  };

  test("it came", () => {
    expect(toMemoryPressureRecord(came, context)).toEqual({
      timestampUs: T1 * 1000,
      severityText: "WARN",
      severityNumber: 13,
      eventName: "k8s.node.memory_pressure",
      body: 'node node-7 is under MemoryPressure: "kubelet has\\u{202e} \\x0a" (15 GiB are for pods)',
      resource: { "os.type": "linux", ...context.resource },
      attributes: {
        "event.name": "k8s.node.memory_pressure",
        "log.record.uid": expect.stringMatching(/^[\da-f]{32}$/),
        "k8s.node.condition.type": "MemoryPressure",
        "k8s.node.condition.status": "true",
        "oom.memory_pressure.reason": "KubeletHasInsufficientMemory",
        "oom.memory_pressure.message": "kubelet has\u202e \n",
        "oom.kubernetes.node.capacity": 2 ** 34,
        "oom.kubernetes.node.allocatable": 15 * 2 ** 30,
      },
    });
  });

  test.each<[string, number | undefined, string, object]>([
    [
      "it is over, and lasted",
      T1,
      "node node-7 is no longer under MemoryPressure, after 5.2 min",
      { "oom.memory_pressure.began": "2026-11-24T10:00:00.000Z", "oom.memory_pressure.duration": 312 },
    ],
    ["it is over", undefined, "node node-7 is no longer under MemoryPressure", {}],
  ])("%s", (_, beganMs, body, more) => {
    const over = { isTrue: false, sinceMs: T2 };
    const bare = { uid: "n1", conditions: [] };
    const record = toMemoryPressureRecord({ node: bare, pressure: over, ...(beganMs ? { beganMs } : {}) }, context);
    expect(record).toMatchObject({ timestampUs: T2 * 1000, severityText: "INFO", body });
    expect(record.attributes).toEqual({
      "event.name": "k8s.node.memory_pressure",
      "log.record.uid": expect.any(String),
      "k8s.node.condition.type": "MemoryPressure",
      "k8s.node.condition.status": "false",
      ...more,
    });
  });

  test("has the same UID wherever and whenever it is made, and another one for another change", () => {
    const uid = (change: Parameters<typeof toMemoryPressureRecord>[0], resource = context.resource) =>
      toMemoryPressureRecord(change, { resource }).attributes["log.record.uid"];
    expect(uid(came, { "k8s.node.name": "node-7", "host.id": "another agent's" })).toBe(uid(came));
    const others = [
      { ...came, pressure: { ...came.pressure, sinceMs: T2 } },
      { ...came, pressure: { ...came.pressure, isTrue: false } },
      { ...came, node: { ...node, uid: "n2" } },
    ];
    expect(new Set([came, ...others].map((change) => uid(change))).size).toBe(4);
  });
});
