/** Real kills in cgroups of pods that an API server tells of: names, what Kubernetes makes of them, and what it claims. */
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type KubeApi, openKubeApi, type TestPod, toKubeconfig } from "../kube-api.ts";
import { type OtlpReceiver, openOtlpReceiver, type ReceivedRecord } from "../otlp-receiver.ts";
import { ended, plainPod } from "../pods.ts";
import { type AgentProcess, startAgent } from "./agent-process.ts";
import { openTestCgroups, type TestCgroup, type TestCgroups, whyNoKills } from "./cgroup-v1.ts";
import { waitForReportBudget } from "./kernel-log.ts";
import { killOne, startVictim } from "./kills.ts";

const MIB = 1024 * 1024;
const UID = "2c48913c-b29f-11e7-9350-020968147796";
const REPLICA_SET = "checkout-54b94897df";
const [APP, APP_AGAIN, WORKER, SIBLING, NAMELESS, ON_DISK] = ["a1", "a2", "b1", "c1", "d1", "e1"].map((start) =>
  start.repeat(32),
) as [string, string, string, string, string, string];

const reason = whyNoKills();
if (reason !== undefined) process.stderr.write(`test/kernel/identity.test.ts is skipped: ${reason}\n`);

let cgroups: TestCgroups;
let api: KubeApi;
let receiver: OtlpReceiver;
let agent: AgentProcess;
let folder: string;
let podCgroup: TestCgroup;
const containers = new Map<string, TestCgroup>();

beforeEach(({ skip }) => skip(reason !== undefined, reason));

/** The pod as the API shows it, after what happened to its containers. */
function podWith(statuses: Record<string, object> = {}): TestPod {
  const container = (name: string, id: string, limit: string) => ({
    name,
    id: `containerd://${id}`,
    limit,
    ...statuses[name],
  });
  return plainPod({
    name: `${REPLICA_SET}-9s5wg`,
    uid: UID,
    metadata: {
      labels: { "pod-template-hash": "54b94897df" },
      ownerReferences: [{ controller: true, kind: "ReplicaSet", name: REPLICA_SET, uid: "rs" }],
    },
    containers: [
      container("app", APP, "32Mi"),
      container("worker", WORKER, "32Mi"),
      container("sibling", SIBLING, "32Mi"),
    ],
    status: { qosClass: "Burstable" },
  }) as TestPod;
}

beforeAll(async () => {
  if (reason !== undefined) return;
  cgroups = openTestCgroups();
  folder = mkdtempSync(join(tmpdir(), "oomscribe-identity-"));
  api = await openKubeApi();
  api.set(podWith());
  const meta = { name: REPLICA_SET, namespace: "shop", uid: "rs", creationTimestamp: "2026-01-01T00:00:00Z" };
  const ownerReferences = [{ controller: true, kind: "Deployment", name: "checkout" }];
  api.objects.set(`/apis/apps/v1/namespaces/shop/replicasets/${REPLICA_SET}`, {
    kind: "ReplicaSet",
    metadata: { ...meta, ownerReferences },
  });
  const conditions = [{ type: "MemoryPressure", status: "True", lastTransitionTime: "2026-01-01T00:00:00Z" }];
  const memory = { memory: "1Gi" };
  api.objects.set("/api/v1/nodes/node1", {
    kind: "Node",
    metadata: { name: "node1" },
    status: { capacity: memory, conditions },
  });
  const kubeconfig = join(folder, "kubeconfig");
  writeFileSync(kubeconfig, toKubeconfig(api));
  podCgroup = cgroups.root.child("kubepods").child("burstable").child(`pod${UID}`);
  for (const id of [APP, WORKER, SIBLING]) containers.set(id, podCgroup.child(id, 32 * MIB));
  receiver = await openOtlpReceiver();
  agent = startAgent(["--since", "now", "--kubeconfig", kubeconfig], {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    K8S_NODE_NAME: "node1",
  });
  await agent.logged("agent_started");
  await agent.logged("kubernetes_synced");
});

afterAll(async () => {
  agent?.child.kill("SIGKILL");
  await receiver?.close();
  await api?.close();
  await cgroups?.remove();
  if (folder !== undefined) rmSync(folder, { recursive: true });
});

