/** The pieces of the Kubernetes client: paths, lines, what to ask for next, objects with their cache and budget. */
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { openApi } from "../../src/identify/api/api.ts";
import { createBudget } from "../../src/identify/api/budget.ts";
import { type ApiCall, CALLS, describeRight, toListPath, toObjectPath } from "../../src/identify/api/calls.ts";
import { type Failure, toStatusFailure } from "../../src/identify/api/failure.ts";
import { createFollowPlan, type FollowPlan, type FollowStep } from "../../src/identify/api/follow-plan.ts";
import { createLines } from "../../src/identify/api/lines.ts";
import { createObjectCache } from "../../src/identify/api/object-cache.ts";
import { type Objects, openObjects } from "../../src/identify/api/objects.ts";
import { plainCredentials } from "../followed.ts";
import { type KubeApi, openKubeApi, timeoutFor, toStatus } from "../kube-api.ts";

describe("paths", () => {
  test.each<[string, string]>([
    [
      toListPath(CALLS.pods, { fieldSelector: "spec.nodeName=a b", limit: undefined, watch: "1" }),
      "/api/v1/pods?fieldSelector=spec.nodeName%3Da+b&watch=1",
    ],
    [
      toListPath(CALLS.events, { fieldSelector: "involvedObject.uid=a&b" }, "a/b"),
      "/api/v1/namespaces/a%2Fb/events?fieldSelector=involvedObject.uid%3Da%26b",
    ],
    [
      toListPath(CALLS.autoscalers, { limit: "1" }, "shop"),
      "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers?limit=1",
    ],
    [toObjectPath(CALLS.node, "ip-10-0-0-1.ec2.internal"), "/api/v1/nodes/ip-10-0-0-1.ec2.internal"],
    [toObjectPath(CALLS.replicaSet, "web-7d9f", "shop"), "/apis/apps/v1/namespaces/shop/replicasets/web-7d9f"],
    [toObjectPath(CALLS.job, "../../secrets", "a/b"), "/apis/batch/v1/namespaces/a%2Fb/jobs/..%2F..%2Fsecrets"],
  ])("%s", (path, expected) => {
    expect(path).toBe(expected);
  });

  test.each<[ApiCall, string]>([
    [CALLS.pods, "list and watch pods"],
    [CALLS.replicaSet, "get replicasets.apps"],
    [CALLS.autoscalers, "list horizontalpodautoscalers.autoscaling"],
    [CALLS.kubeletPods, "get nodes/pods"],
  ])("the right for %o", (call, expected) => {
    expect(describeRight(call)).toBe(expected);
  });
});

describe("lines", () => {
  test("are the same however the bytes are cut", () => {
    const text = fc.string({ unit: "binary" }).map((line) => line.replaceAll("\n", ""));
    fc.assert(
      fc.property(fc.array(text), fc.array(fc.nat(20)), (written, cuts) => {
        const bytes = Buffer.from(written.map((line) => `${line}\n`).join(""));
        const read: string[] = [];
        const lines = createLines(1e6, (line) => read.push(line));
        let from = 0;
        for (const cut of cuts) {
          lines.push(bytes.subarray(from, from + cut));
          from += cut;
        }
        lines.push(bytes.subarray(from));
        expect(read).toEqual(written.filter((line) => line !== ""));
        expect(lines.rest).toBe(0);
      }),
    );
  });

  test.each<[string, string[], boolean, string[]]>([
    ["as long as may be", ["abcde\n"], true, ["abcde"]],
    ["longer", ["abcdef\n"], false, []],
    ["longer, without an end", ["abc", "def"], false, []],
    ["longer, in pieces", ["abc", "def\n"], false, []],
    ["several", ["abcde\nabcde\nab"], true, ["abcde", "abcde"]],
  ])("of a bounded length: %s", (_, pieces, fits, expected) => {
    const read: string[] = [];
    const lines = createLines(5, (line) => read.push(line));
    const results = pieces.map((piece) => lines.push(Buffer.from(piece)));
    expect(results.at(-1)).toBe(fits);
    expect(read).toEqual(expected);
  });
});

