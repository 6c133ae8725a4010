/** A victim's cgroup → who that was: from the API's pods, from the node's files, and whose limit it was. */
import { describe, expect, test } from "vitest";
import { parseCgroupPath } from "../../../parsers/cgroup/path.ts";
import type { ContainerNames } from "../../../parsers/runtimes/container-names.ts";
import type { Who } from "../../../src/identify/container-metadata.ts";
import { identify, type NameSources } from "../../../src/identify/identifier.ts";
import { createPodCache } from "../../../src/identify/pods/pod-cache.ts";
import { refineScope } from "../../../src/identify/scope.ts";
import { containerId, plainPod, samplePods } from "../../pods.ts";

const UID = "2c48913c-b29f-11e7-9350-020968147796";
const APP = containerId("a1");
const pathOf = (id: string, uid = UID): string => `/kubepods/burstable/pod${uid}/${id}`;

function whoIn(path: string, items: readonly unknown[], more: Partial<NameSources> = {}): Who | undefined {
  const pods = createPodCache();
  pods.replace(items, 0);
  return identify(parseCgroupPath(path), { pods, podSource: "kubernetes_api", ...more });
}

const pod = plainPod({ uid: UID, containers: [{ id: `containerd://${APP}`, limit: "64Mi" }] });
const files = (names: ContainerNames) => (): ContainerNames => names;

describe("names", () => {
  test("of the API: all that there is to say", () => {
    expect(whoIn(pathOf(APP), [pod])).toMatchObject({
      sources: ["kubernetes_api"],
      missing: [],
      namespace: "shop",
      pod: "web-0",
      podUid: UID,
      container: "app",
      containerKind: "container",
      restarts: 0,
      image: { name: "registry.example/shop/web", tag: "1.4" },
      service: { name: "web-0", namespace: "shop", version: "1.4", instanceId: "shop.web-0.app" },
    });
  });
  test("a container that the API does not have yet: the pod by its UID, the rest is said to be missing", () => {
    const who = whoIn(pathOf(containerId("b2")), [pod]);
    expect(who).toMatchObject({ pod: "web-0", missing: ["container", "image", "limits"] });
    expect(who?.container).toBeUndefined();
  });
  test("… and the node's files have it", () => {
    const names: ContainerNames = { source: "containerd", container: "app", image: "registry.example/web:2" };
    expect(whoIn(pathOf(containerId("b2")), [pod], { files: files(names) })).toMatchObject({
      sources: ["kubernetes_api", "containerd"],
      missing: ["limits"],
      pod: "web-0",
      container: "app",
      image: { tag: "2" },
    });
  });
  test("the files alone, where there is no API", () => {
    const names: ContainerNames = {
      source: "cri-o",
      namespace: "shop",
      pod: "web-0",
      container: "app",
      image: "web:1",
    };
    expect(whoIn(pathOf(APP), [], { files: files(names) })).toMatchObject({
      sources: ["cri-o"],
      missing: ["owner", "limits"],
      podUid: UID,
      pod: "web-0",
      service: { name: "web-0" },
    });
  });
  test("the pod's sandbox, which no status shows, is called one", () => {
    const who = whoIn(pathOf(containerId("5a")), [pod], { files: files({ source: "containerd", isSandbox: true }) });
    expect(who).toMatchObject({ pod: "web-0", containerKind: "sandbox", missing: [] });
    expect(who?.container).toBeUndefined();
  });
  test("a pod that runs containers itself: the pod's own is named for those", () => {
    expect(whoIn(`${pathOf(APP)}/docker/${containerId("dd")}`, [pod])).toMatchObject({
      pod: "web-0",
      container: "app",
    });
  });
  test("a container ID of another pod is none: only the pod is sure", () => {
    const other = "3d274242-8ee0-11e9-a8a6-1e68d864ef1a";
    const neighbour = plainPod({ name: "neighbour", uid: other });
    const who = whoIn(pathOf(APP, other), [pod, neighbour]);
    expect(who).toMatchObject({ pod: "neighbour" });
    expect(who?.container).toBeUndefined();
  });
  test("no Kubernetes at all: the runtime's name, and no service made of it", () => {
    const who = whoIn(`/docker/${APP}`, [], {
      files: files({ source: "docker", name: "db", image: "postgres:17" }),
    });
    expect(who).toMatchObject({
      sources: ["docker"],
      missing: [],
      container: "db",
      image: { name: "postgres", tag: "17" },
    });
    expect(who?.service).toBeUndefined();
  });
  test("Docker Compose's service is one", () => {
    const names: ContainerNames = { source: "docker", name: "shop-db-1", composeProject: "shop", composeService: "db" };
    expect(whoIn(`/docker/${APP}`, [], { files: files(names) })).toMatchObject({
      container: "shop-db-1",
      service: { name: "db", namespace: "shop" },
    });
  });
  test.each([["/system.slice/sshd.service"], ["/"], ["/user.slice/user-1000.slice/session-2.scope"], ["/kubepods"]])(
    "%s is nobody's",
    (path) => {
      expect(whoIn(path, [pod], { files: files({ source: "docker", name: "x" }) })).toBeUndefined();
    },
  );
  test("the API's word of an owner stands above what labels say", () => {
    const owned = plainPod({
      uid: UID,
      metadata: { ownerReferences: [{ controller: true, kind: "ReplicaSet", name: "web-1", uid: "u" }] },
      containers: [{ id: APP }],
    });
    const asked = [{ kind: "ReplicaSet", name: "web-1", evidence: "api", createdMs: 5 }] as const;
    expect(whoIn(pathOf(APP), [owned], { askedOwner: () => [...asked] })?.owners).toEqual(asked);
    expect(whoIn(pathOf(APP), [owned])?.owners).toMatchObject([{ name: "web-1", evidence: "owner_reference" }]);
  });
});

