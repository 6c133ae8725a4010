/** Real cgroup paths, and what each says of runtime, driver, QoS class, pod and container. */
import { describe, expect, test } from "vitest";
import type { CgroupIdentity } from "../../../../parsers/cgroup/identity.ts";
import { findLayout } from "../../../../parsers/cgroup/layout.ts";
import { LAYOUTS, parseCgroupPath } from "../../../../parsers/cgroup/path.ts";
import { readUnitName, splitSliceRequest } from "../../../../parsers/cgroup/systemd.ts";

const ID = "9bca8d63d5fa610783847915bcff0ecac1273e5b4bed3f6fa1b07350e0135961";
const NODE = "93529524695bb00d91c1f6dba692ea8d3550c3b94fb2463af7bc9ec82f992d26";
const UID = "fbdfe8e3-1c87-4ff2-907c-b2ec8e25d012";
const UID_ = "fbdfe8e3_1c87_4ff2_907c_b2ec8e25d012";
const HASH = "52c7c29c336a733ae3bc99f62ea70cb6";

/** The fields that the tables have a column for; a field that is not there must be absent. */
type Answer = Omit<CgroupIdentity, "unit" | "outerContainerIds">;

const INSIDE_PODS: [path: string, answer: Answer][] = [
  [
    `/kubepods/pod2c48913c-b29f-11e7-9350-020968147796/${ID}`,
    {
      kind: "container",
      driver: "cgroupfs",
      qos: "Guaranteed",
      podUid: "2c48913c-b29f-11e7-9350-020968147796",
      containerId: ID,
    },
  ],
  [
    `/kubepods/burstable/pod${UID}/${ID}`,
    { kind: "container", driver: "cgroupfs", qos: "Burstable", podUid: UID, containerId: ID },
  ],
  [`/kubepods/burstable/pod${UID}`, { kind: "pod", driver: "cgroupfs", qos: "Burstable", podUid: UID }],
  [
    `/kubepods/besteffort/pod3d274242-8ee0-11e9-a8a6-1e68d864ef1a/${ID}`,
    {
      kind: "container",
      driver: "cgroupfs",
      qos: "BestEffort",
      podUid: "3d274242-8ee0-11e9-a8a6-1e68d864ef1a",
      containerId: ID,
    },
  ],
  [
    `/kubepods/burstable/pod${HASH}`,
    { kind: "pod", driver: "cgroupfs", qos: "Burstable", podUid: HASH, staticPod: true },
  ],
  [
    `/kubepods/burstable/pod${HASH}/${ID}`,
    { kind: "container", driver: "cgroupfs", qos: "Burstable", podUid: HASH, staticPod: true, containerId: ID },
  ],
  [
    "/kubepods/pod2732ca68f6358eba7703fb6f82a25c94",
    {
      kind: "pod",
      driver: "cgroupfs",
      qos: "Guaranteed",
      podUid: "2732ca68f6358eba7703fb6f82a25c94",
      staticPod: true,
    },
  ],
  [
    `/kubepods.slice/kubepods-pod${UID_}.slice/crio-${ID}.scope`,
    { kind: "container", driver: "systemd", qos: "Guaranteed", podUid: UID, containerId: ID, runtime: "cri-o" },
  ],
  [
    `/kubepods.slice/kubepods-pod${UID_}.slice/docker-${ID}.scope`,
    { kind: "container", driver: "systemd", qos: "Guaranteed", podUid: UID, containerId: ID, runtime: "docker" },
  ],
  [
    `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UID_}.slice/cri-containerd-${ID}.scope`,
    { kind: "container", driver: "systemd", qos: "Burstable", podUid: UID, containerId: ID, runtime: "containerd" },
  ],
  [
    `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UID_}.slice`,
    { kind: "pod", driver: "systemd", qos: "Burstable", podUid: UID },
  ],
  [
    `/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${UID_}.slice/cri-containerd-${ID}.scope`,
    { kind: "container", driver: "systemd", qos: "BestEffort", podUid: UID, containerId: ID, runtime: "containerd" },
  ],
  [
    `/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${UID_}.slice/crio-${ID}.scope/container`,
    {
      kind: "container",
      driver: "systemd",
      qos: "BestEffort",
      podUid: UID,
      containerId: ID,
      runtime: "cri-o",
      nested: "/container",
    },
  ],
  [
    `/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${UID_}.slice/crio-conmon-${ID}.scope`,
    { kind: "monitor", driver: "systemd", qos: "BestEffort", podUid: UID, runtime: "cri-o" },
  ],
  [
    `/kubepods/burstable/pod${UID}/crio-${ID}`,
    { kind: "container", driver: "cgroupfs", qos: "Burstable", podUid: UID, containerId: ID, runtime: "cri-o" },
  ],
  [
    `/kubepods/burstable/pod${UID}/crio-conmon-${ID}`,
    { kind: "monitor", driver: "cgroupfs", qos: "Burstable", podUid: UID, runtime: "cri-o" },
  ],
  [
    `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UID_}.slice/docker-${ID}.scope`,
    { kind: "container", driver: "systemd", qos: "Burstable", podUid: UID, containerId: ID, runtime: "docker" },
  ],
  [
    `/system.slice/containerd.service/kubepods-burstable-pod${UID_}.slice:cri-containerd:${ID}`,
    { kind: "container", driver: "mixed", qos: "Burstable", podUid: UID, containerId: ID, runtime: "containerd" },
  ],
  [
    `/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod${UID_}.slice/cri-containerd-${ID}.scope`,
    { kind: "container", driver: "systemd", qos: "Burstable", podUid: UID, containerId: ID, runtime: "containerd" },
  ],
  [
    `/kubelet/kubepods/burstable/pod${UID}/${ID}`,
    { kind: "container", driver: "cgroupfs", qos: "Burstable", podUid: UID, containerId: ID },
  ],
  [
    `/kubelet/kubepods/pod${UID}/${ID}`,
    { kind: "container", driver: "cgroupfs", qos: "Guaranteed", podUid: UID, containerId: ID },
  ],
  [
    `/kubepods/kubepods/besteffort/pod${UID}/${ID}`,
    { kind: "container", driver: "cgroupfs", qos: "BestEffort", podUid: UID, containerId: ID },
  ],
  [
    `/kubepods/burstable/pod${UID}/${ID}/system.slice/nginx.service`,
    {
      kind: "container",
      driver: "cgroupfs",
      qos: "Burstable",
      podUid: UID,
      containerId: ID,
      nested: "/system.slice/nginx.service",
    },
  ],
  [
    `/kubepods/burstable/pod${UID}/${ID}/burstable`,
    {
      kind: "container",
      driver: "cgroupfs",
      qos: "Burstable",
      podUid: UID,
      containerId: ID,
      nested: "/burstable",
    },
  ],
  ["/kubepods.slice", { kind: "kubepods", driver: "systemd" }],
  ["/kubepods", { kind: "kubepods", driver: "cgroupfs" }],
  ["/kubepods.slice/kubepods-burstable.slice", { kind: "qos", driver: "systemd", qos: "Burstable" }],
  ["/kubepods.slice/kubepods-besteffort.slice", { kind: "qos", driver: "systemd", qos: "BestEffort" }],
  ["/kubepods/burstable", { kind: "qos", driver: "cgroupfs", qos: "Burstable" }],
  ["/kubepods/besteffort", { kind: "qos", driver: "cgroupfs", qos: "BestEffort" }],
];

