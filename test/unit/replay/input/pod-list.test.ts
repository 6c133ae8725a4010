/** `--k8s`: pods and containers of a kill named from a real cluster's `kubectl get pods -A -o json`. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parsePodList } from "../../../../src/replay/input/pod-list.ts";
import { capture, runCli } from "../../../cli-process.ts";

const sample = (name: string) => fileURLToPath(new URL(`../../../kubernetes/${name}-pods.json`, import.meta.url));
/** Of the Deployment checkout: the container that was killed, as the last state of api has it. */
const KILLED = "55664ddec52901006d506c299250d2fa5899453c2526265fd100b6621e9357c9";
const POD_UID = "cb5f2e5c-bcb0-42df-92bc-28e301331a12";
const STATIC_HASH = "d8c9b774b8740642565fea02f8465ca2";
const STATIC_KILLED = "790a5757f46608cfcebe93e05fde90ac3fb3aecc79f04c9ad9a8205e6fa1326a";

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "oomscribe-k8s-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A real report, with another pod's and container's IDs in its paths. */
function logOf(podUid: string, containerId: string): string {
  const path = join(folder, `${containerId.slice(0, 8)}.kmsg`);
  const text = readFileSync(capture("v1-6.18/01-container-limit.kmsg"), "latin1")
    .replaceAll("8f7d2a4e-1c3b-4d5e-9f60-7a8b9c0d1e2f", podUid)
    .replaceAll("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaadeadbeef", containerId);
  writeFileSync(path, text, "latin1");
  return path;
}

async function killOf(pods: string, log: string) {
  const { stdout, stderr, status } = await runCli(["replay", "--output", "ndjson", "--k8s", pods, log]);
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
}

test("a container that has been restarted since: its pod, its Deployment, its image, the count before", async () => {
  const { resource, body } = await killOf(sample("deployment"), logOf(POD_UID, KILLED));
  expect(resource).toMatchObject({
    "container.id": KILLED,
    "k8s.pod.uid": POD_UID,
    "k8s.namespace.name": "shop",
    "k8s.pod.name": "checkout-54b94897df-9s5wg",
    "k8s.container.name": "api",
    "k8s.container.restart_count": 0,
    "k8s.deployment.name": "checkout",
    "k8s.node.name": "node1",
    "k8s.replicaset.name": "checkout-54b94897df",
    "container.image.name": "localhost/busybox",
    "container.image.tags": ["local"],
    "service.name": "checkout",
    "service.namespace": "shop",
    "service.instance.id": "shop.checkout-54b94897df-9s5wg.api",
  });
  expect(body).toContain("java (pid 13233) in container api of pod shop/checkout-54b94897df-9s5wg was OOM-killed");
});

test("a static pod: found by its config hash, which its path has for a UID; told by the API's", async () => {
  const { resource, attributes } = await killOf(sample("static"), logOf(STATIC_HASH, STATIC_KILLED));
  expect(attributes).toMatchObject({ "oom.pod.static": true, "oom.pod.config_hash": STATIC_HASH });
  expect(resource).toMatchObject({
    "k8s.pod.uid": "b5d4e794-44ce-454b-92bd-87588baeddd4",
    "k8s.namespace.name": "kube-system",
    "k8s.pod.name": "static-oom-node1",
    "k8s.container.name": "st",
  });
});

test("a container that the list does not have: its pod alone is named", async () => {
  const { resource } = await killOf(sample("deployment"), logOf(POD_UID, "b".repeat(64)));
  expect(resource["k8s.pod.name"]).toBe("checkout-54b94897df-9s5wg");
  expect(resource["k8s.container.name"]).toBeUndefined();
});

test("a pod that the list does not have: as without it", async () => {
  const log = capture("v1-6.18/01-container-limit.kmsg");
  const { stdout } = await runCli(["replay", "--output", "ndjson", log]);
  const named = await runCli(["replay", "--output", "ndjson", "--k8s", sample("deployment"), log]);
  expect(named.stdout).toBe(stdout);
});

test("the table and its filter and groups know the names", { timeout: 30_000 }, async () => {
  const args = ["replay", "--k8s", sample("deployment"), logOf(POD_UID, KILLED)];
  expect((await runCli(args)).stdout).toMatch(/java +13233 +…?\S*checkout-54b94897df-9s5wg\/api/);
  expect((await runCli([...args, "--filter", "namespace=shop pod~checkout container=api"])).stdout).toContain("1 kill");
  expect((await runCli([...args, "--filter", "namespace=other"])).stdout).toContain("No OOM kill");
  expect((await runCli([...args, "--group-by", "pod"])).stdout).toContain("shop/checkout-54b94897df-9s5wg");
});

test.each([
  ["missing", "/nonexistent/pods.json"],
  ["no JSON", capture("v1-6.18/01-container-limit.kmsg")],
])("%s: what makes the list, status 2", async (_, path) => {
  const { stdout, stderr, status } = await runCli([
    "replay",
    "--k8s",
    path,
    capture("v1-6.18/01-container-limit.kmsg"),
  ]);
  expect(stderr).toMatch(/--k8s .*: .*; kubectl get pods -A -o json > pods\.json makes it/);
  expect({ stdout, status }).toEqual({ stdout: "", status: 2 });
});

test.each([
  ["[]"],
  ["null"],
  [
    '{"items":[null,1,{},{"metadata":{"name":"a"}},{"metadata":{"name":"a","namespace":"b"},"status":{"containerStatuses":[null,{"name":"c","lastState":{"terminated":null}}]}}]}',
  ],
])("%s breaks nothing", (json) => {
  expect(() => parsePodList(json)).not.toThrow();
});
