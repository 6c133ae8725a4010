/** What `oomscribe doctor` says of the Kubernetes API, of its rights one by one, and of the kubelet. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { readConfig } from "../../src/config/read.ts";
import type { Finding } from "../../src/doctor/check.ts";
import { checkKubernetes } from "../../src/doctor/checks/kubernetes.ts";
import { type KubeApi, openKubeApi, type RequestKind, type TestPod, toKubeconfig } from "../kube-api.ts";
import { plainPod } from "../pods.ts";

const closes: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closes.splice(0)) await close();
});

function check(settings: Record<string, string>, env: Record<string, string> = {}): Promise<Finding> {
  const flags = new Map(Object.entries(settings).map(([name, value]) => [name, [value]]));
  const config = readConfig({ flags, env: {} });
  return checkKubernetes({ config, version: "1.2.3" }, { env, timeoutMs: 20_000 });
}

async function openServer(pods = 1): Promise<KubeApi> {
  const server = await openKubeApi();
  closes.push(server.close);
  for (let i = 0; i < pods; i++) server.set(plainPod({ name: `web-${i}`, uid: String(i) }) as TestPod);
  return server;
}

function settingsFor(server: Pick<KubeApi, "url">): Record<string, string> {
  const folder = mkdtempSync(join(tmpdir(), "oomscribe-doctor-"));
  closes.push(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "kubeconfig");
  writeFileSync(file, toKubeconfig(server));
  return { kubeconfig: file, "node-name": "node1" };
}

test("pods are told, and every right is there", async () => {
  const server = await openServer(2);
  expect(await check(settingsFor(server))).toMatchObject({
    status: "ok",
    says: "the API server tells of 2 pods on node1",
    detail: { pods: 2, missing: [] },
  });
  expect(server.requests.map(({ kind }) => kind).toSorted()).toEqual([
    "get",
    "get",
    "get",
    "get",
    "get",
    "list",
    "watch",
  ]);
  await expect.poll(() => server.watches).toBe(0);
});

test.each<[RequestKind, number, string[]]>([
  ["watch", 1, ["watch pods"]],
  [
    "get",
    5,
    ["get nodes", "get replicasets.apps", "get jobs.batch", "list horizontalpodautoscalers.autoscaling", "list events"],
  ],
])("rights that are missing are named: %s", async (kind, times, missing) => {
  const server = await openServer();
  server.failNext(kind, ...Array.from({ length: times }, () => ({ status: 403 })));
  const found = await check(settingsFor(server));
  expect(found).toMatchObject({ status: "warning", detail: { missing } });
  for (const right of missing) expect(found.advice).toContain(right);
});

test("pods may not be listed: failed, with the right", async () => {
  const server = await openServer();
  server.failNext("list", { status: 403 });
  expect(await check(settingsFor(server))).toMatchObject({
    status: "failed",
    advice: expect.stringContaining("list and watch pods"),
    detail: { kind: "forbidden" },
  });
});

test("nobody answers: failed, and no right is blamed", async () => {
  const server = await openServer();
  await server.close();
  const found = await check(settingsFor(server));
  expect(found).toMatchObject({ status: "failed", detail: { kind: "unreachable" } });
  expect(found.advice).not.toContain("grant");
});

test("no pod on this node: its name is doubted", async () => {
  expect(await check(settingsFor(await openServer(0)))).toMatchObject({
    status: "warning",
    advice: expect.stringContaining("kubectl get nodes"),
  });
});

test("the kubelet", async () => {
  const server = await openServer(3);
  expect(await check({}, {})).toMatchObject({ status: "skipped" });
  const kubelet = (address: string) =>
    checkKubernetes(
      { config: readConfig({ flags: new Map(), env: { OOMSCRIBE_KUBELET: address } }), version: "1" },
      { env: {}, timeoutMs: 20_000 },
    );
  expect(await kubelet(server.url)).toMatchObject({ status: "ok", says: "the kubelet tells of 3 pods" });
  await server.close();
  expect(await kubelet(server.url)).toMatchObject({ status: "failed", says: expect.stringContaining("kubelet") });
});

test.each([
  ["no configuration", undefined, "skipped", "no configuration"],
  ["no pod", {}, "skipped", "this is no pod"],
  ["a pod without the node's name", { KUBERNETES_SERVICE_HOST: "::1" }, "failed", "name is not set"],
])("%s", async (_, env, status, says) => {
  const found =
    env === undefined
      ? await checkKubernetes({ config: undefined, version: "1" }, { env: {}, timeoutMs: 1 })
      : await check({}, env);
  expect(found).toMatchObject({ status, says: expect.stringContaining(says) });
});
