/** Names of containers from a node's files: trees that real nodes had, and trees that no node should have. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type ContainerNames, checkNames } from "../../../../parsers/runtimes/container-names.ts";
import { toPodFacts } from "../../../../src/identify/pods/pod.ts";
import { type DiskNames, openDiskNames } from "../../../../src/identify/runtimes/disk-names.ts";
import { type HostRoot, makeHostRoot } from "../../../host-root.ts";

const TEST = fileURLToPath(new URL("../../..", import.meta.url));
const CASES = join(TEST, "kubernetes/node-files");
const TASKS = "/run/containerd/io.containerd.runtime.v2.task";
const ID = "9bca8d63d5fa610783847915bcff0ecac1273e5b4bed3f6fa1b07350e0135961";
const UID = "cb5f2e5c-bcb0-42df-92bc-28e301331a12";
const CGROUP = `/kubepods/burstable/pod${UID}/${ID}`;

let host: HostRoot;
let names: DiskNames;
let troubles: { name: string; detail: object }[];
let nowMs: number;
/** what each look at the clock takes */
let stepMs: number;

beforeEach(() => {
  host = makeHostRoot();
  troubles = [];
  nowMs = 1000;
  stepMs = 0;
  names = openDiskNames({
    hostRoot: host.path,
    onTrouble: (name, detail) => troubles.push({ name, detail }),
    now: () => (nowMs += stepMs),
  });
});

afterEach(() => {
  vi.useRealTimers();
  names.close();
  host.delete();
});

function bundle(pod: string, more: object = {}): string {
  return JSON.stringify({
    annotations: {
      "io.kubernetes.cri.container-type": "container",
      "io.kubernetes.cri.container-name": "api",
      "io.kubernetes.cri.sandbox-name": pod,
      "io.kubernetes.cri.sandbox-namespace": "shop",
      "io.kubernetes.cri.sandbox-uid": UID,
      ...more,
    },
  });
}

const CONFIG = `${TASKS}/k8s.io/${ID}/config.json`;
const API = {
  source: "containerd",
  runtime: "containerd",
  namespace: "shop",
  pod: "a-0",
  podUid: UID,
  container: "api",
};

