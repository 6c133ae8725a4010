/** The node over real connections: read at the start, again and again, and soon after a hint; whatever is answered. */
import { afterEach, expect, test } from "vitest";
import { openApi } from "../../src/identify/api/api.ts";
import { type FollowedNode, type FollowNodeTimes, followNode } from "../../src/identify/api/follow-node.ts";
import { type NodeFacts, readNode } from "../../src/identify/node.ts";
import { plainCredentials, until } from "../followed.ts";
import { type KubeApi, openKubeApi, timeoutFor, type WrongAnswer } from "../kube-api.ts";

const PATH = "/api/v1/nodes/node-1";
const NEVER = 3_600_000;
const QUICK = { firstMs: 5, maxMs: 10, blockedMs: 5 };

let server: KubeApi;
let seen: NodeFacts[];
let troubles: unknown[];
const closes: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closes.splice(0)) await close();
});

function setNode(status: "True" | "False"): void {
  const conditions = [{ type: "MemoryPressure", status, lastTransitionTime: "2026-11-24T10:00:00Z" }];
  server.objects.set(PATH, { kind: "Node", metadata: { name: "node-1", uid: "n1" }, status: { conditions } });
}

async function follow(times: Partial<FollowNodeTimes>, ...wrong: WrongAnswer[]): Promise<FollowedNode<NodeFacts>> {
  server = await openKubeApi();
  setNode("False");
  server.failNext("get", ...wrong);
  const api = openApi({ credentials: plainCredentials(server.url), userAgent: "oomscribe/test" });
  seen = [];
  troubles = [];
  const followed = followNode({
    api,
    nodeName: "node-1",
    read: readNode,
    isTroubled: ({ memoryPressure }) => memoryPressure?.isTrue === true,
    onNode: (node) => void seen.push(node),
    onTrouble: (...trouble) => troubles.push(trouble),
    times: { calmMs: NEVER, troubledMs: NEVER, hintMs: 0, backoff: QUICK, ...times },
  });
  closes.push(followed.close, api.close, server.close);
  return followed;
}

test("it is read once at the start, from the API server's cache, and known from then on", async () => {
  const followed = await follow({});
  expect(followed.node()).toBeUndefined();
  await until(() => seen.length === 1);
  expect(followed.node()).toMatchObject({ uid: "n1", memoryPressure: { isTrue: false } });
  expect(server.requests).toMatchObject([{ kind: "get", path: PATH, query: { resourceVersion: "0" } }]);
});

test("it is read again after a while, and sooner while it is in trouble", async () => {
  await follow({ calmMs: 4 });
  await until(() => seen.length >= 3);
  await follow({ troubledMs: 4 });
  setNode("True");
  await until(() => seen.length >= 3);
});

test("after a hint it is read soon, and once however many there are", async () => {
  const followed = await follow({ hintMs: 30 });
  await until(() => seen.length === 1);
  setNode("True");
  for (let i = 0; i < 100; i++) followed.hint();
  await until(() => seen.length === 2);
  expect(followed.node()?.memoryPressure?.isTrue).toBe(true);
  expect(server.requests).toHaveLength(2);
});

test("a hint that comes while it is being asked for is for the next time", async () => {
  const followed = await follow({});
  followed.hint();
  await until(() => seen.length === 2);
});

test.each<[string, WrongAnswer, string]>([
  ["forbidden", { status: 403 }, "kubernetes_refused"],
  ["not there", { status: 404 }, "kubernetes_object_failed"],
  ["failing", { status: 500 }, "kubernetes_object_failed"],
  ["no node", { body: "{}" }, "kubernetes_object_failed"],
  ["null", { body: "null" }, "kubernetes_object_failed"],
  ["cut", { body: '{"kind":', cutBody: true }, "kubernetes_object_failed"],
  ["no answer", { hang: true }, "kubernetes_object_failed"],
])("%s: said once, and asked for again", async (_, wrong, name) => {
  await follow({ timeoutMs: timeoutFor(wrong) }, wrong, wrong);
  await until(() => seen.length === 1);
  expect(server.requests).toHaveLength(3);
  expect(troubles).toEqual([[name, { reason: expect.any(String), needs: "get nodes" }]]);
});

test("hints do not make one that fails ask more often", async () => {
  const followed = await follow({ backoff: { firstMs: NEVER, maxMs: NEVER, blockedMs: NEVER } }, { status: 403 });
  await until(() => troubles.length === 1);
  for (let i = 0; i < 10; i++) {
    followed.hint();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  expect(server.requests).toHaveLength(1);
});

test("what was read long ago is not known any more", async () => {
  const followed = await follow({ staleMs: 0 });
  await until(() => seen.length === 1);
  expect(followed.node()).toBeUndefined();
});
