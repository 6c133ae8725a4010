/** What names kills on a node, opened as the agent opens it: which source is asked, and what is said of it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { parseCgroupPath } from "../../../parsers/cgroup/path.ts";
import { type NodeNames, openNames } from "../../../src/agent/open-enricher.ts";
import { checkSettings, type Settings } from "../../../src/config/schema.ts";
import type { PressureSeen } from "../../../src/identify/context/memory-pressure.ts";
import type { EventDetail, EventName } from "../../../src/telemetry/events.ts";
import { type KubeApi, openKubeApi, type TestPod, toKubeconfig } from "../../kube-api.ts";
import { containerId, plainPod } from "../../pods.ts";

const UID = "2c48913c-b29f-11e7-9350-020968147796";
const APP = containerId("a1");
const IDENTITY = parseCgroupPath(`/kubepods/burstable/pod${UID}/${APP}`);
const POD = plainPod({ uid: UID, containers: [{ id: `containerd://${APP}` }] }) as TestPod;

const closes: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closes.splice(0)) await close();
});

interface Opened {
  names: NodeNames;
  events: { name: EventName; detail: EventDetail | undefined }[];
}

function open(raw: Record<string, unknown>, env: Record<string, string> = {}, pressure?: PressureSeen): Opened {
  const checked = checkSettings({ "host-root": emptyFolder(), ...raw }) as { settings: Settings };
  const events: Opened["events"] = [];
  const names = openNames({
    config: { settings: checked.settings },
    env,
    version: "1.2.3",
    pressure,
    events: { report: (name, detail) => void events.push({ name, detail }), counts: () => ({}) },
  });
  closes.push(names.close);
  return { names, events };
}

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "oomscribe-names-"));
  closes.push(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function openServer(): Promise<KubeApi> {
  const server = await openKubeApi();
  closes.push(server.close);
  server.set(POD);
  server.objects.set("/api/v1/nodes/node1", { kind: "Node", metadata: { name: "node1" } });
  return server;
}

function kubeconfigFor(server: KubeApi): string {
  const file = join(emptyFolder(), "kubeconfig");
  writeFileSync(file, toKubeconfig(server));
  return file;
}

test("a kubeconfig: the node's pods are followed and name its containers", async () => {
  const server = await openServer();
  const { names, events } = open({ kubeconfig: kubeconfigFor(server), "node-name": "node1" });
  expect(names.status()).toEqual({ from: "api", isSynced: false, pods: 0 });
  await expect.poll(() => names.status()).toEqual({ from: "api", isSynced: true, pods: 1 });
  expect(names.identify(IDENTITY)).toMatchObject({ sources: ["kubernetes_api"], pod: "web-0", container: "app" });
  expect(events.map(({ name }) => name)).toEqual(["kubernetes_synced"]);
  const list = server.requests.find(({ kind }) => kind === "list");
  expect(list?.query["fieldSelector"]).toBe("spec.nodeName=node1");
  expect(list?.headers["user-agent"]).toBe("oomscribe/1.2.3");
  server.delete(UID);
  await expect.poll(() => names.status().pods).toBe(0);
  expect(names.identify(IDENTITY)?.podFacts?.isGone).toBe(true);
});

const NODE = "/api/v1/nodes/node1";

function toNode(status: "True" | "False", lastTransitionTime: string): object {
  const conditions = [{ type: "MemoryPressure", status, lastTransitionTime }];
  return { kind: "Node", metadata: { name: "node1", uid: "n1" }, status: { conditions } };
}

test("the node is read, and its MemoryPressure told; not again to who has been told", async () => {
  const server = await openServer();
  server.objects.set(NODE, toNode("True", "2026-11-24T10:00:00Z"));
  const settings = { kubeconfig: kubeconfigFor(server), "node-name": "node1" };
  const { names } = open(settings);
  await expect.poll(() => names.status().memoryPressure).toEqual({ node: "node1", isTrue: true });
  const sinceMs = Date.parse("2026-11-24T10:00:00Z");
  const told = { node: { uid: "n1" }, pressure: { isTrue: true, sinceMs } };
  expect(names.tick(0).pressure).toMatchObject([told]);
  expect(names.tick(0).pressure).toEqual([]);
  const around = (atWallMs: number) => names.around({ who: undefined, identity: undefined, atMs: 0, atWallMs });
  expect(around(sinceMs).node).toMatchObject({ conditions: ["MemoryPressure"], memoryPressure: { isTrue: true } });
  expect(around(sinceMs - 1).node).toEqual({ uid: "n1", conditions: [] });
  const next = open(settings, {}, names.pressure).names;
  await expect.poll(() => next.status().memoryPressure).toBeDefined();
  expect(next.tick(0).pressure).toEqual([]);
});

test("without the right to read the node everything else is known, and the right is named", async () => {
  const server = await openServer();
  server.failNext("get", { status: 403 });
  const { names, events } = open({ kubeconfig: kubeconfigFor(server), "node-name": "node1" });
  await expect.poll(() => names.status()).toEqual({ from: "api", isSynced: true, pods: 1 });
  await expect
    .poll(() => events.map(({ name, detail }) => [name, detail?.["needs"]]))
    .toContainEqual(["kubernetes_refused", "get nodes"]);
  const around = names.around({ who: undefined, identity: undefined, atMs: 0, atWallMs: 0 });
  expect(around).toEqual({ missing: ["node"] });
});

test("what scales an owner is known for the next kill, and a pod's events for the follow-up", async () => {
  const server = await openServer();
  const ownerReferences = [{ controller: true, kind: "StatefulSet", name: "web" }];
  server.set(
    plainPod({ uid: UID, containers: [{ id: `containerd://${APP}` }], metadata: { ownerReferences } }) as TestPod,
  );
  const spec = { scaleTargetRef: { kind: "StatefulSet", name: "web" }, maxReplicas: 3 };
  server.objects.set("/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers", {
    items: [{ metadata: { name: "web" }, spec, status: { currentReplicas: 3 } }],
  });
  server.objects.set("/api/v1/namespaces/shop/events", { items: [{ reason: "BackOff", type: "Warning" }] });
  const { names, events } = open({ kubeconfig: kubeconfigFor(server), "node-name": "node1" });
  await expect.poll(() => names.status().isSynced).toBe(true);
  const who = names.identify(IDENTITY);
  const around = () => names.around({ who, identity: IDENTITY, atMs: 0, atWallMs: Date.now() });
  expect(around().missing).toContain("autoscaler");
  await expect.poll(around).toMatchObject({ autoscaler: { name: "web", isAtMaximum: true }, missing: [] });
  const kill = { counter: "/a", value: 1, afterMs: 0, untilMs: 0, evidence: [], attribution: "exact" } as const;
  names.told({ kill: { ...kill, evidence: ["counter"], identity: IDENTITY }, uid: "u", who, atWallMs: 0 }, 0);
  const told = names.tick(30_000).followUps;
  await expect
    .poll(() => [...told, ...names.tick(30_000).followUps])
    .toMatchObject([{ events: ["Warning BackOff"], around: { autoscaler: { name: "web" }, missing: [] } }]);
  expect(events.map(({ name }) => name)).toEqual(["kubernetes_synced"]);
});

test("the kubelet instead of the API server", async () => {
  const server = await openServer();
  const { names } = open({ kubelet: server.url });
  await expect.poll(() => names.status()).toEqual({ from: "kubelet", isSynced: true, pods: 1 });
  expect(names.identify(IDENTITY)).toMatchObject({ sources: ["kubelet"], container: "app" });
});

test("an item that is no pod is said, and the others are known", async () => {
  const server = await openServer();
  server.failNext("list", {
    status: 200,
    body: JSON.stringify({ kind: "PodList", metadata: { resourceVersion: "1000" }, items: [POD, { metadata: 5 }] }),
  });
  const { names, events } = open({ kubeconfig: kubeconfigFor(server), "node-name": "node1" });
  await expect.poll(() => names.status().pods).toBe(1);
  expect(events).toContainEqual({
    name: "kubernetes_answer_unreadable",
    detail: expect.objectContaining({ unreadable: 1 }),
  });
});

test.each([
  ["turned off", { kubernetes: "off", kubeconfig: "/x" }, {}, "kubernetes_not_asked", "it is turned off"],
  ["no pod and no kubeconfig", {}, {}, "kubernetes_not_asked", "this is no pod"],
  ["a pod without the node's name", {}, { KUBERNETES_SERVICE_HOST: "::1" }, "kubernetes_node_name_missing", undefined],
])("%s: nobody is asked, which is said", (_, settings, env, event, reason) => {
  const { names, events } = open(settings, env as Record<string, string>);
  expect(names.status()).toEqual({ from: "none", isSynced: false, pods: 0 });
  expect(events[0]?.name).toBe(event);
  if (reason !== undefined) expect(events[0]?.detail?.["reason"]).toContain(reason);
  expect(names.identify(IDENTITY)).toBeUndefined();
  // Nobody was asked, so nothing is missing.
  expect(names.around({ who: undefined, identity: undefined, atMs: 0, atWallMs: 0 })).toEqual({ missing: [] });
});

test("a container's files are read when its cgroup is found", () => {
  const root = emptyFolder();
  const bundle = join(root, "run/containerd/io.containerd.runtime.v2.task/k8s.io", APP);
  mkdirSync(bundle, { recursive: true });
  const annotations = {
    "io.kubernetes.cri.container-type": "container",
    "io.kubernetes.cri.container-name": "app",
    "io.kubernetes.cri.sandbox-name": "web-0",
    "io.kubernetes.cri.sandbox-namespace": "shop",
    "io.kubernetes.cri.sandbox-uid": UID,
  };
  writeFileSync(join(bundle, "config.json"), JSON.stringify({ ociVersion: "1.1.0", annotations }));
  const { names } = open({ "host-root": root, kubernetes: "off" });
  const reading = { cgroup: `/kubepods/burstable/pod${UID}/${APP}`, atMs: 0, fromZero: true } as const;
  names.counter({ ...reading, why: "found", local: { oomKill: 0 } } as never);
  rmSync(bundle, { recursive: true });
  expect(names.identify(IDENTITY)).toMatchObject({ sources: ["containerd"], pod: "web-0", container: "app" });
});