describe.each(readdirSync(CASES))("the node of a real cluster, %s", (folder) => {
  const read = (file: string): string => readFileSync(join(CASES, folder, file), "utf8");
  const has = (file: string): boolean => readdirSync(join(CASES, folder)).includes(file);
  /** What the API server said, which is the truth here. */
  const pods = (
    JSON.parse(
      has("pods.json") ? read("pods.json") : readFileSync(join(TEST, `kubernetes/${folder}-pods.json`), "utf8"),
    ) as { items: unknown[] }
  ).items.flatMap((item) => toPodFacts(item) ?? []);
  const cgroups = read("memcg-tree.txt")
    .trim()
    .split("\n")
    .map((path) => `/${path}`);
  const containerCgroups = cgroups.filter((path) => /\/[0-9a-f]{64}$/.test(path));

  beforeEach(() => {
    for (const one of JSON.parse(read("containerd-bundles.json")) as { id: string }[])
      host.write(`${TASKS}/k8s.io/${one.id}/config.json`, JSON.stringify(one));
    host.makeListed(read("var-log-pods.txt"), "/var/log/pods");
    if (has("var-log-containers.txt")) host.makeListed(read("var-log-containers.txt"), "/var/log/containers");
  });

  function idsOf(cgroup: string): { id: string; uid: string } {
    const [, uid = "", id = ""] = /\/pod([^/]+)\/([^/]+)$/.exec(cgroup) ?? [];
    return { id, uid };
  }

  test("every container's cgroup has the names that the API server has, every sandbox is one", () => {
    for (const cgroup of cgroups) names.learn(cgroup);
    for (const cgroup of containerCgroups) {
      const { id, uid } = idsOf(cgroup);
      const pod = pods.find((one) => one.uid === uid || one.configHash === uid);
      const container = pod?.containers.find((one) => one.id === id);
      const found = names.of(id, uid);
      expect(found, cgroup).toMatchObject({
        source: "containerd",
        namespace: pod?.namespace,
        pod: pod?.name,
        podUid: uid,
      });
      expect(found?.isSandbox, cgroup).toBe(container === undefined ? true : undefined);
      expect(found?.container).toBe(container?.name);
      if (container !== undefined) expect(found?.image).toBe(container.image);
      // With a pod's limit alone the kubelet gives it to the runtime as the container's, too.
      if (container !== undefined) expect(found?.memoryLimit).toBe(container.memory.limit ?? pod?.memory?.limit);
      if (container !== undefined && has("var-log-containers.txt")) expect(found?.restarts).toBe(container.restarts);
    }
    expect(troubles).toEqual([]);
  });

  test("they are known after the files have gone", () => {
    for (const cgroup of containerCgroups) names.learn(cgroup);
    const before = containerCgroups.map((cgroup) => names.of(idsOf(cgroup).id));
    host.remove("/run");
    expect(before.every((one) => one?.pod !== undefined)).toBe(true);
    expect(containerCgroups.map((cgroup) => names.of(idsOf(cgroup).id))).toEqual(before);
  });

  test("pods are known by their log directories alone", () => {
    host.remove("/run");
    for (const cgroup of cgroups.filter((path) => /\/pod[^/]+$/.test(path))) {
      const uid = cgroup.slice(cgroup.lastIndexOf("/pod") + 4);
      const pod = pods.find((one) => one.uid === uid || one.configHash === uid);
      const expected = { source: "log_directory", namespace: pod?.namespace, pod: pod?.name, podUid: uid };
      expect(names.of(undefined, uid)).toEqual(expected);
    }
  });

  test("containers that are gone are known by the links to their logs, with the API server's count of restarts", () => {
    const logged = has("var-log-containers.txt")
      ? [...read("var-log-containers.txt").matchAll(/([0-9a-f]{64})\.log/g)]
      : [];
    for (const [, id = ""] of logged) {
      const pod = pods.find((one) => one.containers.some((c) => c.id === id || c.lastState?.containerId === id));
      const container = pod?.containers.find((c) => c.id === id || c.lastState?.containerId === id);
      const found = names.of(id);
      expect(found?.container).toBeDefined();
      if (pod === undefined || container === undefined) continue;
      expect(found).toMatchObject({ namespace: pod.namespace, pod: pod.name, container: container.name });
      expect(found?.restarts).toBe((container.restarts ?? 0) - (container.id === id ? 0 : 1));
    }
  });
});

