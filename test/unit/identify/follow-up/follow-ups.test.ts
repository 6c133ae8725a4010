/** What Kubernetes makes of a kill, and what it claims without one. */
import { describe, expect, test } from "vitest";
import type { CgroupIdentity } from "../../../../parsers/cgroup/identity.ts";
import { parseCgroupPath } from "../../../../parsers/cgroup/path.ts";
import type { UnloggedKill } from "../../../../src/correlate/kill.ts";
import type { Who } from "../../../../src/identify/container-metadata.ts";
import { createRepeatCounter, isFirstOfRollout, type KillPlace } from "../../../../src/identify/context/repeats.ts";
import { createNames, type Names } from "../../../../src/identify/enricher.ts";
import type { CounterReading } from "../../../../src/sources/cgroup/counters.ts";
import { makeWho } from "../../../kills.ts";
import { containerId, ended, plainPod, samplePod } from "../../../pods.ts";

const UID = "2c48913c-b29f-11e7-9350-020968147796";
const A1 = containerId("a1");
const A2 = containerId("a2");
const PATH = `/kubepods/burstable/pod${UID}/${A1}`;
const START = Date.parse("2026-03-01T12:00:00Z");
const FINISHED = Date.parse("2026-03-01T13:00:00Z");

const running = { id: `containerd://${A1}` };
const killed = ended(A1, "OOMKilled", 137);

interface Node {
  names: Names;
  isSynced: boolean;
  /** how often the node was to be looked at */
  hints: number;
}

function nodeWith(...pods: object[]): Node {
  const node: Node = {
    isSynced: true,
    hints: 0,
    names: createNames({
      startWallMs: START,
      podSource: "kubernetes_api",
      useLabels: false,
      isSynced: () => node.isSynced,
      node: () => undefined,
      hintNode() {
        node.hints++;
      },
    }),
  };
  node.names.replacePods(pods, 0);
  return node;
}

function kill({ names }: Node, uid: string, nowMs: number, more: Partial<UnloggedKill> = {}): void {
  const one = unlogged(more, nowMs);
  names.told({ kill: one, uid, who: names.identify(one.identity), atWallMs: FINISHED }, nowMs);
}

function unlogged(more: Partial<UnloggedKill>, nowMs = 0): UnloggedKill {
  const path = "victimCgroup" in more ? more.victimCgroup : PATH;
  const identity = identityOf(path);
  return {
    counter: path ?? "node",
    value: 1,
    afterMs: nowMs,
    untilMs: nowMs,
    evidence: ["counter"],
    attribution: "exact",
    ...(identity === undefined ? {} : { identity }),
    ...more,
  };
}

function identityOf(path: string | undefined): CgroupIdentity | undefined {
  return path === undefined ? undefined : parseCgroupPath(path);
}

const plain = (status: object, more: object = {}) =>
  plainPod({ uid: UID, containers: [{ ...running, ...status }], ...more });

