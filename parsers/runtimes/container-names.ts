/** What a node's files say of a container, and which of it can be a name at all. */

/** Whatever the files do not say is absent. */
export interface ContainerNames {
  namespace?: string;
  pod?: string;
  /** as in the cgroup path: of a static pod its config hash */
  podUid?: string;
  /** in its pod; a sandbox has none */
  container?: string;
  /** of a container that is in no pod: what Docker, Podman or nerdctl calls it */
  name?: string;
  image?: string;
  imageId?: string;
  /** the pod's pause container, which is no container of the pod's spec */
  isSandbox?: true;
  sandboxId?: string;
  runtime?: "containerd" | "cri-o" | "docker" | "podman";
  /** bytes, as the runtime was told when it made the container: a later resize is not in it */
  memoryLimit?: number;
  /** how often the container had been started before in its pod */
  restarts?: number;
  composeProject?: string;
  composeService?: string;
  /** which kind of files say so */
  source: "containerd" | "cri-o" | "docker" | "podman" | "log_directory";
}

/** A container's ID as all these runtimes make it. It becomes a part of a path. */
export const CONTAINER_ID = /^[0-9a-f]{64}$/;
/** A UUID, or a static pod's config hash. */
export const POD_UID = /^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32})$/i;

/** Kubernetes' rules: k8s.io/apimachinery/pkg/util/validation, IsDNS1123Label and IsDNS1123Subdomain. */
const DNS_LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const DNS_SUBDOMAIN = { test: (name: string): boolean => name.length <= 253 && SUBDOMAIN.test(name) };
/** Docker's, which Podman and nerdctl share: moby daemon/names, RestrictedNameChars; the bound is ours. */
const FREE_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$/;
/** No rule but a bound: a reference with a digest takes some 350 characters at most. */
const IMAGE = /^[\x21-\x7e]{1,512}$/;

const RULES = {
  namespace: DNS_LABEL,
  pod: DNS_SUBDOMAIN,
  podUid: POD_UID,
  container: DNS_LABEL,
  name: FREE_NAME,
  image: IMAGE,
  imageId: IMAGE,
  sandboxId: CONTAINER_ID,
  composeProject: FREE_NAME,
  composeService: FREE_NAME,
} as const satisfies Partial<Record<keyof ContainerNames, Pick<RegExp, "test">>>;

export interface CheckedNames {
  names: ContainerNames;
  /** fields that were there and can be no such name: they are left out */
  refused: readonly (keyof typeof RULES)[];
}

/** Leaves out what cannot be what it is said to be, so that nothing of a broken file gets into a record. */
export function checkNames(said: ContainerNames): CheckedNames {
  const names = { ...said };
  const refused: (keyof typeof RULES)[] = [];
  for (const field of Object.keys(RULES) as (keyof typeof RULES)[]) {
    const value = names[field];
    if (value === undefined || RULES[field].test(value)) continue;
    delete names[field];
    refused.push(field);
  }
  return { names, refused };
}

/** Whether it names anybody; an image or a limit alone does not. */
export function isNamed({ namespace, pod, name }: ContainerNames): boolean {
  return name !== undefined || (namespace !== undefined && pod !== undefined);
}

/** Whether it may be in this pod; where one of both is not known it may. */
export function isInPod({ podUid }: ContainerNames, uid: string | undefined): boolean {
  return podUid === undefined || uid === undefined || podUid.toLowerCase() === uid.toLowerCase();
}