describe("other runtimes", () => {
  const COMPOSE = { composeProject: "shop", composeService: "web" };
  test.each<[tree: string, path: string, expected: object]>([
    [
      "docker",
      "/docker/4b44af7ebf0835589e950afe77f2b5e8e995b96110edb33065c3134890c5cb56",
      {
        source: "docker",
        runtime: "docker",
        name: "web",
        image: "localhost/busybox:local",
        imageId: "sha256:964d24f37f849c4a168e4d84022069af9f20acd829f0e5aea6520fe741669294",
        memoryLimit: 67_108_864,
        ...COMPOSE,
      },
    ],
    [
      "docker",
      "/kubepods/besteffort/pod02660369-976a-4dd3-8ec3-04125c241a53/16490cdd9f5f7d91f1635ff13d5a92be1db6785f4f81feab4d324b1776bc0d6d",
      {
        source: "docker",
        runtime: "docker",
        namespace: "shop",
        pod: "checkout",
        podUid: "02660369-976a-4dd3-8ec3-04125c241a53",
        container: "worker",
        image: "localhost/busybox:local",
        imageId: "sha256:964d24f37f849c4a168e4d84022069af9f20acd829f0e5aea6520fe741669294",
        sandboxId: "7244f580a00d1245054dd981a46efc45f953b0e3cc3d283a42fcbb66cbf41a4c",
      },
    ],
    [
      "podman",
      "/libpod_parent/libpod-7f3628313afa9e48824837570c89f182e28d4406a98ee8ddc0d2f93cfc7c5df6",
      {
        source: "podman",
        runtime: "podman",
        name: "web",
        image: "localhost/busybox:local",
        imageId: "82bc2e6555e95fa512a4ff3ba44f2c1640fee15d6a106ce0aee8b2ff451c7923",
        memoryLimit: 67_108_864,
      },
    ],
    [
      "podman",
      "/machine.slice/libpod-530d761270144f9ff9a34f62c6def9f3e60f2ae47c5a3eafca68e93e3e3e07df.scope",
      {
        source: "podman",
        runtime: "podman",
        name: "passing",
        image: "localhost/busybox:local",
        imageId: "82bc2e6555e95fa512a4ff3ba44f2c1640fee15d6a106ce0aee8b2ff451c7923",
      },
    ],
    [
      "cri-o",
      `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UID.replaceAll("-", "_")}.slice/crio-${ID}.scope`,
      {
        source: "cri-o",
        runtime: "cri-o",
        namespace: "shop",
        pod: "checkout-54b94897df-9s5wg",
        podUid: UID,
        container: "api",
        image: "registry.example/shop/checkout:1.4.2",
        imageId: "5d2a1c0f8a7e4f1d9b3c6e2f7a8b9c0d1e2f3a4b5c6d7e8f901234567890abcd",
        sandboxId: "3f3c9f0e4a1b4c6d8e9fa0b1c2d3e4f5061728394a5b6c7d8e9f00112233445a",
        memoryLimit: 67_108_864,
        restarts: 2,
      },
    ],
    [
      "cri-o",
      `/kubepods/burstable/pod${UID}/crio-3f3c9f0e4a1b4c6d8e9fa0b1c2d3e4f5061728394a5b6c7d8e9f00112233445a`,
      {
        source: "cri-o",
        runtime: "cri-o",
        namespace: "shop",
        pod: "checkout-54b94897df-9s5wg",
        podUid: UID,
        image: "registry.k8s.io/pause:3.9",
        isSandbox: true,
        sandboxId: "3f3c9f0e4a1b4c6d8e9fa0b1c2d3e4f5061728394a5b6c7d8e9f00112233445a",
      },
    ],
  ])("%s: %s", (tree, path, expected) => {
    host.copy(join(TEST, "runtimes", tree));
    names.learn(path);
    host.remove(tree === "docker" ? "/var/lib/docker" : "/var/lib/containers");
    const [id = ""] = /[0-9a-f]{64}/.exec(path) ?? [];
    expect(names.of(id)).toEqual(expected);
    expect(troubles).toEqual([]);
  });

  test.each([
    "/run/containerd",
    "/run/k3s/containerd",
    "/run/k0s/containerd",
    "/var/snap/microk8s/common/run/containerd",
  ])("containerd's state in %s", (state) => {
    host.write(`${state}/io.containerd.runtime.v2.task/k8s.io/${ID}/config.json`, bundle("a-0"));
    expect(names.of(ID, UID)).toEqual(API);
  });

  test("one that runs in containerd and that nobody names has its limit, and its name by its log", () => {
    host.write(`${TASKS}/default/${ID}/config.json`, '{"linux":{"resources":{"memory":{"limit":4096}}}}');
    expect(names.of(ID)).toEqual({ source: "containerd", runtime: "containerd", memoryLimit: 4096 });
    host.link(`/var/log/containers/a-0_shop_api-${ID}.log`, `/var/log/pods/shop_a-0_${UID}/api/3.log`);
    expect(names.of(ID)).toEqual({ ...API, source: "log_directory", memoryLimit: 4096, restarts: 3 });
  });

  test("Docker's files are where its daemon.json has moved them", () => {
    host.write("/etc/docker/daemon.json", '{"data-root":"/mnt/docker"}');
    host.write(`/mnt/docker/containers/${ID}/config.v2.json`, '{"Name":"/web"}');
    expect(names.of(ID)).toEqual({ source: "docker", runtime: "docker", name: "web" });
  });

  test("Podman keeps those that go when they end in another list", () => {
    host.write(
      `/run/containers/storage/overlay-containers/${ID}/userdata/config.json`,
      '{"annotations":{"io.container.manager":"libpod"}}',
    );
    host.write("/var/lib/containers/storage/overlay-containers/containers.json", "[]");
    host.write(
      "/var/lib/containers/storage/overlay-containers/volatile-containers.json",
      JSON.stringify([{ id: ID, names: ["job"] }]),
    );
    expect(names.of(ID)).toEqual({ source: "podman", runtime: "podman", name: "job" });
  });
});

