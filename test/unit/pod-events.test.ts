/** What Kubernetes has noted of a pod: read as lines, asked for over a real connection, and waited for by a follow-up. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { createNames, type Names } from "../../src/identify/names.ts";
import { createPodEvents, type PodEventsOf, readPodEvents, toPodEventsPath } from "../../src/identify/pod-events.ts";
import { toFollowUpRecord } from "../../src/ship/follow-up-record.ts";
import { makeWho, POD_UID } from "../kills.ts";
import type { WrongAnswer } from "../kube-api.ts";
import { containerId, plainPod } from "../pods.ts";
import { type ServedObjects, serveObjects } from "../served-objects.ts";

const SAMPLE = JSON.parse(readFileSync(new URL("../kubernetes/sidecar-events.json", import.meta.url), "utf8")) as {
  items: { involvedObject: { uid: string } }[];
};
const SIDECAR = "2847feae-b3a8-44e3-aa45-bf84d5ae3709";
const STATIC = "d8c9b774b8740642565fea02f8465ca2";
const eventsOf = (uid: string) => ({ items: SAMPLE.items.filter(({ involvedObject }) => involvedObject.uid === uid) });

describe("events", () => {
  test("of a real pod: what tells of trouble, the newest first", () => {
    const pod = `in pod with-sidecar_shop(${SIDECAR})`;
    expect(readPodEvents(eventsOf(SIDECAR))).toEqual([
      `2026-11-24T06:19:29Z Warning BackOff x2: Back-off restarting failed container second ${pod}`,
      `2026-11-24T06:19:29Z Warning BackOff: Back-off restarting failed container log-sidecar ${pod}`,
    ]);
  });

  const event = (more: object) => ({ reason: "BackOff", type: "Warning", message: "m", ...more });
  test.each<[string, unknown, string[]]>([
    [
      "with a count",
      event({ count: 12, lastTimestamp: "2026-11-24T06:17:41Z" }),
      ["2026-11-24T06:17:41Z Warning BackOff x12: m"],
    ],
    [
      "with a series",
      event({
        series: { count: 3, lastObservedTime: "2026-11-24T06:17:41.123456Z" },
        eventTime: "2026-11-24T06:00:00Z",
      }),
      ["2026-11-24T06:17:41Z Warning BackOff x3: m"],
    ],
    ["once", event({ eventTime: "2026-11-24T06:17:41.9Z", count: null }), ["2026-11-24T06:17:41Z Warning BackOff: m"]],
    ["without a time", event({ lastTimestamp: null }), ["Warning BackOff: m"]],
    ["without words", event({ message: "" }), ["Warning BackOff"]],
    ["of a type of its own", event({ type: "x\ny" }), ["BackOff: m"]],
    ["of several lines", event({ message: " a\n\tb \r\n" }), ["Warning BackOff: a b"]],
    ["of many words", event({ message: "é".repeat(1000) }), [`Warning BackOff: ${"é".repeat(160)}…`]],
    ["of pairs", event({ message: "🙂".repeat(1000) }), [`Warning BackOff: ${"🙂".repeat(160)}`]],
    ["that tells of no trouble", event({ reason: "Pulled" }), []],
    ["that is none", null, []],
    ["without a reason", event({ reason: 5 }), []],
    ["whose count is none", event({ count: "many", series: { count: -1 } }), ["Warning BackOff: m"]],
  ])("one %s", (_, item, expected) => {
    expect(readPodEvents({ items: [item] })).toEqual(expected);
  });

  test.each([[null], [5], [{}], [{ items: {} }]])("%j is no list", (json) => {
    expect(readPodEvents(json)).toBeUndefined();
  });

  test("whatever they say, lines are few, short and whole", () => {
    const item = fc.record({ reason: fc.constant("Killing"), message: fc.string({ unit: "binary", maxLength: 2000 }) });
    fc.assert(
      fc.property(fc.array(item, { maxLength: 80 }), (items) => {
        const lines = readPodEvents({ items }) ?? [];
        expect(lines.length).toBeLessThanOrEqual(10);
        for (const line of lines) {
          expect(line).not.toMatch(/[\n\r]/);
          expect(line.isWellFormed()).toBe(true);
          expect(line.length).toBeLessThan(400);
        }
      }),
    );
  });
});

describe("over a connection", () => {
  let served: ServedObjects<readonly string[]>;
  let nowMs: number;

  afterEach(() => served.close());

  async function serve(...wrong: WrongAnswer[]): Promise<PodEventsOf> {
    nowMs = 0;
    served = await serveObjects(
      { path: "/api/v1/namespaces/shop/events", json: eventsOf(SIDECAR), wrong },
      { read: readPodEvents, toPath: toPodEventsPath, foundMs: 10_000, now: () => nowMs },
    );
    return createPodEvents(served.objects);
  }

  test("one list a pod, by its UID; for a moment it is the same for all its containers", async () => {
    const of = await serve();
    const { configHash: _, ...who } = makeWho();
    expect(of(who)).toBe("pending");
    await expect.poll(() => of(who)).toHaveLength(2);
    expect(of({ ...who, container: "other" })).toHaveLength(2);
    expect(served.server.requests).toHaveLength(1);
    expect(served.server.requests[0]?.query).toEqual({ fieldSelector: `involvedObject.uid=${POD_UID}`, limit: "50" });
    nowMs = 10_000;
    expect(of(who)).toBe("pending");
  });

  test("a static pod's events have its config hash", async () => {
    const of = await serve();
    of(makeWho({ configHash: STATIC }));
    await expect.poll(() => served.server.requests[0]?.query["fieldSelector"]).toBe(`involvedObject.uid=${STATIC}`);
  });

  test("of what has no UID nothing is asked", async () => {
    const of = await serve();
    const { podUid: _, configHash: __, ...who } = makeWho();
    expect(of(who)).toBeUndefined();
    expect(served.server.requests).toEqual([]);
  });

  test.each<[string, WrongAnswer, string]>([
    ["forbidden", { status: 403 }, "kubernetes_refused"],
    ["failing", { status: 500 }, "kubernetes_object_failed"],
    ["expired", { status: 410 }, "kubernetes_object_failed"],
    ["no list", { body: "{}" }, "kubernetes_object_failed"],
    ["cut", { body: '{"items":[', cutBody: true }, "kubernetes_object_failed"],
    ["too slow", { hang: true }, "kubernetes_object_failed"],
  ])("%s: not known, and the right is named", async (_, wrong, trouble) => {
    const of = await serve(wrong);
    expect(of(makeWho())).toBe("pending");
    await expect.poll(() => of(makeWho())).toBe("unknown");
    expect(served.troubles).toEqual([[trouble, "list events"]]);
    expect(served.server.requests).toHaveLength(1);
  });
});

describe("a follow-up", () => {
  const UID = "2c48913c-b29f-11e7-9350-020968147796";
  const A1 = containerId("a1");
  let answer: ReturnType<PodEventsOf>;
  let asked: number;

  function followed(): Names {
    asked = 0;
    const names = createNames({
      startWallMs: 0,
      podSource: "kubernetes_api",
      isSynced: () => true,
      node: () => undefined,
      hintNode() {},
      eventsOf() {
        asked++;
        return answer;
      },
    });
    names.replacePods([plainPod({ uid: UID, containers: [{ id: `containerd://${A1}` }] })], 0);
    const identity = { kind: "container", containerId: A1 } as const;
    const kill = {
      counter: "/a",
      value: 1,
      afterMs: 0,
      untilMs: 0,
      evidence: [],
      attribution: "exact",
      identity,
    } as const;
    names.told({ kill: { ...kill, evidence: ["counter"] }, uid: "u", who: names.identify(identity), atWallMs: 0 }, 0);
    return names;
  }

  test.each<[string, ReturnType<PodEventsOf>, object]>([
    ["with the events that are there", ["a"], { events: ["a"], around: { missing: [] } }],
    ["with none where there are none", [], { events: [], around: { missing: [] } }],
    ["without them where nobody is asked", undefined, { around: { missing: [] } }],
    ["without them where they cannot be had, which is said", "unknown", { around: { missing: ["events"] } }],
  ])("is told at once %s", (_, given, expected) => {
    answer = given;
    const names = followed();
    expect(names.tick(29_999).followUps).toEqual([]);
    // At the kill itself nothing is asked for.
    expect(asked).toBe(0);
    expect(names.tick(30_000).followUps).toMatchObject([expected]);
    expect(names.tick(30_001).followUps).toEqual([]);
  });

  test("waits for them, once, and not for long", () => {
    answer = "pending";
    const names = followed();
    expect(names.tick(30_000).followUps).toEqual([]);
    expect(names.tick(32_499).followUps).toEqual([]);
    expect(names.tick(32_500).followUps).toMatchObject([{ waitedMs: 30_000, around: { missing: ["events"] } }]);
    const quick = followed();
    expect(quick.tick(30_000).followUps).toEqual([]);
    answer = ["a"];
    expect(quick.tick(30_050).followUps).toMatchObject([{ events: ["a"] }]);
    expect(quick.tick(30_100).followUps).toEqual([]);
  });

  test.each([[0], [30_000]])("as the agent stops nothing is waited for: %i", (atMs) => {
    answer = "pending";
    const names = followed();
    names.tick(atMs);
    expect(names.flush(atMs).followUps).toMatchObject([{ around: { missing: ["events"] } }]);
    expect(names.flush(atMs).followUps).toEqual([]);
  });

  test("has them in its record", () => {
    const found = { containerId: A1, who: makeWho(), uids: ["u"], kills: 1, outcome: "none", waitedMs: 1 } as const;
    const { attributes } = toFollowUpRecord(
      { ...found, events: ["a", "b"], around: { missing: [] } },
      { resource: {} },
      0,
    );
    expect(attributes["oom.follow_up.events"]).toEqual(["a", "b"]);
  });
});