describe("a kill is followed until it is settled, half a minute at most", () => {
  test.each([
    [
      "restarted",
      plain({ id: A2, restarts: 1, lastState: killed }),
      { outcome: "oom_killed", next: "restarted", isVisible: true, ended: { exitCode: 137 } },
    ],
    [
      "crash loop",
      plain({ state: { waiting: { reason: "CrashLoopBackOff" } }, lastState: killed }),
      { outcome: "oom_killed", next: "crash_loop_back_off", isVisible: true },
    ],
    [
      "exit code 0, and called OOMKilled",
      plain({ id: A2, lastState: ended(A1, "OOMKilled", 0) }),
      { outcome: "oom_killed", isVisible: true, ended: { exitCode: 0 } },
    ],
    [
      "ended, and not called OOMKilled",
      plain({ id: A2, lastState: ended(A1, "Error", 1) }),
      { outcome: "terminated", isVisible: false, ended: { reason: "Error" } },
    ],
    [
      "evicted",
      plainPod({ uid: UID, containers: [running], status: { phase: "Failed", reason: "Evicted" } }),
      { outcome: "evicted" },
    ],
    ["it runs on: invisible, so no PID 1 was killed", plain({}), { outcome: "none", isVisible: false, pid1: false }],
    ["ended, not restarted yet", plain({ state: killed }), { outcome: "oom_killed", next: "waiting", isVisible: true }],
  ])("%s", (_, after, expected) => {
    const node = nodeWith(plain({}));
    kill(node, "one", 0);
    node.names.changePod("MODIFIED", after, 1000);
    const told = [
      ...node.names.tick(1499).followUps,
      ...node.names.tick(1500).followUps,
      ...node.names.tick(29_999).followUps,
    ];
    const late = node.names.tick(30_000).followUps;
    expect([...told, ...late]).toMatchObject([{ uids: ["one"], kills: 1, ...expected }]);
    expect(node.names.tick(100_000).followUps).toEqual([]);
  });

  test("a pod that failed for it is settled", () => {
    const node = nodeWith(plain({}));
    kill(node, "one", 0);
    const after = samplePod("child", "guaranteed") as unknown as { metadata: object; status: object };
    node.names.changePod("MODIFIED", { ...after, metadata: { name: "web-0", namespace: "shop", uid: UID } }, 500);
    // Another container's end is not this one's.
    expect(node.names.tick(2000).followUps).toEqual([]);
    const finished = { phase: "Failed", containerStatuses: [{ name: "app", containerID: A1, state: killed }] };
    node.names.changePod("MODIFIED", plainPod({ uid: UID, containers: [running], status: finished }), 700);
    expect(node.names.tick(2700).followUps).toMatchObject([
      { outcome: "oom_killed", next: "finished", waitedMs: 2700 },
    ]);
  });

  test("deleted while it ran out: with its state where that came, without it where not", () => {
    for (const [status, outcome] of [
      [{}, "deleted"],
      [{ state: killed }, "oom_killed"],
    ] as const) {
      const node = nodeWith(plain({}));
      kill(node, "one", 0);
      node.names.changePod("DELETED", plain(status), 440);
      expect(node.names.tick(1500).followUps).toMatchObject([{ outcome }]);
    }
  });

  test("a status that came before the kill was told is heeded; a pod that was gone by then is", () => {
    const early = nodeWith(plain({ id: A2, restarts: 1, lastState: killed }));
    kill(early, "one", 0);
    expect(early.names.tick(1500).followUps).toMatchObject([{ outcome: "oom_killed", next: "restarted" }]);
    const gone = nodeWith(plain({}));
    gone.names.replacePods([], 0);
    kill(gone, "one", 0);
    expect(gone.names.tick(1500).followUps).toMatchObject([{ outcome: "deleted" }]);
  });

  test("kills of one container have one, with all their UIDs and whether one was PID 1", () => {
    const node = nodeWith(plain({}));
    for (let i = 0; i < 100; i++) kill(node, `uid-${i}`, i * 10, i === 99 ? { pid1: true } : {});
    node.names.changePod("MODIFIED", plain({ id: A2, lastState: killed }), 2000);
    const [one, ...others] = node.names.tick(2000).followUps;
    expect(others).toEqual([]);
    expect(one).toMatchObject({ kills: 100, pid1: true, waitedMs: 2000 });
    expect(one?.uids).toHaveLength(64);
    expect(one?.uids[0]).toBe("uid-0");
  });

  test("while the API is away nothing is said to run on", () => {
    const node = nodeWith(plain({}));
    kill(node, "one", 0);
    node.isSynced = false;
    expect(node.names.tick(30_000).followUps).toMatchObject([{ outcome: "unknown" }]);
  });

  test("as the agent stops, what has not ended is not known", () => {
    const node = nodeWith(plain({}));
    kill(node, "one", 0);
    expect(node.names.flush(10).followUps).toMatchObject([{ outcome: "unknown", waitedMs: 10 }]);
  });

  test("a victim that no pod is known of is not followed", () => {
    const node = nodeWith();
    kill(node, "one", 0);
    expect(node.names.tick(60_000).followUps).toEqual([]);
  });
});