const OUTSIDE_PODS: [path: string, answer: Answer][] = [
  [`/docker/${ID}`, { kind: "container", driver: "cgroupfs", containerId: ID, runtime: "docker" }],
  [`/system.slice/docker-${ID}.scope`, { kind: "container", driver: "systemd", containerId: ID, runtime: "docker" }],
  [`/ecs/55091c13-b8cf-4801-b527-f4601742204d/${ID}`, { kind: "container", driver: "cgroupfs", containerId: ID }],
  [`/libpod_parent/libpod-${ID}`, { kind: "container", driver: "cgroupfs", containerId: ID, runtime: "podman" }],
  [`/machine.slice/libpod-${ID}.scope`, { kind: "container", driver: "systemd", containerId: ID, runtime: "podman" }],
  [
    `/machine.slice/libpod-${ID}.scope/container`,
    { kind: "container", driver: "systemd", containerId: ID, runtime: "podman", nested: "/container" },
  ],
  [`/machine.slice/libpod-conmon-${ID}.scope`, { kind: "monitor", driver: "systemd", runtime: "podman" }],
  [
    `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-conmon-${ID}.scope`,
    { kind: "monitor", driver: "systemd", runtime: "podman" },
  ],
  [`/actions_job/${ID}`, { kind: "container", driver: "cgroupfs", containerId: ID, runtime: "docker" }],
  ["/lxc/web", { kind: "container", driver: "cgroupfs", runtime: "lxc" }],
  ["/user.slice/user-1000.slice/session-2.scope", { kind: "user", driver: "systemd" }],
  ["/user/1000.user/c2.session", { kind: "user", driver: "systemd" }],
  ["/system.slice/containerd.service", { kind: "unit", driver: "systemd" }],
  ["/system.slice/kubelet.service", { kind: "unit", driver: "systemd" }],
  ["/system.slice/sshd.service", { kind: "unit", driver: "systemd" }],
  ["/system.slice/system-serial\\x2dgetty.slice/serial-getty@ttyS0.service", { kind: "unit", driver: "systemd" }],
  ["/init.scope", { kind: "unit", driver: "systemd" }],
  ["/podruntime/kubelet", { kind: "other" }],
  ["/system/apid", { kind: "other" }],
  ["/init", { kind: "other" }],
  ["/runtime.slice", { kind: "unit", driver: "systemd" }],
  ["/azure.slice", { kind: "unit", driver: "systemd" }],
];

