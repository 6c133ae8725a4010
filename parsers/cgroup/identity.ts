/** What a cgroup path says: the value that every layout fills in. */

/** Who made the cgroup. `mixed`: the kubelet asked for systemd's names, the runtime made them as mere directories. */
export type CgroupDriver = "cgroupfs" | "systemd" | "mixed";
export type QosClass = "Guaranteed" | "Burstable" | "BestEffort";
export type PlaceKind = "container" | "pod" | "qos" | "kubepods" | "monitor" | "unit" | "user" | "other" | "root";

/** What the path alone says. A field that it does not say is absent. */
export interface CgroupIdentity {
  /** which kind of place it is; `other` may still be somewhere in a pod or a QoS class */
  kind: PlaceKind;
  driver?: CgroupDriver;
  runtime?: "containerd" | "cri-o" | "docker" | "podman" | "lxc";
  qos?: QosClass;
  /** canonical, with dashes; a static pod's is the config hash: 32 hex digits */
  podUid?: string;
  /** true where podUid is a config hash: the API's mirror pod has another UID */
  staticPod?: boolean;
  /** 64 hex digits; Fargate and Cloud Foundry have forms of their own */
  containerId?: string;
  /** IDs of the containers that this place is in, outermost first: kind's node, the pod's own of docker-in-docker */
  outerContainerIds?: readonly string[];
  /** the cgroups below the container's own, as the container made them: `/init.scope`; starts with a slash */
  nested?: string;
  /** innermost systemd unit, a container's own scope included, unescaped: `sshd.service` */
  unit?: string;
}