describe("when", () => {
  /** Timers that are due run, and a turn of the loop passes. */
  async function pass(ms: number): Promise<void> {
    nowMs += ms;
    vi.advanceTimersByTime(ms);
    await new Promise((resolve) => setImmediate(resolve));
  }

  test("what comes after its cgroup is found a moment later, without being asked for", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    names.learn(CGROUP);
    host.write(CONFIG, bundle("a-0"));
    await pass(0);
    await pass(50);
    host.remove("/run");
    expect(names.of(ID, UID)).toEqual(API);
    expect(troubles).toEqual([]);
  });

  test("what does not come is said once, and looked for again when it is asked for", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    names.learn(CGROUP);
    for (let ms = 0; ms < 10_000; ms += 50) await pass(50);
    expect(troubles).toEqual([{ name: "container_names_unknown", detail: { containerId: ID } }]);
    expect(vi.getTimerCount()).toBe(0);
    host.write(CONFIG, bundle("a-0"));
    expect(names.of(ID, UID)).toEqual(API);
  });

  test("nothing is waited for when its cgroup is gone, or all is closed", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    names.learn(CGROUP);
    names.gone(CGROUP);
    await pass(60_000);
    expect(troubles).toEqual([]);
    names.learn(CGROUP);
    names.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("one that is gone is known for ten minutes; a cgroup in it that goes means nothing", () => {
    host.write(CONFIG, bundle("a-0"));
    names.learn(CGROUP);
    host.remove("/run");
    names.gone(`${CGROUP}/init.scope`);
    names.gone(CGROUP);
    nowMs += 10 * 60_000;
    names.gone("/kubepods/pod02660369-976a-4dd3-8ec3-04125c241a53");
    names.gone(`/docker/${ID.replace("9", "8")}`);
    expect(names.of(ID, UID)).toEqual(API);
    nowMs++;
    names.gone(`/docker/${ID.replace("9", "7")}`);
    expect(names.of(ID)).toBeUndefined();
  });

  test("many at once are read in slices, so that others get their turn; all are read", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const ids = Array.from({ length: 100 }, (_, n) => n.toString(16).padStart(64, "0"));
    for (const id of ids) {
      host.write(`${TASKS}/k8s.io/${id}/config.json`, bundle(`a-${id.slice(-2)}`));
      names.learn(`/kubepods/pod${UID}/${id}`);
      nowMs++;
    }
    host.write(`${TASKS}/k8s.io/${ids[99]}/config.json`, bundle("a-later"));
    for (let turn = 0; turn < 20; turn++) await pass(1);
    host.remove("/run");
    expect(ids.map((id) => names.of(id)?.pod)).toEqual([
      ...ids.slice(0, 99).map((id) => `a-${id.slice(-2)}`),
      "a-later",
    ]);
  });

  test("one that is new does not wait behind those whose files were not there", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    for (let n = 0; n < 100; n++) names.learn(`/kubepods/pod${UID}/${n.toString(16).padStart(64, "0")}`);
    await pass(1); // the slice is over; the next try of each comes after 50 ms
    nowMs += 49;
    stepMs = 1;
    host.write(CONFIG, bundle("a-0"));
    for (let n = 0; n < 9; n++) names.learn(`/kubepods/pod${UID}/${n.toString(16).padStart(64, "f")}`);
    names.learn(CGROUP);
    for (let turn = 0; turn < 5; turn++) await pass(20);
    host.remove("/run");
    expect(names.of(ID, UID)).toEqual(API);
  });

  test("the log's link that comes later has the count of restarts", () => {
    host.write(CONFIG, bundle("a-0"));
    names.learn(CGROUP);
    expect(names.of(ID, UID)).toEqual(API);
    host.link(`/var/log/containers/a-0_shop_api-${ID}.log`, `/var/log/pods/shop_a-0_${UID}/api/3.log`);
    expect(names.of(ID, UID)).toEqual({ ...API, restarts: 3 });
  });
});

