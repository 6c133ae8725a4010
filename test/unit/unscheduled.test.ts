/** Pods that find no node: whose they are by their names, asked for over a real connection, and only where one is gone. */
import { afterEach, describe, expect, test } from "vitest";
import { createNames } from "../../src/identify/names.ts";
import {
  createUnscheduled,
  isPodOf,
  readUnscheduled,
  toUnscheduledPath,
  type UnscheduledOf,
} from "../../src/identify/unscheduled.ts";
import { toFollowUpRecord } from "../../src/ship/follow-up-record.ts";
import { makeWho } from "../kills.ts";
import type { WrongAnswer } from "../kube-api.ts";
import { containerId, plainPod } from "../pods.ts";
import { type ServedObjects, serveObjects } from "../served-objects.ts";

const MESSAGE = "0/5 nodes are available: 5 Insufficient memory.";
const event = (pod: unknown, more: object = {}) => ({
  reason: "FailedScheduling",
  type: "Warning",
  message: MESSAGE,
  involvedObject: { kind: "Pod", name: pod },
  ...more,
});
const LINE = `Warning FailedScheduling: ${MESSAGE}`;

describe("a pod's name", () => {
  test.each([
    ["Deployment", "web", "web-54b94897df-x2x4z"],
    ["ReplicaSet", "web-54b94897df", "web-54b94897df-x2x4z"],
    ["DaemonSet", "agent", "agent-9qk7t"],
    ["StatefulSet", "db", "db-0"],
    ["StatefulSet", "db", "db-12"],
    ["Job", "load", "load-bcd45"],
    ["Job", "load", "load-3-bcd45"],
    ["CronJob", "load", "load-29012345-bcd45"],
    ["CronJob", "load", "load-29012345-7-bcd45"],
    ["Rollout", "web", "web-bcd45"],
    ["Deployment", "a.b", "a.b-54b94897df-x2x4z"],
  ])("%s %s may have %s", (kind, name, pod) => {
    expect(isPodOf({ kind, name }, pod)).toBe(true);
  });

  test.each([
    ["Deployment", "web", "web-api-54b94897df-x2x4z"],
    ["Deployment", "web", "web-x2x4z"],
    ["Deployment", "web", "webs-54b94897df-x2x4z"],
    ["ReplicaSet", "web", "web-54b94897df-x2x4z"],
    ["DaemonSet", "agent", "agent-a1e2i"],
    ["StatefulSet", "db", "db-x2x4z"],
    ["StatefulSet", "db", "db-0-1"],
    ["Job", "load", "load-x-bcd45"],
    ["Deployment", "a.b", "axb-54b94897df-x2x4z"],
    ["Deployment", "web", "web"],
  ])("%s %s has no %s", (kind, name, pod) => {
    expect(isPodOf({ kind, name }, pod)).toBe(false);
  });
});

describe("a list", () => {
  test("has pods that find no node, the newest first", () => {
    const items = [
      event("web-1", { lastTimestamp: "2026-11-24T06:17:41Z", count: 3 }),
      event("web-2", { eventTime: "2026-11-24T06:18:00Z" }),
      event("web-3", { reason: "BackOff" }),
      event(undefined),
      event(5),
      null,
    ];
    expect(readUnscheduled({ items })).toEqual([
      { pod: "web-2", line: `web-2: 2026-11-24T06:18:00Z ${LINE}` },
      { pod: "web-1", line: `web-1: 2026-11-24T06:17:41Z Warning FailedScheduling x3: ${MESSAGE}` },
    ]);
  });

  test.each([[null], [{}], [{ items: "x" }]])("is not %j", (json) => {
    expect(readUnscheduled(json)).toBeUndefined();
  });
});