async function recordWhere(wanted: (record: ReceivedRecord) => boolean, timeout = 10_000): Promise<ReceivedRecord> {
  const found = (): ReceivedRecord[] => receiver.records().filter(wanted);
  await expect.poll(() => found().length, { timeout }).toBe(1);
  return found()[0] as ReceivedRecord;
}

const killOf = (pid: number) => recordWhere(({ attributes }) => attributes["process.pid"] === pid);
const of =
  (eventName: string, id: string) =>
  ({ attributes, resource }: ReceivedRecord): boolean =>
    attributes["event.name"] === eventName && resource["container.id"] === id;

test("a container that is restarted, one that runs on, one that is falsely called OOMKilled", async () => {
  await waitForReportBudget(2);
  const app = await killOne(containers.get(APP) as TestCgroup, { comm: "java" });
  const finishedAt = new Date().toISOString();
  api.set(
    podWith({
      app: { id: `containerd://${APP_AGAIN}`, restarts: 1, lastState: ended(APP, "OOMKilled", 137, finishedAt) },
      sibling: { restarts: 1, state: ended(SIBLING, "OOMKilled", 137, finishedAt) },
    }),
  );
  const worker = await killOne(containers.get(WORKER) as TestCgroup, { comm: "child" });

  const killed = await killOf(app.pid);
  expect(killed.resource).toMatchObject({
    "container.id": APP,
    "k8s.namespace.name": "shop",
    "k8s.pod.name": `${REPLICA_SET}-9s5wg`,
    "k8s.pod.uid": UID,
    "k8s.container.name": "app",
    "k8s.deployment.name": "checkout",
    "k8s.replicaset.name": REPLICA_SET,
    "k8s.node.name": "node1",
    "container.image.name": "registry.example/shop/web",
    "container.image.tags": ["1.4"],
    "service.name": "checkout",
  });
  expect(killed.attributes).toMatchObject({
    "oom.scope": "container",
    "oom.identity.sources": ["kubernetes_api"],
    "oom.container.memory.limit": 32 * MIB,
    "oom.pod.qos": "Burstable",
  });
  expect(killed.body).toContain(
    `java (pid ${app.pid}) in container app of pod shop/${REPLICA_SET}-9s5wg was OOM-killed`,
  );

  const followUp = await recordWhere(of("oom.follow_up", APP));
  expect(followUp.attributes).toMatchObject({
    "oom.kill.uids": [killed.attributes["log.record.uid"]],
    "oom.follow_up.outcome": "oom_killed",
    "oom.follow_up.next": "restarted",
    "oom.kubernetes.visible": true,
    "process.exit.code": 137,
    // By then the API had told of the ReplicaSet.
    "oom.owner.evidence": "api",
    "oom.rollout.age": expect.any(Number),
  });

  const claimed = await recordWhere(of("k8s.container.false_oom_killed", SIBLING), 30_000);
  expect(claimed.resource).toMatchObject({ "k8s.container.name": "sibling", "k8s.deployment.name": "checkout" });
  expect(claimed.body).toContain("the kernel killed no process in it");

  const hidden = await recordWhere(of("oom.follow_up", WORKER), 40_000);
  expect(hidden.attributes).toMatchObject({
    "oom.follow_up.outcome": "none",
    "oom.kubernetes.visible": false,
    "oom.kill.uids": [(await killOf(worker.pid)).attributes["log.record.uid"]],
  });
  expect(receiver.records().filter(of("k8s.container.false_oom_killed", APP))).toEqual([]);
});

test("the next kill has the owner and the node as the API has them", async () => {
  await waitForReportBudget(1);
  const { pid } = await killOne(containers.get(WORKER) as TestCgroup, { comm: "child" });
  expect((await killOf(pid)).attributes).toMatchObject({
    "oom.owner.evidence": "api",
    "oom.rollout.age": expect.any(Number),
    "oom.kubernetes.node.capacity": 1024 * MIB,
    "oom.kubernetes.node.conditions": ["MemoryPressure"],
    "oom.kubernetes.node.memory_pressure": true,
    "oom.workload.kills": 2,
    "oom.rollout.kills": 2,
  });
  const askedFor = (resource: string) => api.requests.filter(({ path }) => path.includes(`/${resource}`)).length;
  expect([askedFor("replicasets"), askedFor("horizontalpodautoscalers")]).toEqual([1, 1]);
});

