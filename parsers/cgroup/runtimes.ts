/** What container runtimes make: a container's cgroup, with its ID, and the monitor that stands beside it. */

import type { CgroupIdentity } from "./identity.ts";
import type { Finding, Layout } from "./layout.ts";

type Runtime = CgroupIdentity["runtime"];

const ID = "[0-9a-f]{64}";
const AN_ID = "9bca8d63d5fa610783847915bcff0ecac1273e5b4bed3f6fa1b07350e0135961";

/** conmon watches a container of CRI-O or Podman; its cgroup bears the container's ID and is not the container's. */
const MONITORS: readonly Layout[] = [
  monitor("crio-conmon", "cri-o", "cri-o internal/config/cgmgr MoveConmonToCgroup"),
  monitor("libpod-conmon", "podman", "podman libpod/oci_conmon_linux.go moveConmonToCgroupAndSignal"),
  {
    name: "conmon",
    source: "podman libpod/oci_conmon_linux.go moveConmonToCgroupAndSignal, cgroupfs",
    example: "/libpod_parent/conmon",
    parent: /^libpod_parent$/,
    pattern: /^conmon$/,
    read: () => ({ kind: "monitor", driver: "cgroupfs", runtime: "podman" }),
  },
  {
    name: "lxc.monitor/<name>",
    source: "lxc src/lxc/cgroups/cgfsng.c, 4.0",
    example: "/lxc.monitor/web",
    parent: /^lxc\.monitor$/,
    pattern: /^/,
    read: () => ({ kind: "monitor", driver: "cgroupfs", runtime: "lxc" }),
  },
  {
    name: "lxc.monitor.<name>",
    source: "lxc src/lxc/cgroups/cgfsng.c cgfsng_monitor_create",
    example: "/lxc.monitor.web",
    pattern: /^lxc\.monitor\./,
    read: () => ({ kind: "monitor", driver: "cgroupfs", runtime: "lxc" }),
  },
];

/** `<prefix>-<id>.scope` under systemd, `<prefix>-<id>` under cgroupfs. */
const PREFIXES: readonly Layout[] = [
  prefixed("cri-containerd", "containerd", "containerd internal/cri/server/podsandbox getCgroupsPath"),
  prefixed("crio", "cri-o", "cri-o internal/config/cgmgr ContainerCgroupPath"),
  prefixed("docker", "docker", "moby daemon/oci_linux.go withCgroups"),
  prefixed("libpod", "podman", "podman libpod/container_internal_linux.go getOCICgroupPath"),
  prefixed("libpod-payload", "podman", "podman getOCICgroupPath, --cgroups=split: Quadlet, below its service"),
  prefixed("nerdctl", "containerd", "nerdctl pkg/cmd/container/run_cgroup_linux.go generateCgroupPath"),
];

