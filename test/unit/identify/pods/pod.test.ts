/** Pods of the API → facts, and the cache that knows them by what a cgroup path has. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { splitContainerId, toPodFacts } from "../../../../src/identify/pods/pod.ts";
import { createPodCache, type PodCache } from "../../../../src/identify/pods/pod-cache.ts";
import { containerId, ended, plainPod, samplePod, samplePods } from "../../../pods.ts";

const UID = "2c48913c-b29f-11e7-9350-020968147796";

function cacheOf(items: readonly unknown[]): PodCache {
  const pods = createPodCache();
  expect(pods.replace(items, 0).unreadable).toBe(0);
  return pods;
}

describe("facts of a pod", () => {
  test("its own limit, a sidecar, an init container, what waits", () => {
    const pod = toPodFacts(samplePod("sidecar", "with-sidecar"));
    expect(pod?.containers.map(({ name, kind, memory }) => [name, kind, memory])).toEqual([
      ["main", "container", { request: 16 << 20, limit: 64 << 20 }],
      ["second", "container", { request: 16 << 20, limit: 64 << 20 }],
      ["setup", "init", { request: 16 << 20, limit: 32 << 20 }],
      ["log-sidecar", "sidecar", { request: 16 << 20, limit: 32 << 20 }],
    ]);
    expect(pod?.containers[1]?.state).toEqual({ is: "waiting", reason: "CrashLoopBackOff" });
    expect(toPodFacts(samplePod("sidecar", "podlevel"))?.memory).toEqual({ request: 32 << 20, limit: 64 << 20 });
  });
  test("an emptyDir in memory, with who has it mounted", () => {
    const [volume] = toPodFacts(samplePod("sidecar", "tmpfs-oom"))?.memoryVolumes ?? [];
    expect(volume).toMatchObject({ containers: ["writer"] });
  });
  test("a resize under way: what is in force, and what is wanted", () => {
    const pod = plainPod({
      containers: [{ limit: "128Mi" }],
      status: { containerStatuses: [{ name: "app", resources: { limits: { memory: "64Mi" } } }] },
    });
    expect(toPodFacts(pod)?.containers[0]).toMatchObject({ memory: { limit: 64 << 20 }, wanted: { limit: 128 << 20 } });
  });
  test("a pod that was just made has no status: its containers have no ID", () => {
    const pod = toPodFacts({ metadata: { name: "a", namespace: "b" }, spec: { containers: [{ name: "c" }] } });
    expect(pod?.containers).toEqual([{ name: "c", kind: "container", memory: {} }]);
  });
  test.each([
    ["containerd://abc", ["containerd", "abc"]],
    ["cri-o://abc", ["cri-o", "abc"]],
    ["abc", [undefined, "abc"]],
    ["containerd://", ["containerd", undefined]],
    ["", [undefined, undefined]],
    [undefined, [undefined, undefined]],
    [7, [undefined, undefined]],
  ])("container ID %j", (id, parts) => {
    expect(splitContainerId(id)).toEqual(parts);
  });
  test("what a pod's author can put onto records is bounded", () => {
    const annotations: Record<string, string> = { "resource.opentelemetry.io/long": "x".repeat(2000), other: "y" };
    for (let i = 0; i < 100; i++) annotations[`resource.opentelemetry.io/key${i}`] = "v";
    const pod = toPodFacts({ metadata: { name: "a", namespace: "b", annotations } });
    expect(Object.keys(pod?.resourceAnnotations ?? {})).toHaveLength(32);
    expect(pod?.resourceAnnotations).not.toHaveProperty("long");
  });
  test("any JSON is a pod or none", () => {
    const leaf = fc.oneof(fc.constant(null), fc.integer(), fc.string(), fc.constant([]), fc.constant({}), fc.boolean());
    const keys = [
      "metadata",
      "spec",
      "status",
      "name",
      "namespace",
      "containers",
      "containerStatuses",
      "state",
      "items",
    ];
    const more = ["terminated", "lastState", "resources", "limits", "memory", "ownerReferences", "volumes", "emptyDir"];
    const tree = fc.letrec<{ node: unknown }>((tie) => ({
      node: fc.oneof(
        { depthSize: "medium" },
        leaf,
        fc.array(tie("node"), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...keys, ...more), tie("node"), { maxKeys: 5 }),
      ),
    })).node;
    const own = fc.constant({ name: "a", namespace: "b" });
    const pod = fc.record({ metadata: fc.oneof(own, tree), spec: tree, status: tree });
    fc.assert(
      fc.property(fc.oneof(tree, pod), (json) => {
        const facts = toPodFacts(json);
        if (facts !== undefined) expect(typeof facts.name).toBe("string");
      }),
    );
  });
});

describe("who has a container ID", () => {
  test.each([
    ["child", "ab369a71dfa3", "shop/child-oom worker container, 0 restarts"],
    ["child", "a7d7aa1206a4", "shop/guaranteed g container, 0 restarts"],
    ["static", "a366f8e462a7", "kube-system/static-oom-node1 st container, 1 restarts"],
    ["static", "790a5757f466", "kube-system/static-oom-node1 st container, 0 restarts"],
    ["sidecar", "5317790a0da5", "shop/podlevel greedy container, 1 restarts"],
    ["sidecar", "fabe2748dacd", "shop/podlevel greedy container, 0 restarts"],
    ["sidecar", "787347bb07b6", "shop/with-sidecar log-sidecar sidecar, 1 restarts"],
    ["sidecar", "930657062d56", "shop/with-sidecar log-sidecar sidecar, 0 restarts"],
    ["sidecar", "275be32a4826", "shop/with-sidecar second container, 1 restarts"],
    ["init", "2c616bd89951", "shop/init-oom migrate init, 0 restarts"],
    ["deployment", "90f63773ce90", "shop/checkout-54b94897df-9s5wg api container, 1 restarts"],
    ["deployment", "55664ddec529", "shop/checkout-54b94897df-9s5wg api container, 0 restarts"],
    ["deployment", "f3a64ef6d7f3", "shop/checkout-54b94897df-cmx2g api container, 0 restarts"],
  ] as const)("%s %s is %s", (sample, start, expected) => {
    const items = samplePods(sample);
    const id = new RegExp(`${start}[0-9a-f]{52}`).exec(JSON.stringify(items))?.[0] ?? "";
    const { pod, container } = cacheOf(items).byContainer(id) ?? {};
    const { name, kind, restarts } = container ?? {};
    expect(`${pod?.namespace}/${pod?.name} ${name} ${kind}, ${restarts} restarts`).toBe(expected);
  });

  test("a container that was restarted while it was watched keeps its limit and its count", () => {
    const pods = createPodCache();
    const ids = ["a1", "a2", "a3"].map(containerId);
    for (const [restarts, id] of ids.entries()) {
      const limit = `${64 * (restarts + 1)}Mi`;
      pods.change("MODIFIED", plainPod({ uid: UID, containers: [{ id: `containerd://${id}`, limit, restarts }] }), 0);
    }
    expect(ids.map((id) => pods.byContainer(id)?.container.restarts)).toEqual([0, 1, 2]);
    expect(ids.map((id) => pods.byContainer(id)?.container.memory.limit)).toEqual([64 << 20, 128 << 20, 192 << 20]);
  });

  test("a static pod goes by its config hash and by its mirror pod's UID", () => {
    const pods = cacheOf(samplePods("static"));
    for (const uid of ["d8c9b774b8740642565fea02f8465ca2", "b5d4e794-44ce-454b-92bd-87588baeddd4"]) {
      expect(pods.byUid(uid)?.name).toBe("static-oom-node1");
    }
  });
});

describe("deleted pods", () => {
  const pod = plainPod({ uid: UID, containers: [{ id: `containerd://${containerId("a1")}` }] });
  const later = 10 * 60_000;

  test.each([
    ["by an event", (pods: PodCache) => pods.change("DELETED", pod, 1000)?.isGone],
    ["as a list no longer has them", (pods: PodCache) => pods.replace([], 1000).pods[0]?.isGone],
  ])("%s: known for ten minutes, then forgotten", (_, remove) => {
    const pods = cacheOf([pod]);
    expect(remove(pods)).toBe(true);
    pods.replace([], later);
    expect(pods.byContainer(containerId("a1"))?.pod.name).toBe("web-0");
    expect(pods.byUid(UID)?.name).toBe("web-0");
    pods.replace([], later + 2000);
    expect(pods.byContainer(containerId("a1"))).toBeUndefined();
    expect(pods.byUid(UID)).toBeUndefined();
    expect(pods.size).toEqual({ pods: 0, deleted: 0, containers: 0 });
  });

  test("one that comes back under its UID is there again", () => {
    const pods = cacheOf([pod]);
    pods.replace([], 0);
    pods.replace([pod], 0);
    expect(pods.size).toEqual({ pods: 1, deleted: 0, containers: 1 });
    expect(pods.byUid(UID)?.isGone).toBeUndefined();
  });

  test("of two pods with one name each has its own containers", () => {
    const other = "3d274242-8ee0-11e9-a8a6-1e68d864ef1a";
    const pods = cacheOf([pod]);
    pods.change("DELETED", pod, 0);
    pods.change("ADDED", plainPod({ uid: other, containers: [{ id: containerId("b2") }] }), 0);
    expect(pods.byContainer(containerId("a1"))?.pod.uid).toBe(UID);
    expect(pods.byContainer(containerId("b2"))?.pod.uid).toBe(other);
  });
});

test("what is no pod is counted and changes nothing", () => {
  const pods = cacheOf(samplePods("child"));
  expect(pods.replace([...samplePods("child"), null, 1, {}, { metadata: {} }], 0).unreadable).toBe(4);
  expect(pods.change("ADDED", "x", 0)).toBeUndefined();
  expect(pods.size.pods).toBe(3);
});

test("after a hundred thousand changes no more is kept than there is, and was of late", () => {
  const pods = createPodCache();
  for (let i = 0; i < 100_000; i++) {
    const uid = `00000000-0000-4000-8000-${String(i % 500).padStart(12, "0")}`;
    const type = i % 7 === 0 ? "DELETED" : "MODIFIED";
    pods.change(type, plainPod({ name: `p${i % 500}`, uid, containers: [{ id: `containerd://${i}` }] }), i * 10);
  }
  const { pods: there, deleted, containers } = pods.size;
  expect(there + deleted).toBe(500);
  expect(containers).toBeLessThanOrEqual(500 * 64);
  pods.replace([], 1_000_000);
  pods.replace([], 2_000_000);
  expect(pods.size).toEqual({ pods: 0, deleted: 0, containers: 0 });
});

test("a node that makes and deletes pods without end keeps a bounded number of them", () => {
  const pods = createPodCache();
  for (let i = 0; i < 5000; i++) {
    const pod = plainPod({ name: `job-${i}`, uid: String(i), containers: [{ id: `containerd://${i}` }] });
    pods.change("ADDED", pod, 0);
    pods.change("DELETED", pod, 0);
  }
  expect(pods.size).toEqual({ pods: 0, deleted: 1024, containers: 1024 });
  expect(pods.byContainer("4999")?.pod.name).toBe("job-4999");
});

test("an ID that is no longer in a pod's status is known by its last state only once", () => {
  const id = containerId("a1");
  const pods = cacheOf([
    plainPod({ uid: UID, containers: [{ id: containerId("a2"), lastState: ended(id, "Error", 1) }] }),
  ]);
  expect(pods.byContainer(id)?.container).toMatchObject({ id, restarts: 0, state: { reason: "Error" } });
  expect(pods.byContainer(id)?.container.lastState).toBeUndefined();
});
