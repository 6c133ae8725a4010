/**
 * A victim's cgroup → who that was: the pods of the API first, then the node's own files; what one does not know the
 * next one may. Nothing is asked for here, so nothing is waited for.
 */
import type { CgroupIdentity } from "../../parsers/cgroup/path.ts";
import type { ContainerNames } from "../../parsers/runtimes/container-names.ts";
import { parseImage } from "./image.ts";
import { type Owner, ownersOf } from "./owners.ts";
import type { ContainerFacts, PodFacts } from "./pod.ts";
import type { KnownContainer, PodCache } from "./pod-cache.ts";
import { serviceOf } from "./service.ts";
import type { MissingName, NameSource, Who } from "./who.ts";

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
  const known = findContainer(identity, sources.pods);
  const pod = known?.pod ?? podOf(identity, sources.pods);
  const files = filesOf(identity, known, sources);
  if (pod === undefined && files === undefined) return undefined;
  const owners = pod === undefined ? [] : ownersWithApi(pod, sources);
  const container = known?.container;
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
    const known = id === undefined ? undefined : pods.byContainer(id);
    // One of another pod under the same ID is none: then only the pod is sure.
    if (known !== undefined && isOfPod(identity, known.pod)) return known;
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
  known: KnownContainer | undefined,
  { files }: NameSources,
): ContainerNames | undefined {
  return known === undefined ? files?.(identity.containerId, identity.podUid) : undefined;
}

function ownersWithApi(pod: PodFacts, { askedOwner }: NameSources): Owner[] {
  const owners = ownersOf(pod);
  const [controller] = owners;
  return (controller === undefined ? undefined : askedOwner?.(pod, controller)) ?? owners;
}

function namesOf(identity: CgroupIdentity, pod: PodFacts | undefined, files: ContainerNames | undefined): Partial<Who> {
  const hash = pod?.configHash ?? (identity.staticPod ? identity.podUid : undefined);
  const uid = pod?.uid ?? (identity.staticPod ? undefined : identity.podUid);
  return {
    ...set("namespace", pod?.namespace ?? files?.namespace),
    ...set("pod", pod?.name ?? files?.pod),
    ...set("podUid", uid),
    ...set("configHash", hash),
    ...set("node", pod?.node),
  };
}

function containerOf(container: ContainerFacts | undefined, files: ContainerNames | undefined): Partial<Who> {
  if (container !== undefined) {
    return {
      container: container.name,
      containerKind: container.kind,
      ...set("restarts", container.restarts),
      ...imageOf(container),
    };
  }
  if (files?.isSandbox) return { containerKind: "sandbox" };
  return {
    ...set("container", files?.container ?? files?.name),
    ...set("memoryLimit", files?.memoryLimit),
    ...set("restarts", files?.restarts),
    ...imageOf(files),
  };
}

/** Docker Compose's project and service are OpenTelemetry's namespace and name of a service. */
function composeService(files: ContainerNames | undefined): Partial<Who> | undefined {
  const { composeService: name, composeProject: namespace } = files ?? {};
  if (name === undefined) return undefined;
  return { service: { name, ...(namespace === undefined ? {} : { namespace }) } };
}

function imageOf(of: { image?: string; imageId?: string } | undefined): Partial<Who> {
  return {
    ...set("image", of?.image === undefined ? undefined : parseImage(of.image)),
    ...set("imageId", of?.imageId),
  };
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

function set<K extends keyof Who>(key: K, value: Who[K] | undefined): Pick<Who, K> | undefined {
  return value === undefined ? undefined : ({ [key]: value } as Pick<Who, K>);
}
