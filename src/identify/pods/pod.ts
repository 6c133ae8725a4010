/**
 * A pod of the Kubernetes API → what a kill in it needs to know; nothing else of it is kept.
 * Spec: core/v1 Pod. Whatever is missing or of another type is left out: a pod that was just made has no status.
 */
import type { V1ContainerState, V1ContainerStatus, V1Pod, V1ResourceRequirements } from "@kubernetes/client-node";
import type { QosClass } from "../../../parsers/cgroup/identity.ts";
import { known, text } from "../../../parsers/loose-json.ts";
import { parseQuantity } from "./quantity.ts";

/** Bytes; absent where none is set. */
export interface MemoryBounds {
  request?: number;
  limit?: number;
}

/** `sidecar`: an init container that is restarted, so that it runs beside the others */
export type ContainerKind = "container" | "init" | "sidecar" | "ephemeral";

/** Times are milliseconds since the Unix epoch. */
export interface ContainerState {
  is: "waiting" | "running" | "terminated";
  /** `OOMKilled`, `CrashLoopBackOff`, `Completed`, … */
  reason?: string;
  exitCode?: number;
  signal?: number;
  startedMs?: number;
  finishedMs?: number;
  /** of the terminated container, without the runtime's prefix */
  containerId?: string;
}

export interface ContainerFacts {
  name: string;
  kind: ContainerKind;
  image?: string;
  /** what the runtime pulled: a digest as a rule */
  imageId?: string;
  /** of the container that runs, or ran last; without the runtime's prefix */
  id?: string;
  /** as the prefix of the ID has it: `containerd`, `cri-o`, `docker` */
  runtime?: string;
  /** in force; while a resize is under way not what the spec has */
  memory: MemoryBounds;
  /** what the spec wants, where that is not in force (yet) */
  wanted?: MemoryBounds;
  restarts?: number;
  state?: ContainerState;
  lastState?: ContainerState;
}

export interface OwnerReference {
  kind: string;
  name: string;
  uid?: string;
}

/** An emptyDir in memory: what is in it counts against the containers that wrote it. */
export interface MemoryVolume {
  name: string;
  /** bytes */
  sizeLimit?: number;
  /** names of the containers that have it mounted */
  containers: readonly string[];
}

export interface PodFacts {
  namespace: string;
  name: string;
  /** the API's; of a static pod its mirror pod's */
  uid?: string;
  /** of a static pod, which its cgroups have in the UID's place */
  configHash?: string;
  node?: string;
  /** those that are used: see USED_LABELS */
  labels: Readonly<Record<string, string>>;
  /** of `resource.opentelemetry.io/`, without that prefix */
  resourceAnnotations: Readonly<Record<string, string>>;
  /** its controller */
  owner?: OwnerReference;
  qos?: QosClass;
  priority?: number;
  createdMs?: number;
  /** it is being deleted since, or was to be by then */
  deletionMs?: number;
  /** it is no longer there: these are its last words */
  isGone?: true;
  phase?: string;
  /** `Evicted`, … */
  reason?: string;
  /** the kubelet's words for it */
  message?: string;
  /** of the pod as a whole, where its spec has them (Kubernetes 1.34 and later) */
  memory?: MemoryBounds;
  memoryVolumes: readonly MemoryVolume[];
  containers: readonly ContainerFacts[];
}

/** Labels that name a pod's owner or service. */
export const USED_LABELS = [
  "pod-template-hash",
  "controller-revision-hash",
  "app.kubernetes.io/name",
  "app.kubernetes.io/instance",
  "app.kubernetes.io/version",
] as const;

const RESOURCE_ANNOTATION = "resource.opentelemetry.io/";
const CONFIG_HASH = "kubernetes.io/config.hash";
const QOS_CLASSES: readonly string[] = ["Guaranteed", "Burstable", "BestEffort"] satisfies QosClass[];

/** Any part of it may be missing, or be something else. */
export type Loose<T> = LooseValue<NonNullable<T>>;
type LooseValue<T> = T extends readonly (infer E)[]
  ? readonly Loose<E>[] | undefined | null
  : T extends Date
    ? unknown
    : T extends object
      ? { readonly [K in keyof T]?: Loose<T[K]> } | undefined | null
      : unknown;

/** @param json an item of a list of pods, a watch's object, or one of the kubelet's /pods; undefined where it is no pod */
export function toPodFacts(json: unknown): PodFacts | undefined {
  const pod = json as Loose<V1Pod>;
  const name = text(pod?.metadata?.name);
  const namespace = text(pod?.metadata?.namespace);
  if (name === undefined || namespace === undefined) return undefined;
  const { metadata, spec, status } = pod ?? {};
  const annotations = (metadata?.annotations ?? {}) as Record<string, unknown>;
  const qos = text(status?.qosClass);
  return known<PodFacts>({
    namespace,
    name,
    uid: text(metadata?.uid),
    configHash: text(annotations[CONFIG_HASH]),
    node: text(spec?.nodeName),
    labels: pick((metadata?.labels ?? {}) as Record<string, unknown>, (key) =>
      (USED_LABELS as readonly string[]).includes(key) ? key : undefined,
    ),
    resourceAnnotations: pick(annotations, (key) =>
      key.startsWith(RESOURCE_ANNOTATION) ? key.slice(RESOURCE_ANNOTATION.length) : undefined,
    ),
    owner: toOwner(metadata?.ownerReferences),
    qos: qos !== undefined && QOS_CLASSES.includes(qos) ? (qos as QosClass) : undefined,
    priority: number(spec?.priority),
    createdMs: toTime(metadata?.creationTimestamp),
    deletionMs: toTime(metadata?.deletionTimestamp),
    isGone: undefined,
    phase: text(status?.phase),
    reason: text(status?.reason),
    message: text(status?.message)?.slice(0, MAX_LENGTH),
    memory: toBounds(spec?.resources),
    memoryVolumes: toMemoryVolumes(spec),
    containers: toContainers(spec, status),
  });
}