describe("OOMKilled without a kill", () => {
  const after = plain({ id: A2, restarts: 1, lastState: killed });
  const read = (names: Names, oomKill: number, cgroup = PATH, why: CounterReading["why"] = "found"): void =>
    names.counter({ cgroup, why, atMs: 0, fromZero: false, local: { oomKill, max: 0 } } as unknown as CounterReading);
  const found = (node: Node) => node.names.tick(1_000_000).falseKills.map(({ containerId: id }) => id);

  test("the container's counter was read, says 0, and no kill was told: false", () => {
    const node = nodeWith(plain({}));
    read(node.names, 0);
    node.names.changePod("MODIFIED", after, 100);
    expect(node.names.tick(15_000).falseKills).toEqual([]);
    expect(node.names.tick(15_100).falseKills).toMatchObject([{ containerId: A1, ended: { exitCode: 137 } }]);
    node.names.changePod("MODIFIED", after, 20_000);
    expect(found(node)).toEqual([]);
  });

  test.each<[string, (node: Node) => void]>([
    ["its counter was never read", () => {}],
    ["its counter says one", ({ names }) => read(names, 1)],
    [
      "the counter of a cgroup in it says one",
      ({ names }) => {
        read(names, 0);
        read(names, 1, `${PATH}/inner`);
        read(names, 0);
      },
    ],
    [
      "a kill in it was told",
      (node) => {
        read(node.names, 0);
        kill(node, "one", 50);
      },
    ],
    [
      "a kill was told that may have been in it",
      (node) => {
        read(node.names, 0);
        kill(node, "one", 50, {
          victimCgroup: undefined,
          attribution: "unknown",
          candidates: ["/other", PATH],
        } as never);
      },
    ],
    [
      "a kill was told of its pod, in whichever cgroup",
      (node) => {
        read(node.names, 0);
        kill(node, "one", 50, { victimCgroup: `/kubepods/burstable/pod${UID}` });
      },
    ],
    [
      "a kill was told that may have been anywhere",
      (node) => {
        read(node.names, 0);
        kill(node, "one", 50, { victimCgroup: undefined, attribution: "unknown" } as never);
      },
    ],
    ["the last that was read of it, as it was gone, is no proof", ({ names }) => read(names, 0, PATH, "removed")],
  ])("%s: nothing is claimed", (_, happen) => {
    const node = nodeWith(plain({}));
    happen(node);
    node.names.changePod("MODIFIED", after, 100);
    expect(found(node)).toEqual([]);
  });

  test("what ended before the agent began is not judged", () => {
    const node = nodeWith(plain({}));
    read(node.names, 0);
    const old = ended(A1, "OOMKilled", 137, new Date(START - 1000).toISOString());
    node.names.changePod("MODIFIED", plain({ id: A2, lastState: old }), 100);
    expect(found(node)).toEqual([]);
  });

  test.each([
    ["/system.slice/sshd.service"],
    ["/somewhere"],
    [`/kubepods/burstable/pod3d274242-8ee0-11e9-a8a6-1e68d864ef1a/${A2}`],
  ])("a kill in %s is none in the container", (victimCgroup) => {
    const node = nodeWith(plain({}));
    read(node.names, 0);
    kill(node, "one", 50, { victimCgroup });
    node.names.changePod("MODIFIED", after, 100);
    expect(found(node)).toEqual([A1]);
  });
});

