/** The output of `kubectl get pods -A -o json` → who owns a container ID or a pod UID. */

export interface PodNames {
  namespace: string;
  pod: string;
  /** of the API: for a static pod another one than in the cgroup path */
  uid: string | undefined;
  node: string | undefined;
  /** the key of OpenTelemetry for the kind, and the name */
  owner: { key: string; name: string } | undefined;
}

export interface ContainerNames {
  pod: PodNames;
  container: string;
  image: string | undefined;
  restarts: number | undefined;
}

export interface Pods {
  readonly count: number;
  byContainer(id: string): ContainerNames | undefined;
  /** @param uid in a cgroup path: of a static pod its config hash */
  byUid(uid: string): PodNames | undefined;
}

/** What is read of a pod; anything else may be there, and any of this missing. */
interface Pod {
  metadata?: {
    name?: unknown;
    namespace?: unknown;
    uid?: unknown;
    annotations?: Record<string, unknown>;
    labels?: Record<string, unknown>;
    ownerReferences?: { kind?: unknown; name?: unknown; controller?: unknown }[];
  };
  spec?: { nodeName?: unknown };
  status?: Record<string, unknown>;
}

interface ContainerStatus {
  name?: unknown;
  image?: unknown;
  restartCount?: unknown;
  containerID?: unknown;
  state?: Record<string, { containerID?: unknown } | undefined>;
  lastState?: Record<string, { containerID?: unknown } | undefined>;
}

const STATUSES = ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"];

/** @returns undefined where it is no list of pods nor a pod */
export function parsePods(json: string): Pods | undefined {
  const pods = listOf(json);
  if (pods === undefined) return undefined;
  const containers = new Map<string, ContainerNames>();
  const uids = new Map<string, PodNames>();
  for (const pod of pods) {
    const names = toNames(pod);
    if (names === undefined) continue;
    if (names.uid !== undefined) uids.set(names.uid, names);
    const hash = text(pod.metadata?.annotations?.["kubernetes.io/config.hash"]);
    if (hash !== undefined) uids.set(hash, names);
    for (const key of STATUSES) {
      const statuses = pod.status?.[key];
      if (Array.isArray(statuses)) for (const status of statuses) addContainer(containers, names, status);
    }
  }
  return {
    count: pods.length,
    byContainer: (id) => containers.get(id),
    byUid: (uid) => uids.get(uid),
  };
}

function listOf(json: string): Pod[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { kind, items } = value as { kind?: unknown; items?: unknown };
  if (Array.isArray(items)) return items.filter((item) => typeof item === "object" && item !== null);
  return kind === "Pod" ? [value as Pod] : undefined;
}

function toNames({ metadata, spec }: Pod): PodNames | undefined {
  const pod = text(metadata?.name);
  const namespace = text(metadata?.namespace);
  if (pod === undefined || namespace === undefined) return undefined;
  return { namespace, pod, uid: text(metadata?.uid), node: text(spec?.nodeName), owner: ownerOf(metadata) };
}

const DEPLOYMENT = "k8s.deployment.name";
const OWNER_KEYS: Readonly<Record<string, string>> = {
  StatefulSet: "k8s.statefulset.name",
  DaemonSet: "k8s.daemonset.name",
  Job: "k8s.job.name",
  ReplicaSet: "k8s.replicaset.name",
};

/** Every key that an owner may be named by. */
export const OWNER_ATTRIBUTES: readonly string[] = [DEPLOYMENT, ...Object.values(OWNER_KEYS)];

/** A Deployment's ReplicaSet is called like the Deployment, with the hash of its template behind it. */
function ownerOf(metadata: Pod["metadata"]): PodNames["owner"] {
  const owners = metadata?.ownerReferences;
  if (!Array.isArray(owners)) return undefined;
  const { kind, name } = owners.find(({ controller }) => controller === true) ?? {};
  const key = OWNER_KEYS[String(kind)];
  const owner = text(name);
  if (key === undefined || owner === undefined) return undefined;
  const hash = text(metadata?.labels?.["pod-template-hash"]);
  if (kind === "ReplicaSet" && hash !== undefined && owner.endsWith(`-${hash}`)) {
    return { key: DEPLOYMENT, name: owner.slice(0, -hash.length - 1) };
  }
  return { key, name: owner };
}

/** A container that was killed has a successor as a rule: its own ID stands in its last state. */
function addContainer(containers: Map<string, ContainerNames>, pod: PodNames, status: ContainerStatus): void {
  const container = text(status?.name);
  if (container === undefined) return;
  const restarts = typeof status.restartCount === "number" ? status.restartCount : undefined;
  const image = text(status.image);
  const current = idOf(status.containerID);
  if (current !== undefined) containers.set(current, { pod, container, image, restarts });
  for (const { containerID } of Object.values(status.lastState ?? {}).filter(
    (one) => one !== undefined && one !== null,
  ) as {
    containerID?: unknown;
  }[]) {
    const id = idOf(containerID);
    const before = restarts === undefined ? undefined : Math.max(restarts - 1, 0);
    if (id !== undefined && id !== current) containers.set(id, { pod, container, image, restarts: before });
  }
}

/** `containerd://ID` → `ID` */
function idOf(value: unknown): string | undefined {
  const id = text(value);
  return id?.slice(id.indexOf("://") === -1 ? 0 : id.indexOf("://") + 3);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