describe("every container of a real cluster, by its cgroup", () => {
  const QOS = { Burstable: "burstable/", BestEffort: "besteffort/", Guaranteed: "" };
  test.each(["child", "deployment", "init", "sidecar", "static"] as const)("%s", (sample) => {
    let containers = 0;
    for (const item of samplePods(sample) as {
      metadata: { name: string; uid: string; annotations?: Record<string, string> };
      status: Record<string, { name: string; containerID?: string }[]> & { qosClass: keyof typeof QOS };
    }[]) {
      const uid = item.metadata.annotations?.["kubernetes.io/config.hash"] ?? item.metadata.uid;
      const all = [...(item.status["containerStatuses"] ?? []), ...(item.status["initContainerStatuses"] ?? [])];
      for (const { name, containerID } of all) {
        if (containerID === undefined || containerID === "") continue;
        containers++;
        const path = `/kubelet/kubepods/${QOS[item.status.qosClass]}pod${uid}/${containerID.slice(13)}`;
        const who = whoIn(path, samplePods(sample));
        expect(who).toMatchObject({ pod: item.metadata.name, podUid: item.metadata.uid, container: name, missing: [] });
      }
    }
    expect(containers).toBeGreaterThan(0);
  });
});

describe("whose limit a pod's limit is", () => {
  const scopeOf = (items: readonly unknown[], path: string, limit: number | undefined) =>
    refineScope("pod", limit, whoIn(path, items));
  const uid = (name: string, sample: "child" | "sidecar" | "init") =>
    (samplePods(sample) as { metadata: { name: string; uid: string } }[]).find(({ metadata }) => metadata.name === name)
      ?.metadata.uid;
  const id = (start: string, sample: "child" | "sidecar" | "init") =>
    new RegExp(`${start}[0-9a-f]{52}`).exec(JSON.stringify(samplePods(sample)))?.[0] ?? "";

  test.each([
    ["its only container's", "child", "child-oom", "ab369a71dfa3", 64 << 20, "container"],
    ["… also where the log does not say how large", "child", "child-oom", "ab369a71dfa3", undefined, "container"],
    ["an init container's, the largest of the pod", "init", "init-oom", "2c616bd89951", 32 << 20, "container"],
    ["the pod's own", "sidecar", "podlevel", "5317790a0da5", 64 << 20, "pod"],
    ["the sum of several containers'", "sidecar", "with-sidecar", "787347bb07b6", 160 << 20, "pod"],
    ["of several, size unknown", "sidecar", "with-sidecar", "787347bb07b6", undefined, "pod"],
  ] as const)("%s", (_, sample, name, start, limit, expected) => {
    const path = `/kubepods/burstable/pod${uid(name, sample)}/${id(start, sample)}`;
    expect(scopeOf(samplePods(sample), path, limit)).toBe(expected);
  });
  test("not with an ephemeral container beside it, which has no limit", () => {
    const spec = { ephemeralContainers: [{ name: "debug" }] };
    const debugged = plainPod({ uid: UID, containers: [{ id: APP, limit: "64Mi" }], spec: { ...spec } });
    expect(scopeOf([debugged], pathOf(APP), 64 << 20)).toBe("pod");
  });
  test("nor where nobody is named, nor of another scope", () => {
    expect(refineScope("pod", 64 << 20, undefined)).toBe("pod");
    expect(refineScope("node", 64 << 20, whoIn(pathOf(APP), [pod]))).toBe("node");
  });
});
