/** Who a killed process belonged to, in the names of Kubernetes or of the container runtime. */
import type { ImageReference } from "./pods/image.ts";
import type { Owner } from "./pods/owners.ts";
import type { ContainerFacts, ContainerKind, PodFacts } from "./pods/pod.ts";

/** What named it. `pod_list`: a list that was saved */
export type NameSource =
  | "kubernetes_api"
  | "kubelet"
  | "pod_list"
  | "containerd"
  | "cri-o"
  | "docker"
  | "podman"
  | "log_directory";

/** OpenTelemetry's attributes of a service. */
export interface Service {
  name?: string;
  namespace?: string;
  version?: string;
  instanceId?: string;
}

/** Of what a container of a pod has, what could not be found out. */
export type MissingName = "namespace" | "pod" | "container" | "image" | "owner" | "limits";

/** Whatever is not known is absent, and of a pod's container named under `missing`. */
export interface Who {
  sources: readonly NameSource[];
  missing: readonly MissingName[];
  namespace?: string;
  pod?: string;
  /** the API's: of a static pod not what its cgroup has */
  podUid?: string;
  /** of a static pod, what its cgroup has */
  configHash?: string;
  node?: string;
  /** its name in the pod; of a container that is no pod's, the runtime's */
  container?: string;
  /** `sandbox`: the pod's pause container, which no status shows */
  containerKind?: ContainerKind | "sandbox";
  /** how often it had been restarted before this run */
  restarts?: number;
  image?: ImageReference;
  imageId?: string;
  /** bytes, as the runtime was told when it made the container; where the API's word is not to be had */
  memoryLimit?: number;
  /** the controller first, then what owns that; empty: none, or not known */
  owners: readonly Owner[];
  /** of a pod, or of Docker Compose */
  service?: Service;
  /** all that is known of the pod and of the container as it was, where a list or the API told */
  podFacts?: PodFacts;
  containerFacts?: ContainerFacts;
}