describe("what a status means", () => {
  const body = JSON.stringify({ ...toStatus(429, "slow\ndown"), details: { retryAfterSeconds: 3 } });
  test.each<[string, Failure, Failure]>([
    ["Retry-After", toStatusFailure(429, "", "7", 0), { kind: "throttled", reason: "HTTP 429", afterMs: 7000 }],
    [
      "Retry-After as a date",
      toStatusFailure(503, "", "Thu, 01 Jan 1970 00:01:00 GMT", 50_000),
      { kind: "failing", reason: "HTTP 503", afterMs: 10_000 },
    ],
    [
      "the body's",
      toStatusFailure(429, body, undefined, 0),
      { kind: "throttled", reason: "HTTP 429: slow down", afterMs: 3000 },
    ],
    [
      "a body that is no Status",
      toStatusFailure(502, "<html>\n<p>bad", undefined, 0),
      { kind: "failing", reason: "HTTP 502: <html> <p>bad" },
    ],
    [
      "a body without an end",
      toStatusFailure(400, "x".repeat(9999), undefined, 0),
      { kind: "refused", reason: `HTTP 400: ${"x".repeat(500)}` },
    ],
    ["a number", toStatusFailure(418, "7", undefined, 0), { kind: "refused", reason: "HTTP 418: 7" }],
  ])("%s", (_, failure, expected) => {
    expect(failure).toEqual(expected);
  });
});

describe("what to ask for next", () => {
  const failure = (kind: Failure["kind"], afterMs?: number): Failure => ({
    kind,
    reason: "",
    ...(afterMs === undefined ? {} : { afterMs }),
  });
  const ended = (kind: Failure["kind"]) => (plan: FollowPlan) => plan.watchEnded(failure(kind), 10, 300_000);
  const LIST = "list";
  const WATCH = "watch";

  /** Listed at version 5, followed to 7; the waits are the shortest. */
  function follow(): FollowPlan {
    const plan = createFollowPlan({ random: () => 0 });
    plan.listed("5");
    plan.progressed("7");
    return plan;
  }

  test.each<[string, (plan: FollowPlan) => FollowStep, FollowStep["call"], string, number]>([
    ["its time has come", (plan) => plan.watchEnded(undefined, 300_000, 300_000), WATCH, "7", 0],
    ["ended before its time", (plan) => plan.watchEnded(undefined, 200_000, 300_000), WATCH, "7", 2500],
    ["broken", ended("broken"), WATCH, "7", 2500],
    ["silent", ended("silent"), WATCH, "7", 2500],
    ["unreachable", ended("unreachable"), WATCH, "7", 2500],
    ["failing", ended("failing"), WATCH, "7", 2500],
    ["throttled", (plan) => plan.watchEnded(failure("throttled", 20_000), 10, 300_000), WATCH, "7", 20_000],
    ["forbidden", ended("forbidden"), WATCH, "7", 30_000],
    ["unauthorized", ended("unauthorized"), WATCH, "7", 30_000],
    ["untrusted", ended("untrusted"), WATCH, "7", 30_000],
    ["credentials", ended("credentials"), WATCH, "7", 30_000],
    ["gone", ended("gone"), LIST, "7", 2500],
    ["too new", ended("too_new"), LIST, "7", 2500],
    ["unreadable", ended("unreadable"), LIST, "7", 2500],
    ["given up", ended("given_up"), LIST, "7", 2500],
    ["refused", ended("refused"), LIST, "7", 2500],
    ["a list that is gone", (plan) => plan.listFailed(failure("gone")), LIST, "", 2500],
    ["a list that is too new", (plan) => plan.listFailed(failure("too_new")), LIST, "", 2500],
    ["a list that failed", (plan) => plan.listFailed(failure("failing")), LIST, "7", 2500],
    ["a list that is there", (plan) => plan.listed("9"), WATCH, "9", 0],
  ])("after a watch: %s", (_, happen, call, resourceVersion, waitMs) => {
    expect(happen(follow())).toEqual({ call, resourceVersion, waitMs });
  });

  test("first whatever is at hand, without a wait", () => {
    expect(createFollowPlan().first()).toEqual({ call: "list", resourceVersion: "0", waitMs: 0 });
  });

  test("longer waits with each failure, until something comes", () => {
    const plan = follow();
    const waits = Array.from({ length: 7 }, () => plan.watchEnded(failure("broken"), 10, 300_000).waitMs);
    expect(waits).toEqual([2500, 5000, 10_000, 20_000, 30_000, 30_000, 30_000]);
    plan.progressed("8");
    expect(ended("broken")(plan).waitMs).toBe(2500);
  });

  test("who answers to lists and breaks each watch is waited for longer, too", () => {
    const plan = follow();
    const waits = Array.from({ length: 3 }, () => {
      const { waitMs } = ended("gone")(plan);
      plan.listed("9");
      return waitMs;
    });
    expect(waits).toEqual([2500, 5000, 10_000]);
  });

  test("one that is back after long is not waited for as long again", () => {
    const plan = follow();
    for (let index = 0; index < 5; index++) ended("unreachable")(plan);
    expect(ended("gone")(plan).waitMs).toBe(2500);
    expect(ended("gone")(plan).waitMs).toBe(5000);
  });

  test("a balancer that cuts every minute is no failure that grows", () => {
    const plan = follow();
    const waits = Array.from({ length: 3 }, () => plan.watchEnded(failure("broken"), 60_000, 300_000).waitMs);
    expect(waits).toEqual([2500, 2500, 2500]);
  });

  test("once the newest was listed, lists come from the cache again", () => {
    const plan = follow();
    expect(plan.listFailed(failure("gone")).resourceVersion).toBe("");
    plan.listed("3");
    expect(ended("gone")(plan).resourceVersion).toBe("3");
  });
});