describe("evicted pods", () => {
  const message = "The node was low on resource: memory.";
  const evicted = (more: object = {}) =>
    plainPod({ uid: UID, status: { phase: "Failed", reason: "Evicted", message }, ...more });
  const born = (ms: number) => ({ metadata: { creationTimestamp: new Date(START + ms).toISOString() } });
  const told = ({ names }: Node) => names.tick(0).evicted.map(({ pod, podFacts }) => [pod, podFacts?.message]);

  test("one that was seen before is told, once, with the kubelet's words", () => {
    const node = nodeWith(plain({}));
    for (let i = 0; i < 2; i++) node.names.changePod("MODIFIED", evicted(), 0);
    expect(told(node)).toEqual([["web-0", message]]);
    node.names.replacePods([evicted()], 0);
    node.names.replacePods([], 0);
    expect(told(node)).toEqual([]);
  });
  test("one that is younger than the agent too; one that was evicted before it began is not", () => {
    const young = nodeWith();
    young.names.changePod("ADDED", evicted(born(1000)), 0);
    expect(told(young)).toHaveLength(1);
    expect(told(nodeWith(evicted(born(-1000))))).toEqual([]);
  });
  test("others fail without being evicted", () => {
    const node = nodeWith(plain({}));
    node.names.changePod("MODIFIED", evicted({ status: { phase: "Failed", reason: "DeadlineExceeded" } }), 0);
    expect(told(node)).toEqual([]);
  });
});

describe("the node is looked at soon after", () => {
  test.each<[string, number, (node: Node) => void]>([
    ["a kill of the node", 1, (node) => kill(node, "one", 0, { scope: "node" } as never)],
    ["a kill of all its pods", 1, (node) => kill(node, "one", 0, { scope: "kubepods" } as never)],
    ["a kill at a container's limit: no", 0, (node) => kill(node, "one", 0, { scope: "container" } as never)],
    [
      "an eviction",
      1,
      ({ names }) => void names.changePod("MODIFIED", plainPod({ uid: UID, status: { reason: "Evicted" } }), 0),
    ],
  ])("%s", (_, hints, happen) => {
    const node = nodeWith(plain({}));
    happen(node);
    expect(node.hints).toBe(hints);
  });
});

describe("kills of the same workload", () => {
  const owned = (more: Partial<Who> = {}): Who => makeWho(more);
  const identity = parseCgroupPath(PATH);
  function counting(): (who: Who | undefined, atMs: number) => [recent?: number, ofRevision?: number] {
    const counter = createRepeatCounter(START);
    return (who, atMs) => {
      const repeats = counter.add({ who, identity, atMs, atWallMs: START + atMs });
      return repeats === undefined ? [] : [repeats.recent, repeats.ofRevision];
    };
  }

  test("by owner and container, whichever of its pods; for ten minutes", () => {
    const add = counting();
    expect(add(owned(), 0)).toEqual([1, 1]);
    expect(add(owned({ pod: "checkout-54b94897df-cmx2g" }), 300_000)).toEqual([2, 2]);
    expect(add(owned({ container: "other" }), 300_000)).toEqual([1, 1]);
    expect(add(owned({ namespace: "test" }), 300_000)).toEqual([1, 1]);
    expect(add(owned(), 600_000)).toEqual([2, 3]);
  });
  test("after a rollout the first of its revision is one", () => {
    const add = counting();
    add(owned(), 0);
    const podFacts = { ...owned().podFacts, labels: { "pod-template-hash": "other" } } as Who["podFacts"];
    expect(add(owned({ podFacts } as Partial<Who>), 1)).toEqual([2, 1]);
  });
  test("a pod of its own is its own workload; without names there is none", () => {
    const add = counting();
    expect(add(owned({ owners: [] }), 0)).toEqual([1, 1]);
    expect(add(owned({ owners: [], pod: "b" }), 0)).toEqual([1, 1]);
    expect(add(undefined, 0)).toEqual([]);
    expect(add({ sources: ["docker"], missing: [], owners: [], container: "db" }, 0)).toEqual([]);
  });
  test("names without end: those of late are known", () => {
    const add = counting();
    for (let i = 0; i < 3000; i++) add(owned({ namespace: `n${i}` }), 0);
    expect(add(owned({ namespace: "n2999" }), 0)[0]).toBe(2);
    expect(add(owned({ namespace: "n0" }), 0)[0]).toBe(1);
  });
});

