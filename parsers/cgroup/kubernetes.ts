/**
 * The levels that the kubelet makes: kubepods, QoS class, pod.
 * Source: kubernetes pkg/kubelet/cm: cgroup_manager_linux.go, qos_container_manager_linux.go,
 * pod_container_manager_linux.go. --cgroup-root puts more levels above; systemd's names repeat those.
 */

import type { CgroupDriver, QosClass } from "./identity.ts";
import type { Finding, Layout } from "./layout.ts";

/** A UUID with the dashes of the API or the underscores of systemd's names, or a static pod's config hash. */
const POD_UID = "[0-9a-fA-F]{8}(?:[-_][0-9a-fA-F]{4}){3}[-_][0-9a-fA-F]{12}|[0-9a-f]{32}";

const QOS_CLASSES: Readonly<Record<string, QosClass>> = { burstable: "Burstable", besteffort: "BestEffort" };

export const KUBERNETES_LAYOUTS: readonly Layout[] = [
  {
    name: "kubelet/systemd",
    source: "CgroupName.ToSystemd",
    example: "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod1858680e_b044_4fd5_9dd4_f137e30e2180.slice",
    // A slice's name holds those of all the slices above it, so `kubepods` in it is the level above, be it printed or
    // not: a path that is relative to a cgroup namespace starts anywhere.
    pattern: new RegExp(`^(?:.*-)?kubepods(?:-(burstable|besteffort))?(?:-pod(${POD_UID}))?\\.slice$`),
    read: (m) => toLevel("systemd", m[1], m[2]),
  },
  {
    name: "kubelet/cgroupfs kubepods",
    source: "defaultNodeAllocatableCgroupName",
    example: "/kubelet/kubepods",
    pattern: /^kubepods$/,
    read: () => toLevel("cgroupfs"),
  },
  {
    name: "kubelet/cgroupfs QoS class",
    source: "QOSContainersInfo",
    example: "/kubepods/besteffort",
    within: ["kubepods"],
    pattern: /^(burstable|besteffort)$/,
    read: (m) => toLevel("cgroupfs", m[1]),
  },
  {
    name: "kubelet/cgroupfs pod",
    source: "GetPodContainerName",
    example: "/kubepods/burstable/podfbdfe8e3-1c87-4ff2-907c-b2ec8e25d012",
    within: ["kubepods", "qos"],
    pattern: new RegExp(`^pod(${POD_UID})$`),
    read: (m) => toLevel("cgroupfs", undefined, m[1]),
  },
];

function toLevel(driver: CgroupDriver, level?: string, uid?: string): Finding {
  const qos = level === undefined ? undefined : QOS_CLASSES[level];
  const found: Finding = { kind: uid !== undefined ? "pod" : qos !== undefined ? "qos" : "kubepods", driver };
  if (qos !== undefined) found.qos = qos;
  if (uid !== undefined) found.podUid = uid.replaceAll("_", "-");
  if (uid?.length === 32) found.staticPod = true;
  return found;
}