type LooseSpec = Loose<V1Pod["spec"]>;
type LooseStatus = Loose<V1Pod["status"]>;

export function toOwner(
  references: Loose<NonNullable<V1Pod["metadata"]>["ownerReferences"]>,
): OwnerReference | undefined {
  const reference = list(references).find((one) => one?.controller === true);
  const kind = text(reference?.kind);
  const name = text(reference?.name);
  if (kind === undefined || name === undefined) return undefined;
  return known<OwnerReference>({ kind, name, uid: text(reference?.uid) });
}

function toMemoryVolumes(spec: LooseSpec): MemoryVolume[] {
  const containers = [...list(spec?.containers), ...list(spec?.initContainers)];
  return list(spec?.volumes).flatMap((volume) => {
    const name = text(volume?.name);
    if (name === undefined || volume?.emptyDir?.medium !== "Memory") return [];
    const mounting = containers.filter((one) => list(one?.volumeMounts).some((mount) => mount?.name === name));
    return known<MemoryVolume>({
      name,
      sizeLimit: parseQuantity(volume.emptyDir.sizeLimit),
      containers: mounting.flatMap((one) => text(one?.name) ?? []),
    });
  });
}

function toContainers(spec: LooseSpec, status: LooseStatus): ContainerFacts[] {
  const found: ContainerFacts[] = [];
  const add = (containers: unknown, statuses: unknown, kind: ContainerKind): void => {
    const statusOf = new Map(list(statuses as LooseStatuses).map((one) => [text(one?.name), one]));
    for (const container of list(containers as LooseContainers)) {
      const name = text(container?.name);
      if (name === undefined) continue;
      const isSidecar = kind === "init" && container?.restartPolicy === "Always";
      found.push(toContainer(name, isSidecar ? "sidecar" : kind, container, statusOf.get(name)));
    }
  };
  add(spec?.containers, status?.containerStatuses, "container");
  add(spec?.initContainers, status?.initContainerStatuses, "init");
  add(spec?.ephemeralContainers, status?.ephemeralContainerStatuses, "ephemeral");
  return found;
}

type LooseContainers = Loose<{ name: string; image: string; resources: object; restartPolicy: string }[]>;
type LooseStatuses = Loose<V1ContainerStatus[]>;

function toContainer(
  name: string,
  kind: ContainerKind,
  container: NonNullable<LooseContainers>[number],
  status: NonNullable<LooseStatuses>[number],
): ContainerFacts {
  const wanted = toBounds(container?.resources) ?? {};
  const inForce = toBounds(status?.resources);
  const isResizing = inForce !== undefined && (inForce.limit !== wanted.limit || inForce.request !== wanted.request);
  const [runtime, id] = splitContainerId(status?.containerID);
  return known<ContainerFacts>({
    name,
    kind,
    image: text(container?.image) ?? text(status?.image),
    imageId: text(status?.imageID),
    id,
    runtime,
    memory: inForce ?? wanted,
    wanted: isResizing ? wanted : undefined,
    restarts: number(status?.restartCount),
    state: toState(status?.state),
    lastState: toState(status?.lastState),
  });
}

function toState(state: Loose<V1ContainerState>): ContainerState | undefined {
  const { terminated, running, waiting } = state ?? {};
  if (terminated) {
    return known<ContainerState>({
      is: "terminated",
      reason: text(terminated.reason),
      exitCode: number(terminated.exitCode),
      signal: number(terminated.signal),
      startedMs: toTime(terminated.startedAt),
      finishedMs: toTime(terminated.finishedAt),
      containerId: splitContainerId(terminated.containerID)[1],
    });
  }
  if (running) return known<ContainerState>({ is: "running", startedMs: toTime(running.startedAt) });
  if (waiting) return known<ContainerState>({ is: "waiting", reason: text(waiting.reason) });
  return undefined;
}

function toBounds(resources: Loose<V1ResourceRequirements>): MemoryBounds | undefined {
  if (resources === undefined || resources === null) return undefined;
  return known<MemoryBounds>({ request: toMemory(resources.requests), limit: toMemory(resources.limits) });
}

/** The memory of a list of resources, bytes. */
export function toMemory(resources: unknown): number | undefined {
  return parseQuantity((resources as Record<string, unknown> | undefined | null)?.["memory"]);
}

/** `containerd://ID` → `["containerd", "ID"]`; IDs without a prefix are taken as they are */
export function splitContainerId(value: unknown): [runtime: string | undefined, id: string | undefined] {
  const whole = text(value);
  const at = whole?.indexOf("://") ?? -1;
  if (whole === undefined || at === -1) return [undefined, whole];
  return [text(whole.slice(0, at)), text(whole.slice(at + 3))];
}

function list<T>(value: readonly T[] | undefined | null): readonly T[] {
  return Array.isArray(value) ? value : [];
}

function number(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** @returns milliseconds since the Unix epoch */
export function toTime(value: unknown): number | undefined {
  const ms = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

/** What a pod's author may put onto every record of it. */
const MAX_PICKED = 32;
const MAX_LENGTH = 1024;

/** @param nameOf what a key is kept as; undefined: it is not */
function pick(
  of: Readonly<Record<string, unknown>>,
  nameOf: (key: string) => string | undefined,
): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [key, value] of Object.entries(of)) {
    const name = nameOf(key);
    if (name === undefined || typeof value !== "string" || value === "" || value.length > MAX_LENGTH) continue;
    kept[name] = value;
    if (Object.keys(kept).length === MAX_PICKED) break;
  }
  return kept;
}