test("the node's MemoryPressure is told, since when it has it", async () => {
  const told = await recordWhere(({ attributes }) => attributes["event.name"] === "k8s.node.memory_pressure");
  expect(told.attributes).toMatchObject({
    "k8s.node.condition.type": "MemoryPressure",
    "k8s.node.condition.status": "true",
    "oom.kubernetes.node.capacity": 1024 * MIB,
  });
  expect(told.body).toBe("node node1 is under MemoryPressure");
});

test("a container that nothing names: the pod is, and what is missing is said", async () => {
  await waitForReportBudget(1);
  const { pid } = await killOne(podCgroup.child(NAMELESS, 32 * MIB));
  const { resource, attributes } = await killOf(pid);
  expect(resource).toMatchObject({ "k8s.pod.name": `${REPLICA_SET}-9s5wg`, "container.id": NAMELESS });
  expect(resource["k8s.container.name"]).toBeUndefined();
  expect(attributes["oom.identity.missing"]).toEqual(["container", "image", "limits"]);
});

test("a pod that is evicted is told, with the kubelet's words", async () => {
  const message = "The node was low on resource: memory.";
  const neighbour = { name: "neighbour", uid: "3d274242-8ee0-11e9-a8a6-1e68d864ef1a" };
  api.set(plainPod(neighbour) as TestPod);
  api.set(plainPod({ ...neighbour, status: { phase: "Failed", reason: "Evicted", message } }) as TestPod);
  const { attributes, resource } = await recordWhere(
    ({ attributes: { "event.name": name } }) => name === "k8s.pod.evicted",
  );
  expect(attributes["oom.eviction.message"]).toBe(message);
  expect(resource).toMatchObject({ "k8s.pod.name": "neighbour", "k8s.namespace.name": "shop" });
});

test("without the API the node's own files name it, though they are gone when it is told", async () => {
  await waitForReportBudget(1);
  const bundle = join(folder, "run/containerd/io.containerd.runtime.v2.task/k8s.io", ON_DISK);
  mkdirSync(bundle, { recursive: true });
  const annotations = {
    "io.kubernetes.cri.container-type": "container",
    "io.kubernetes.cri.container-name": "db",
    "io.kubernetes.cri.image-name": "registry.example/db:17",
    "io.kubernetes.cri.sandbox-name": "db-0",
    "io.kubernetes.cri.sandbox-namespace": "shop",
    "io.kubernetes.cri.sandbox-uid": UID,
  };
  writeFileSync(join(bundle, "config.json"), JSON.stringify({ ociVersion: "1.1.0", annotations }));
  // The /run of a mount namespace of its own: the machine's is left alone.
  const script = 'mount -t tmpfs none /run && cp -a "$0/run/." /run/ && exec "$@"';
  const other = startAgent(["--since", "now", "--stdout"], {}, ["unshare", "--mount", "bash", "-c", script, folder]);
  try {
    await other.logged("agent_started");
    expect((await other.logged("kubernetes_not_asked"))["reason"]).toContain("kubeconfig");
    const cgroup = podCgroup.child(ON_DISK, 32 * MIB);
    const victim = await startVictim(cgroup, { comm: "postgres" });
    // The names of a cgroup that is found are read before its counters are.
    await expect.poll(() => holdsFileIn(other.child.pid, cgroup.directory)).toBe(true);
    // As when the runtime has cleaned up before the kill is told.
    rmSync(`/proc/${other.child.pid}/root/run/containerd`, { recursive: true });
    await victim.kill();
    const told = () => other.printed.find((line) => line.includes(`"process.pid":${victim.pid},`));
    await expect.poll(told, { timeout: 10_000 }).toBeDefined();
    const { resource, attributes, body } = JSON.parse(told() ?? "");
    expect(resource).toMatchObject({
      "k8s.namespace.name": "shop",
      "k8s.pod.name": "db-0",
      "k8s.container.name": "db",
      "container.image.name": "registry.example/db",
    });
    expect(attributes["oom.identity.sources"]).toEqual(["containerd"]);
    expect(attributes["oom.identity.missing"]).toEqual(["owner", "limits"]);
    expect(body).toContain("in container db of pod shop/db-0 was OOM-killed");
  } finally {
    await other.stop("SIGKILL");
  }
});

function holdsFileIn(pid: number | undefined, directory: string): boolean {
  return readdirSync(`/proc/${pid}/fd`).some((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith(`${directory}/`);
    } catch {
      return false; // closed meanwhile
    }
  });
}