const RARE: [path: string, answer: Answer][] = [
  ["/libpod_parent/conmon", { kind: "monitor", driver: "cgroupfs", runtime: "podman" }],
  ["/lxc.monitor/web", { kind: "monitor", driver: "cgroupfs", runtime: "lxc" }],
  ["/lxc.monitor.web", { kind: "monitor", driver: "cgroupfs", runtime: "lxc" }],
  ["/lxc.payload.penguin", { kind: "container", driver: "cgroupfs", runtime: "lxc" }],
  ["/lxc.payload/penguin", { kind: "container", driver: "cgroupfs", runtime: "lxc" }],
  [
    `/system.slice/web.service/libpod-payload-${ID}`,
    { kind: "container", driver: "cgroupfs", runtime: "podman", containerId: ID },
  ],
  [
    `/system.slice/nerdctl-${ID}.scope`,
    { kind: "container", driver: "systemd", runtime: "containerd", containerId: ID },
  ],
  [
    `/libpod_parent/${NODE}/libpod-${ID}`,
    { kind: "container", driver: "cgroupfs", runtime: "podman", containerId: ID },
  ],
  [`/libpod_parent/${NODE}`, { kind: "other", driver: "cgroupfs", runtime: "podman" }],
  [
    "/system.slice/system.slice:docker:jvifp9a6b1lxa1kuw8bwfcovf",
    { kind: "container", driver: "mixed", runtime: "docker" },
  ],
  ["/docker/buildkit/n4eu0udvbz9vfzjy71jkvgkwh", { kind: "container", driver: "cgroupfs", runtime: "docker" }],
  [
    "/ecs/cd189a933e5849daa93386466019ab50/cd189a933e5849daa93386466019ab50-2495160603",
    { kind: "container", driver: "cgroupfs", containerId: "cd189a933e5849daa93386466019ab50-2495160603" },
  ],
  [
    "/system.slice/garden.service/garden/70eb4ce5-a065-4401-6990-88ed",
    { kind: "container", driver: "cgroupfs", containerId: "70eb4ce5-a065-4401-6990-88ed" },
  ],
  [`/system.slice/runc-${ID}.scope`, { kind: "container", driver: "systemd", containerId: ID }],
  [
    `/kubepods/pod${UID}/kata_${ID}`,
    { kind: "container", driver: "cgroupfs", qos: "Guaranteed", podUid: UID, containerId: ID },
  ],
];

