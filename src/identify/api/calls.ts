/**
 * Every verb and resource of the Kubernetes API that is used, as a table: the paths that are asked for are made from it
 * and nowhere else, so that the RBAC of a deployment can be held against it.
 * Spec: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris
 */

export type Verb = "get" | "list" | "watch";

export interface ApiCall {
  /** "" is the core group */
  group: "" | "apps" | "batch";
  version: "v1";
  /** plural, as in paths and in RBAC */
  resource: string;
  subresource?: string;
  verbs: readonly Verb[];
  /** what is not known of a kill without it */
  why: string;
  /** true: the right is needed only where a setting asks for it */
  optional?: true;
}

export const CALLS = {
  pods: {
    group: "",
    version: "v1",
    resource: "pods",
    verbs: ["list", "watch"],
    why: "which pod and container a cgroup belongs to",
  },
  node: {
    group: "",
    version: "v1",
    resource: "nodes",
    verbs: ["get"],
    why: "the node's memory, and whether it is short of it",
  },
  replicaSet: {
    group: "apps",
    version: "v1",
    resource: "replicasets",
    verbs: ["get"],
    why: "which Deployment a pod belongs to",
  },
  job: {
    group: "batch",
    version: "v1",
    resource: "jobs",
    verbs: ["get"],
    why: "which CronJob a pod belongs to",
  },
  /**
   * Asked of the kubelet and not of the API server, but the kubelet asks the API server whether it may be: by this
   * subresource from Kubernetes 1.33 on, by nodes/proxy before (KEP-2862).
   */
  kubeletPods: {
    group: "",
    version: "v1",
    resource: "nodes",
    subresource: "pods",
    verbs: ["get"],
    why: "the node's pods from its kubelet, where the API server is not to be asked for them",
    optional: true,
  },
} as const satisfies Record<string, ApiCall>;

export type Query = Readonly<Record<string, string | undefined>>;

/** Of all namespaces. @param query what is undefined is left out */
export function toListPath(call: ApiCall, query: Query): string {
  const set = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined) set.append(key, value);
  return `${toGroupPath(call)}/${call.resource}?${set}`;
}

/** @param namespace undefined: the resource is the cluster's */
export function toObjectPath(call: ApiCall, name: string, namespace?: string): string {
  const within = namespace === undefined ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${toGroupPath(call)}${within}/${call.resource}/${encodeURIComponent(name)}`;
}

/** `list and watch pods`, `get replicasets.apps`: as RBAC has it */
export function describeRight({ group, resource, subresource, verbs }: ApiCall): string {
  const name = [resource, subresource].filter((part) => part !== undefined).join("/");
  return `${verbs.join(" and ")} ${group === "" ? name : `${name}.${group}`}`;
}

function toGroupPath({ group, version }: ApiCall): string {
  return group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
}