test("a cache forgets what its time is over for, and what was not asked for longest", () => {
  const cache = createObjectCache<number>(2);
  const found = (value: number) => ({ is: "found", value }) as const;
  cache.put("a", found(1), 10, 0);
  cache.put("b", found(2), 100, 0);
  expect(cache.get("a", 9)).toEqual(found(1));
  cache.put("c", found(3), 100, 9);
  expect([cache.get("a", 9), cache.get("b", 9), cache.size]).toEqual([found(1), undefined, 2]);
  expect(cache.get("a", 10)).toBeUndefined();
  expect(cache.size).toBe(1);
});

test("a budget: some at once, then so many a second, never saved up beyond", () => {
  const budget = createBudget({ burst: 3, perSecond: 2 });
  const take = (nowMs: number) => budget.take(nowMs);
  expect([0, 0, 0, 0, 499, 500, 500, 1000].map(take)).toEqual([true, true, true, false, false, true, false, true]);
  expect([1e6, 1e6, 1e6, 1e6].map(take)).toEqual([true, true, true, false]);
});

describe("objects", () => {
  const opened: { close(): unknown }[] = [];
  let nowMs = 0;
  let troubles: [string, Readonly<Record<string, string | number>>][] = [];
  const PATH = "/apis/apps/v1/namespaces/shop/replicasets/";

  afterEach(async () => {
    for (const one of opened.splice(0).reverse()) await one.close();
  });

  async function serve(
    options: Partial<Parameters<typeof openObjects<string>>[0]> = {},
  ): Promise<[KubeApi, Objects<string>]> {
    const server = await openKubeApi();
    const api = openApi({ credentials: plainCredentials(server.url), userAgent: "x" });
    opened.push(server, api);
    nowMs = 0;
    troubles = [];
    const objects = openObjects<string>({
      api,
      read: (json) => (json as { metadata?: { name?: string } }).metadata?.name,
      onTrouble: (...trouble) => troubles.push(trouble),
      now: () => nowMs,
      ...options,
    });
    return [server, objects];
  }

  test("are asked for once, whoever asks at the same time or later", async () => {
    const [server, objects] = await serve();
    server.objects.set(`${PATH}web`, { metadata: { name: "web" } });
    const get = () => objects.get(CALLS.replicaSet, "web", "shop");
    expect(objects.ask(CALLS.replicaSet, "web", "shop")).toBeUndefined();
    const found = { is: "found", value: "web" };
    expect(await Promise.all([get(), get(), get()])).toEqual([found, found, found]);
    expect(await get()).toEqual(found);
    expect(objects.ask(CALLS.replicaSet, "web", "shop")).toEqual(found);
    expect(server.requests).toHaveLength(1);
    nowMs = 600_000;
    await get();
    expect(server.requests).toHaveLength(2);
  });

  test.each<[string, Parameters<KubeApi["failNext"]>[1] | undefined, object, number, string | undefined]>([
    ["missing", undefined, { is: "missing" }, 120_000, undefined],
    ["forbidden", { status: 403 }, { is: "unknown", why: "HTTP 403" }, 600_000, "kubernetes_refused"],
    ["failing", { status: 500 }, { is: "unknown", why: "HTTP 500" }, 10_000, "kubernetes_object_failed"],
    [
      "throttled",
      { status: 429, headers: { "retry-after": "60" } },
      { is: "unknown", why: "HTTP 429" },
      60_000,
      "kubernetes_object_failed",
    ],
    [
      "no answer",
      { hang: true },
      { is: "unknown", why: "no answer within 200 ms" },
      10_000,
      "kubernetes_object_failed",
    ],
    [
      "no such object",
      { body: "{}" },
      { is: "unknown", why: "an answer that is no such object" },
      10_000,
      "kubernetes_object_failed",
    ],
  ])("%s: remembered for a while", async (_, wrong, expected, forMs, trouble) => {
    const [server, objects] = await serve({ timeoutMs: timeoutFor(wrong) });
    if (wrong !== undefined) server.failNext("get", wrong);
    const get = () => objects.get(CALLS.replicaSet, "web", "shop");
    expect(await get()).toEqual(expected);
    nowMs = forMs - 1;
    expect(await get()).toEqual(expected);
    expect(server.requests).toHaveLength(1);
    server.objects.set(`${PATH}web`, { metadata: { name: "web" } });
    nowMs = forMs;
    expect(await get()).toEqual({ is: "found", value: "web" });
    const detail = { reason: expect.any(String), needs: "get replicasets.apps" };
    expect(troubles).toEqual(trouble === undefined ? [] : [[trouble, detail]]);
  });

  test("one that is forbidden is for all of its kind in its namespace, and for no other", async () => {
    const [server, objects] = await serve();
    server.failNext("get", { status: 403 });
    await objects.get(CALLS.replicaSet, "a", "shop");
    expect(objects.ask(CALLS.replicaSet, "b", "shop")).toEqual({ is: "unknown", why: "HTTP 403" });
    await objects.get(CALLS.replicaSet, "b", "shop");
    expect(server.requests).toHaveLength(1);
    expect(await objects.get(CALLS.job, "b", "shop")).toEqual({ is: "missing" });
    expect(await objects.get(CALLS.replicaSet, "b", "other")).toEqual({ is: "missing" });
    nowMs = 600_000;
    expect(await objects.get(CALLS.replicaSet, "b", "shop")).toEqual({ is: "missing" });
  });

  test("trouble with one kind of them is said once, until it is over", async () => {
    const [server, objects] = await serve();
    server.failNext("get", { status: 500 }, { status: 500 });
    await objects.get(CALLS.replicaSet, "a", "shop");
    await objects.get(CALLS.replicaSet, "b", "shop");
    expect(troubles).toHaveLength(1);
    await objects.get(CALLS.replicaSet, "c", "shop");
    server.failNext("get", { status: 500 });
    await objects.get(CALLS.replicaSet, "d", "shop");
    expect(troubles).toHaveLength(2);
    expect(objects.counts).toMatchObject({ asked: 4, failures: 3 });
  });

  test("beyond the budget nothing is asked for, and nothing remembered", async () => {
    const [server, objects] = await serve({ budget: { burst: 2, perSecond: 1 } });
    const answers = await Promise.all(["a", "b", "c"].map((name) => objects.get(CALLS.replicaSet, name, "shop")));
    expect(answers.map(({ is }) => is)).toEqual(["missing", "missing", "unknown"]);
    nowMs = 1000;
    expect(await objects.get(CALLS.replicaSet, "c", "shop")).toEqual({ is: "missing" });
    expect(server.requests).toHaveLength(3);
    expect(objects.counts).toEqual({ asked: 3, cached: 0, refusedByBudget: 1, failures: 0 });
  });
});