const TRAPS: [what: string, path: string, answer: Answer][] = [
  ["the root", "/", { kind: "root" }],
  ["nothing", "", { kind: "root" }],
  ["slashes", "//////", { kind: "root" }],
  ["an unknown directory", "/machine.slice/podman", { kind: "unit", driver: "systemd" }],
  ["a pod's name outside kubepods", "/somewhere/pode257c815-3e31-4c9e-9d1a-2b3c4d5e6f70", { kind: "other" }],
  [
    "a pod's name and an ID outside kubepods",
    `/somewhere/pod${UID}/${ID}`,
    { kind: "container", driver: "cgroupfs", containerId: ID },
  ],
  ["a QoS class's name outside kubepods", "/burstable/besteffort", { kind: "other" }],
  [
    "no UUID behind pod, systemd",
    "/kubepods.slice/kubepods-burstable-podNOTAUUID.slice",
    { kind: "unit", driver: "systemd" },
  ],
  [
    "no UUID behind pod, cgroupfs",
    "/kubepods/burstable/podNOTAUUID",
    { kind: "other", driver: "cgroupfs", qos: "Burstable" },
  ],
  ["a name that only begins like kubepods", "/kubepodsx/burstable", { kind: "other" }],
  ["63 hex digits are no container", `/docker/${ID.slice(1)}`, { kind: "other" }],
  ["65 hex digits are no container", `/docker/${ID}0`, { kind: "other" }],
  ["upper-case hex digits are no container", `/docker/${ID.toUpperCase()}`, { kind: "other" }],
  [
    "a path cut in its container ID is still the pod's",
    `/kubepods/burstable/pod${UID}/${ID.slice(0, 40)}`,
    { kind: "other", driver: "cgroupfs", qos: "Burstable", podUid: UID },
  ],
  [
    "a deleted cgroup",
    `/kubepods/burstable/pod${UID}/${ID} (deleted)`,
    { kind: "container", driver: "cgroupfs", qos: "Burstable", podUid: UID, containerId: ID },
  ],
  [
    "relative to a cgroup namespace",
    `../../pod${UID}/${ID}`,
    { kind: "container", driver: "cgroupfs", containerId: ID },
  ],
  [
    "kind on a Docker host: the node's container is not the pod's",
    `/docker/${NODE}/kubepods/besteffort/pod${UID}/${ID}`,
    { kind: "container", driver: "cgroupfs", qos: "BestEffort", podUid: UID, containerId: ID },
  ],
  [
    "kind, systemd's names, as seen on the host",
    `/system.slice/docker-${NODE}.scope/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod${UID_}.slice/cri-containerd-${ID}.scope`,
    { kind: "container", driver: "systemd", qos: "Burstable", podUid: UID, containerId: ID, runtime: "containerd" },
  ],
  [
    "kind: the pod itself is no container",
    `/docker/${NODE}/kubepods/besteffort/pod${UID}`,
    { kind: "pod", driver: "cgroupfs", qos: "BestEffort", podUid: UID },
  ],
  [
    "a container of a docker-in-docker pod",
    `/kubepods/burstable/pod${UID}/${NODE}/docker/${ID}`,
    { kind: "container", driver: "cgroupfs", qos: "Burstable", podUid: UID, containerId: ID, runtime: "docker" },
  ],
  [
    "a pod of a cluster within a pod",
    `/kubepods/burstable/pod${HASH}/${NODE}/kubepods/pod${UID}/${ID}`,
    { kind: "container", driver: "cgroupfs", qos: "Guaranteed", podUid: UID, containerId: ID },
  ],
];

function toAnswer({ unit: _, outerContainerIds: __, ...answer }: CgroupIdentity): Answer {
  return answer;
}

describe("in Kubernetes", () => {
  test.each(INSIDE_PODS)("%s", (path, answer) => {
    expect(toAnswer(parseCgroupPath(path))).toEqual(answer);
  });
});

describe("outside Kubernetes", () => {
  test.each(OUTSIDE_PODS)("%s", (path, answer) => {
    expect(toAnswer(parseCgroupPath(path))).toEqual(answer);
  });
});