describe("the first kill of a rollout", () => {
  const NOW = START + 3_600_000;
  const rolledOut = (createdMs: number | undefined, more: Partial<Who> = {}): Who => {
    const replicaSet = { kind: "ReplicaSet", name: "web-1", evidence: "owner_reference" as const };
    return makeWho({ owners: [{ ...replicaSet, ...(createdMs === undefined ? {} : { createdMs }) }], ...more });
  };
  const victim = (who: Who | undefined, path: string | undefined, atWallMs: number | undefined = NOW) => ({
    who,
    identity: path === undefined ? undefined : parseCgroupPath(path),
    atMs: 0,
    atWallMs,
  });
  const young = rolledOut(NOW - 60_000);
  const nameless = { sources: ["docker" as const], missing: [], owners: [], container: "db" };

  test.each<[string, KillPlace[], Who, boolean]>([
    ["its ReplicaSet is younger than the agent", [], young, true],
    ["its ReplicaSet is older than the agent", [], rolledOut(START - 1), false],
    ["the API has not told of its ReplicaSet", [], rolledOut(undefined), false],
    ["it is the second", [victim(young, PATH)], young, false],
    ["another workload's came before", [victim(rolledOut(NOW, { namespace: "other" }), PATH)], young, true],
    ["one of nobody knows whom came since", [victim(undefined, undefined)], young, false],
    ["one of a pod that nothing names came since", [victim(undefined, PATH)], young, false],
    ["one of a container that nothing names came since", [victim(undefined, `/docker/${A1}`)], young, false],
    ["one without names came before that", [victim(undefined, PATH, NOW - 120_000)], young, true],
    ["one without a time", [{ ...victim(undefined, PATH), atWallMs: undefined }], young, false],
    ["a unit's came since", [victim(undefined, "/system.slice/sshd.service")], young, true],
    ["another runtime's container's came since", [victim(nameless, `/docker/${A1}`)], young, true],
    [
      "some were forgotten since",
      Array.from({ length: 1025 }, (_, i) => victim(rolledOut(NOW, { namespace: `n${i}` }), PATH)),
      young,
      false,
    ],
  ])("%s", (_, before, who, expected) => {
    const counter = createRepeatCounter(START);
    for (const place of before) counter.add(place);
    const repeats = counter.add(victim(who, PATH));
    expect(repeats !== undefined && isFirstOfRollout(repeats, who)).toBe(expected);
  });

  test("is told by the follow-up, where the API has told of the ReplicaSet since", () => {
    let createdMs: number | undefined;
    const names = createNames({
      startWallMs: START,
      podSource: "kubernetes_api",
      isSynced: () => true,
      node: () => undefined,
      hintNode() {},
      askedOwner: (_, owner) => (createdMs === undefined ? undefined : [{ ...owner, createdMs }]),
    });
    const pod = plainPod({
      uid: UID,
      containers: [running],
      metadata: { ownerReferences: [{ controller: true, kind: "ReplicaSet", name: "web-1" }] },
    });
    names.replacePods([pod], 0);
    const who = names.identify(identityOf(PATH));
    const { repeats, isFirstOfRollout: isFirst } = names.around({ ...victim(who, PATH), atWallMs: NOW });
    expect(isFirst).toBeUndefined();
    names.told({ kill: unlogged({}), uid: "one", who, atWallMs: NOW, repeats }, 0);
    createdMs = START + 1000;
    expect(names.flush(0).followUps).toMatchObject([{ around: { isFirstOfRollout: true } }]);
  });
});