describe("over a connection", () => {
  let served: ServedObjects<NonNullable<ReturnType<typeof readUnscheduled>>>;

  afterEach(() => served.close());

  async function serve(...wrong: WrongAnswer[]): Promise<UnscheduledOf> {
    const items = [event("web-54b94897df-x2x4z"), event("web-api-54b94897df-x2x4z"), event("db-0")];
    served = await serveObjects(
      { path: "/api/v1/namespaces/shop/events", json: { items }, wrong },
      { read: readUnscheduled, toPath: toUnscheduledPath },
    );
    return createUnscheduled(served.objects);
  }

  const ownedBy = (kind: string, name: string) =>
    makeWho({ namespace: "shop", owners: [{ kind, name, evidence: "owner_reference" }] });

  test("one list of the namespace, of which each workload has its own", async () => {
    const of = await serve();
    expect(of(ownedBy("Deployment", "web"))).toBe("pending");
    await expect.poll(() => of(ownedBy("Deployment", "web"))).toEqual([`web-54b94897df-x2x4z: ${LINE}`]);
    expect(of(ownedBy("StatefulSet", "db"))).toEqual([`db-0: ${LINE}`]);
    expect(of(ownedBy("StatefulSet", "web"))).toEqual([]);
    expect(served.server.requests.map(({ query }) => query)).toEqual([
      { fieldSelector: "involvedObject.kind=Pod,reason=FailedScheduling", limit: "50" },
    ]);
  });

  test("of a pod of its own nothing is asked: nobody replaces it", async () => {
    const of = await serve();
    expect(of(makeWho({ owners: [] }))).toBeUndefined();
    expect(served.server.requests).toEqual([]);
  });

  test.each<[string, WrongAnswer, string]>([
    ["forbidden", { status: 403 }, "kubernetes_refused"],
    ["failing", { status: 500 }, "kubernetes_object_failed"],
    ["no list", { body: "[]" }, "kubernetes_object_failed"],
  ])("%s: not known, and the right is named", async (_, wrong, trouble) => {
    const of = await serve(wrong);
    of(ownedBy("Deployment", "web"));
    await expect.poll(() => of(ownedBy("Deployment", "web"))).toBe("unknown");
    expect(served.troubles).toEqual([[trouble, "list events"]]);
  });
});

describe("a follow-up", () => {
  const UID = "2c48913c-b29f-11e7-9350-020968147796";
  const A1 = containerId("a1");
  const POD = { uid: UID, containers: [{ id: `containerd://${A1}` }] };

  function follow(answer: ReturnType<UnscheduledOf>, isDeleted: boolean) {
    let asked = 0;
    const names = createNames({
      startWallMs: 0,
      podSource: "kubernetes_api",
      isSynced: () => true,
      node: () => undefined,
      hintNode() {},
      unscheduledOf() {
        asked++;
        return answer;
      },
    });
    names.replacePods([plainPod(POD)], 0);
    const identity = { kind: "container", containerId: A1 } as const;
    const kill = { counter: "/a", value: 1, afterMs: 0, untilMs: 0, attribution: "exact", identity } as const;
    names.told({ kill: { ...kill, evidence: ["counter"] }, uid: "u", who: names.identify(identity), atWallMs: 0 }, 0);
    if (isDeleted) names.changePod("DELETED", plainPod(POD), 10);
    const { followUps } = names.tick(40_000);
    return { followUps: followUps.length > 0 ? followUps : names.tick(50_000).followUps, asked: () => asked };
  }

  test("of a pod that is gone says who finds no node in its place", () => {
    expect(follow(["x"], true).followUps).toMatchObject([{ outcome: "deleted", unscheduled: ["x"] }]);
  });

  test("says that it could not be told", () => {
    for (const answer of ["unknown", "pending"] as const) {
      const [found] = follow(answer, true).followUps;
      expect(found).toMatchObject({ outcome: "deleted", around: { missing: ["events"] } });
      expect(found).not.toHaveProperty("unscheduled");
    }
  });

  test("of a pod that is there asks nobody", () => {
    const { followUps, asked } = follow(["x"], false);
    expect(followUps).toMatchObject([{ outcome: "none" }]);
    expect(asked()).toBe(0);
  });

  test("has it in its record, where there is any", () => {
    const found = { containerId: A1, who: makeWho(), uids: ["u"], kills: 1, outcome: "evicted", waitedMs: 1 } as const;
    const toAttributes = (unscheduled: string[]) =>
      toFollowUpRecord({ ...found, unscheduled, around: { missing: [] } }, { resource: {} }, 0).attributes;
    expect(toAttributes(["a"])["oom.follow_up.unscheduled"]).toEqual(["a"]);
    expect(toAttributes([])).not.toHaveProperty("oom.follow_up.unscheduled");
  });
});