describe("what no node should have", () => {
  const IDS = ["../../../etc", "..", "", ID.slice(1), ID.toUpperCase(), `${ID}/..`, `${ID}\0`, "%2e%2e"];
  test.each(IDS)("an ID that is none is not looked for: %j", (id) => {
    host.write(CONFIG, bundle("a-0"));
    host.write(`${TASKS}/config.json`, bundle("a-0"));
    names.learn(`/docker/${id}`);
    expect(names.of(id)).toBeUndefined();
    expect(names.of(undefined, id)).toBeUndefined();
    expect(troubles).toEqual([]);
  });

  test("a link that leads out of the host's root leads to the same place within it", () => {
    const outside = makeHostRoot();
    outside.write("config.json", bundle("outside"));
    host.link(`${TASKS}/k8s.io/${ID}`, outside.path);
    expect(names.of(ID)).toBeUndefined();
    host.write(join(outside.path, "config.json"), bundle("inside"));
    expect(names.of(ID)?.pod).toBe("inside");
    outside.delete();
  });

  test.each([
    ["upwards", "../../../../../../../../../../mnt/data"],
    ["absolute", "/mnt/data"],
    ["twice", "/mnt/again"],
  ])("a directory that is a link, %s, is followed as the node would", (_, target) => {
    host.write(`/mnt/data/containers/${ID}/config.v2.json`, '{"Name":"/web"}');
    host.link("/mnt/again", "data");
    host.link("/var/lib/docker", target);
    expect(names.of(ID)).toEqual({ source: "docker", runtime: "docker", name: "web" });
  });

  test.each<[what: string, make: (path: string) => void, detail: object]>([
    ["a FIFO", (path) => execFileSync("mkfifo", [path]), { code: "no regular file" }],
    ["a directory", (path) => execFileSync("mkdir", [path]), { code: "no regular file" }],
    [
      "a file of a gigabyte",
      (path) => execFileSync("truncate", ["-s", "1G", path]),
      { code: "larger than 1048576 bytes" },
    ],
    ["a link to itself", (path) => execFileSync("ln", ["-s", path.slice(host.path.length), path]), { code: "ELOOP" }],
  ])("%s in a file's place is told and waited for by nobody", (_, make, detail) => {
    host.write(`${TASKS}/k8s.io/${ID}/x`, "");
    make(join(host.path, CONFIG));
    expect(names.of(ID)).toBeUndefined();
    expect(troubles).toEqual([{ name: "container_file_unreadable", detail: { path: CONFIG, ...detail } }]);
  });

  test("of more namespaces than a node has some are looked at, and it is told", () => {
    for (let n = 0; n < 65; n++) host.write(`${TASKS}/ns${n}/x`, "");
    expect(names.of(ID)).toBeUndefined();
    expect(troubles).toEqual([
      { name: "container_file_unreadable", detail: { path: TASKS, code: "more than 64 names" } },
    ]);
  });

  test("a link in a log's place is read, not followed", () => {
    execFileSync("mkdir", ["-p", join(host.path, "var/log/containers")]);
    host.link(`/var/log/containers/a-0_shop_api-${ID}.log`, "/dev/zero");
    expect(names.of(ID)).toEqual({ source: "log_directory", namespace: "shop", pod: "a-0", container: "api" });
  });

  test("a log's link that leads to another pod's log says nothing more", () => {
    host.link(`/var/log/containers/a-0_shop_api-${ID}.log`, `/var/log/pods/shop_b-0_${UID}/api/3.log`);
    expect(names.of(ID)).toEqual({ source: "log_directory", namespace: "shop", pod: "a-0", container: "api" });
  });

  test.each([
    ["cut", '{"annotations":{'],
    ["empty", ""],
    ["not UTF-8", new Uint8Array([0xff, 0xfe, 0x00])],
  ])("a file that is %s is told", (_, content) => {
    host.write(CONFIG, content);
    expect(names.of(ID)).toBeUndefined();
    expect(troubles).toEqual([{ name: "container_file_broken", detail: { path: CONFIG } }]);
  });

  test("a name that can be none is left out and told", () => {
    host.write(
      CONFIG,
      bundle("a-0", { "io.kubernetes.cri.container-name": "x".repeat(64), "io.kubernetes.cri.image-name": "a b" }),
    );
    const { container: _, ...rest } = API;
    expect(names.of(ID, UID)).toEqual(rest);
    expect(troubles).toEqual([
      { name: "container_names_refused", detail: { source: "containerd", fields: "container,image" } },
    ]);
  });

  test("a pod's log directory with a name that can be none names nobody", () => {
    host.write(`/var/log/pods/Shop_a-0_${UID}/api/0.log`, "");
    expect(names.of(undefined, UID)).toBeUndefined();
    expect(troubles).toEqual([
      { name: "container_names_refused", detail: { source: "log_directory", fields: "namespace" } },
    ]);
  });

  test("names of another pod than the cgroup's are refused, learned or not", () => {
    const other = "02660369-976a-4dd3-8ec3-04125c241a53";
    host.write(CONFIG, bundle("a-0"));
    expect(names.of(ID, other)).toBeUndefined();
    expect(troubles).toEqual([{ name: "container_names_refused", detail: { source: "containerd", fields: "podUid" } }]);
    names.learn(CGROUP);
    expect(names.of(ID, other)).toBeUndefined();
    expect(names.of(ID, UID)).toEqual(API);
  });

  /** Nothing learned before. */
  function ofAnew(): ReturnType<DiskNames["of"]> {
    troubles = [];
    const anew = openDiskNames({ hostRoot: host.path, onTrouble: (name, detail) => troubles.push({ name, detail }) });
    const found = anew.of(ID, UID);
    anew.close();
    return found;
  }

  test("any bytes in any file give names or an event, never an exception", () => {
    const docker = `/var/lib/docker/containers/${ID}`;
    const storage = "/var/lib/containers/storage/overlay-containers";
    const files: [path: string, beside?: [path: string, content: string]][] = [
      [CONFIG],
      [`${docker}/config.v2.json`],
      [`${docker}/hostconfig.json`, [`${docker}/config.v2.json`, "{}"]],
      [`${storage}/${ID}/userdata/config.json`],
      [
        `${storage}/containers.json`,
        [`${storage}/${ID}/userdata/config.json`, '{"annotations":{"io.container.manager":"libpod"}}'],
      ],
    ];
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json().map((json) => Buffer.from(json)),
      fc.nat(400).map((length) => Buffer.from(bundle("a-0").slice(0, length))),
    );
    fc.assert(
      fc.property(fc.constantFrom(...files), bytes, ([path, beside], content) => {
        host.remove("/run");
        host.remove("/var");
        host.write(path, content);
        if (beside !== undefined) host.write(...beside);
        expect(ofAnew() !== undefined || troubles.length > 0).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test("any name of a log gives the names that it consists of, or none", () => {
    const part = fc.stringMatching(/^[a-zA-Z0-9.-]{1,20}$/);
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), (parts) => {
        const name = parts.join("_");
        host.remove("/var");
        host.write(`/var/log/containers/${name}-${ID}.log`, "");
        const found = ofAnew();
        const [pod, namespace, container] = parts;
        const names = { source: "log_directory", namespace, pod, container };
        const isNamed =
          parts.length === 3 &&
          checkNames({ source: "log_directory", namespace, pod, container } as ContainerNames).refused.length === 0;
        if (isNamed) expect(found).toEqual(names);
        else expect(found === undefined || troubles.length > 0).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});
