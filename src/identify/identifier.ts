/**
 * A victim's cgroup → who that was: the pods of the API first, then the node's own files; what one does not know the
 * next one may. Nothing is asked for here, so nothing is waited for.
 */
import type { CgroupIdentity } from "../../parsers/cgroup/identity.ts";
import { known } from "../../parsers/loose-json.ts";
import type { ContainerNames } from "../../parsers/runtimes/container-names.ts";
import type { MissingName, NameSource, Service, Who } from "./container-metadata.ts";
import { parseImage } from "./pods/image.ts";
import { type Owner, ownersOf } from "./pods/owners.ts";
import type { ContainerFacts, PodFacts } from "./pods/pod.ts";
import type { KnownContainer, PodCache } from "./pods/pod-cache.ts";
import { serviceOf } from "./pods/service.ts";

export interface NameSources {
  /** @param source whose pods these are */
  pods: Pick<PodCache, "byContainer" | "byUid">;
  podSource: Extract<NameSource, "kubernetes_api" | "kubelet" | "pod_list">;
  /** what the node's files say */
  files?: ((containerId: string | undefined, podUid: string | undefined) => ContainerNames | undefined) | undefined;
  /** what the API has said of an owner; undefined: it was not asked, or has not answered yet */
  askedOwner?: ((pod: PodFacts, owner: Owner) => Owner[] | undefined) | undefined;
  /** services are named by the well-known labels too */
  useLabels?: boolean;
}

/** A victim's cgroup, as its path was read → who that was. */
export type Identify = (identity: CgroupIdentity | undefined) => Who | undefined;

/** @returns undefined where it was no container and no pod, or nothing is known of it */
export function identify(identity: CgroupIdentity | undefined, sources: NameSources): Who | undefined {
  if (identity === undefined || (identity.containerId === undefined && identity.podUid === undefined)) return undefined;
  const found = findContainer(identity, sources.pods);
  const pod = found?.pod ?? podOf(identity, sources.pods);
  const files = filesOf(identity, found, sources);
  if (pod === undefined && files === undefined) return undefined;
  const owners = pod === undefined ? [] : ownersWithApi(pod, sources);
  const container = found?.container;
  const who: Who = {
    sources: [...(pod === undefined ? [] : [sources.podSource]), ...(files === undefined ? [] : [files.source])],
    missing: [],
    owners,
    ...namesOf(identity, pod, files),
    ...containerOf(container, files),
    ...(pod === undefined ? {} : { podFacts: pod }),
    ...(container === undefined ? {} : { containerFacts: container }),
  };
  if (identity.podUid === undefined && who.pod === undefined) return { ...who, ...composeService(files) };
  return { ...who, missing: missingOf(who), service: serviceOf(who, sources.useLabels ?? false) };
}

/** The innermost container that the API knows: in a pod that runs containers itself, the pod's own. */
function findContainer(identity: CgroupIdentity, pods: NameSources["pods"]): KnownContainer | undefined {
  const ids = [identity.containerId, ...[...(identity.outerContainerIds ?? [])].reverse()];
  for (const id of ids) {
    const found = id === undefined ? undefined : pods.byContainer(id);
    // One of another pod under the same ID is none: then only the pod is sure.
    if (found !== undefined && isOfPod(identity, found.pod)) return found;
  }
  return undefined;
}

function isOfPod({ podUid }: CgroupIdentity, { uid, configHash }: PodFacts): boolean {
  return podUid === undefined || podUid === uid || podUid === configHash || uid === undefined;
}

function podOf({ podUid }: CgroupIdentity, pods: NameSources["pods"]): PodFacts | undefined {
  return podUid === undefined ? undefined : pods.byUid(podUid);
}

/** Asked only where the API leaves something open. */
function filesOf(
  identity: CgroupIdentity,
  found: KnownContainer | undefined,
  { files }: NameSources,
): ContainerNames | undefined {
  return found === undefined ? files?.(identity.containerId, identity.podUid) : undefined;
}

function ownersWithApi(pod: PodFacts, { askedOwner }: NameSources): Owner[] {
  const owners = ownersOf(pod);
  const [controller] = owners;
  return (controller === undefined ? undefined : askedOwner?.(pod, controller)) ?? owners;
}

function namesOf(identity: CgroupIdentity, pod: PodFacts | undefined, files: ContainerNames | undefined): Partial<Who> {
  return known<Partial<Who>>({
    namespace: pod?.namespace ?? files?.namespace,
    pod: pod?.name ?? files?.pod,
    podUid: pod?.uid ?? (identity.staticPod ? undefined : identity.podUid),
    configHash: pod?.configHash ?? (identity.staticPod ? identity.podUid : undefined),
    node: pod?.node,
  });
}

function containerOf(container: ContainerFacts | undefined, files: ContainerNames | undefined): Partial<Who> {
  if (container === undefined && files?.isSandbox) return { containerKind: "sandbox" };
  const { image, imageId, restarts } = container ?? files ?? {};
  return known<Partial<Who>>({
    container: container?.name ?? files?.container ?? files?.name,
    containerKind: container?.kind,
    memoryLimit: files?.memoryLimit,
    restarts,
    image: image === undefined ? undefined : parseImage(image),
    imageId,
  });
}

/** Docker Compose's project and service are OpenTelemetry's namespace and name of a service. */
function composeService(files: ContainerNames | undefined): Partial<Who> | undefined {
  const { composeService: name, composeProject: namespace } = files ?? {};
  return name === undefined ? undefined : { service: known<Service>({ name, namespace }) };
}

function missingOf(who: Who): MissingName[] {
  const isSandbox = who.containerKind === "sandbox";
  const found: Record<MissingName, boolean> = {
    namespace: who.namespace !== undefined,
    pod: who.pod !== undefined,
    container: who.container !== undefined || isSandbox,
    image: who.image !== undefined || isSandbox,
    // A pod that the API shows without a controller has none.
    owner: who.podFacts !== undefined,
    limits: who.containerFacts !== undefined || who.memoryLimit !== undefined || isSandbox,
  };
  return (Object.keys(found) as MissingName[]).filter((name) => !found[name]);
}