/** The ID alone, below a directory that tells more. */
const PARENTS: readonly Layout[] = [
  {
    name: "docker/<id>",
    source: "moby daemon/oci_linux.go withCgroups",
    example: `/docker/${AN_ID}`,
    parent: /^docker$/,
    pattern: new RegExp(`^(${ID})$`),
    read: (m) => container("cgroupfs", "docker", m[1]),
  },
  {
    name: "actions_job/<id>",
    source: "GitHub Actions runner, docker create --cgroup-parent",
    example: `/actions_job/${AN_ID}`,
    parent: /^actions_job$/,
    pattern: new RegExp(`^(${ID})$`),
    read: (m) => container("cgroupfs", "docker", m[1]),
  },
  {
    name: "libpod_parent/<id of a Podman pod>",
    source: "podman libpod/runtime_pod_linux.go platformMakePod",
    example: `/libpod_parent/${AN_ID}`,
    parent: /^libpod_parent$/,
    pattern: new RegExp(`^${ID}$`),
    read: () => ({ kind: "other", driver: "cgroupfs", runtime: "podman" }),
  },
  {
    name: "BuildKit step, systemd's name",
    source: "buildkit executor/oci/spec_linux.go, identity.NewID; dockerd's cgroup parent",
    example: "/system.slice/system.slice:docker:jvifp9a6b1lxa1kuw8bwfcovf",
    pattern: /^docker-[0-9a-z]{25}\.scope$/,
    read: () => container("systemd", "docker"),
  },
  {
    name: "BuildKit step",
    source: "buildkit executor/oci/spec_linux.go, identity.NewID",
    example: "/docker/buildkit/n4eu0udvbz9vfzjy71jkvgkwh",
    parent: /^(?:docker|buildkit)$/,
    pattern: /^[0-9a-z]{25}$/,
    read: () => container("cgroupfs", "docker"),
  },
  {
    name: "ecs/<task>/<task>-<number>",
    source: "Fargate platform 1.4",
    example: "/ecs/cd189a933e5849daa93386466019ab50/cd189a933e5849daa93386466019ab50-2495160603",
    parent: /^[0-9a-f]{32}$/,
    pattern: /^[0-9a-f]{32}-\d+$/,
    read: (m) => container("cgroupfs", undefined, m[0]),
  },
  {
    name: "garden/<handle>",
    source: "Cloud Foundry guardian gardener/gardener.go; good and bad by its CPU entitlement plugin",
    example: "/system.slice/garden.service/garden/70eb4ce5-a065-4401-6990-88ed",
    parent: /^(?:garden|good|bad)$/,
    pattern: /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{4,12}$/,
    read: (m) => container("cgroupfs", undefined, m[0]),
  },
  {
    name: "lxc/<name>",
    source: "lxc src/lxc/cgroups/cgfsng.c, lxc.cgroup.pattern; Proxmox",
    example: "/lxc/107",
    parent: /^lxc(?:\.payload)?$/,
    pattern: /^/,
    read: () => container("cgroupfs", "lxc"),
  },
  {
    name: "lxc.payload.<name>",
    source: "lxc src/lxc/cgroups/cgfsng.c cgfsng_payload_create; LXD, Incus",
    example: "/lxc.payload.penguin",
    pattern: /^lxc\.payload\./,
    read: () => container("cgroupfs", "lxc"),
  },
];

/** An ID of which nothing tells the runtime. */
const BARE: readonly Layout[] = [
  {
    name: "<any>-<id>.scope",
    source: "runc and crun by themselves; runtimes that are not known here",
    example: `/system.slice/runc-${AN_ID}.scope`,
    pattern: new RegExp(`^.+-(${ID})\\.scope$`),
    read: (m) => container("systemd", undefined, m[1]),
  },
  {
    name: "kata_<id>",
    source: "kata-containers runtime pkg/resourcecontrol; the ID is the sandbox's",
    example: `/kubepods/podfa152857-05d1-44fc-9cdc-d448b2c98941/kata_${AN_ID}`,
    pattern: new RegExp(`^kata_(${ID})$`),
    read: (m) => container("cgroupfs", undefined, m[1]),
  },
  {
    name: "<id>",
    source: "containerd and Docker below a pod, Docker with --cgroup-parent, nerdctl below its namespace",
    example: `/kubepods/pod2c48913c-b29f-11e7-9350-020968147796/${AN_ID}`,
    pattern: new RegExp(`^(${ID})$`),
    read: (m) => container("cgroupfs", undefined, m[1]),
  },
];

export const RUNTIME_LAYOUTS: readonly Layout[] = [...MONITORS, ...PREFIXES, ...PARENTS, ...BARE];

function prefixed(prefix: string, runtime: Runtime, source: string): Layout {
  return {
    name: `${prefix}-<id>`,
    source,
    example: `/system.slice/${prefix}-${AN_ID}.scope`,
    pattern: new RegExp(`^${prefix}-(${ID})(\\.scope)?$`),
    read: (m) => container(m[2] === undefined ? "cgroupfs" : "systemd", runtime, m[1]),
  };
}

function monitor(prefix: string, runtime: NonNullable<Runtime>, source: string): Layout {
  return {
    name: `${prefix}-<id>`,
    source,
    example: `/system.slice/${prefix}-${AN_ID}.scope`,
    pattern: new RegExp(`^${prefix}-${ID}(\\.scope)?$`),
    read: (m) => ({ kind: "monitor", driver: m[1] === undefined ? "cgroupfs" : "systemd", runtime }),
  };
}

function container(driver: "cgroupfs" | "systemd", runtime: Runtime, containerId?: string): Finding {
  const found: Finding = { kind: "container", driver };
  if (runtime !== undefined) found.runtime = runtime;
  if (containerId !== undefined) found.containerId = containerId;
  return found;
}