describe("rarer runtimes", () => {
  test.each(RARE)("%s", (path, answer) => {
    expect(toAnswer(parseCgroupPath(path))).toEqual(answer);
  });
});

describe("traps", () => {
  test.each(TRAPS)("%s: %s", (_, path, answer) => {
    expect(toAnswer(parseCgroupPath(path))).toEqual(answer);
  });
});

describe("containers that the place is in, outermost first", () => {
  test.each([
    [`/docker/${NODE}/kubepods/besteffort/pod${UID}/${ID}`, [NODE]],
    [`/docker/${NODE}/kubepods/besteffort/pod${UID}`, [NODE]],
    [`/kubepods/burstable/pod${UID}/${NODE}/docker/${ID}`, [NODE]],
    [`/kubepods/burstable/pod${UID}/${ID}`, undefined],
  ])("%s", (path, outer) => {
    expect(parseCgroupPath(path).outerContainerIds).toEqual(outer);
  });
});

describe("the innermost unit, unescaped", () => {
  test.each([
    ["/system.slice/sshd.service", "sshd.service"],
    ["/init.scope", "init.scope"],
    ["/system.slice/a\\x2db.service", "a-b.service"],
    ["/system.slice/system-serial\\x2dgetty.slice/serial-getty@ttyS0.service", "serial-getty@ttyS0.service"],
    ["/system.slice/\\xd1\\x81.service", "с.service"],
    ["/system.slice/_cpu.service", "cpu.service"],
    [`/system.slice/docker-${ID}.scope`, `docker-${ID}.scope`],
    ["/user.slice/user-1000.slice/user@1000.service/app.slice/app-firefox.scope", "app-firefox.scope"],
    [`/kubepods/burstable/pod${UID}/${ID}/system.slice/nginx.service`, "nginx.service"],
    [`/kubepods/burstable/pod${UID}/${ID}`, undefined],
    ["/init", undefined],
    ["/", undefined],
  ])("%s", (path, unit) => {
    expect(parseCgroupPath(path).unit).toBe(unit);
  });

  test.each(["a b.service", ".service", "timers.target", "a.timer", "сервис.service", ""])("%j is no unit", (name) => {
    expect(readUnitName(name)).toBeUndefined();
  });
});

describe("a systemd request that was taken for a name", () => {
  test.each([
    [`kubepods.slice:cri-containerd:${ID}`, ["kubepods.slice", `cri-containerd-${ID}.scope`]],
    [`:cri-containerd:${ID}`, [`cri-containerd-${ID}.scope`]],
    ["system.slice:docker:jvifp9a6b1lxa1kuw8bwfcovf", ["system.slice", "docker-jvifp9a6b1lxa1kuw8bwfcovf.scope"]],
    [`kubepods:cri-containerd:${ID}`, undefined],
    ["kubepods.slice:cri-containerd:abc", undefined],
  ])("%s", (segment, parts) => {
    expect(splitSliceRequest(segment)).toEqual(parts);
  });
});

describe("every layout reads its example", () => {
  test.each(LAYOUTS)("$name: $example", (layout) => {
    expect(readersOf(layout.example).at(-1)).toBe(layout.name);
  });
});

test("every layout is exercised by a path of this file's tables", () => {
  const paths = [...INSIDE_PODS, ...OUTSIDE_PODS, ...RARE].map(([path]) => path);
  const exercised = new Set(paths.flatMap(readersOf));
  expect(LAYOUTS.map(({ name }) => name).filter((name) => !exercised.has(name))).toEqual([]);
});

test("names of layouts are unique", () => {
  expect(new Set(LAYOUTS.map(({ name }) => name)).size).toBe(LAYOUTS.length);
});

/** The layouts that read a path's segments, from the root down. */
function readersOf(path: string): string[] {
  const names: string[] = [];
  const above: string[] = [];
  for (const segment of path.split("/").flatMap((name) => splitSliceRequest(name) ?? [name])) {
    const place = parseCgroupPath(above.join("/"));
    const row = findLayout(LAYOUTS, segment, above.at(-1) ?? "", place)?.row;
    if (segment !== "" && row !== undefined) names.push(row.name);
    above.push(segment);
  }
  return names;
}
