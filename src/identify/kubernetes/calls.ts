/**
 * Every verb and resource of the Kubernetes API that is used, as a table: the paths that are asked for are made from it
 * and nowhere else, so that the RBAC of a deployment can be held against it.
 * Spec: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris
 */

export type Verb = "get" | "list" | "watch";

export interface ApiCall {
  /** "" is the core group */
  group: "" | "apps" | "autoscaling" | "batch";
  version: "v1" | "v2";
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
  /** autoscaling/v2 is there since Kubernetes 1.23. */
  autoscalers: {
    group: "autoscaling",
    version: "v2",
    resource: "horizontalpodautoscalers",
    verbs: ["list"],
    why: "whether what scales a pod's owner is at its maximum",
  },
  events: {
    group: "",
    version: "v1",
    resource: "events",
    verbs: ["list"],
    why: "what Kubernetes has noted of a pod (back-offs, probes that fail), and of one that replaces it and finds no node",
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

/** @param query what is undefined is left out @param namespace undefined: of all namespaces */
export function toListPath(call: ApiCall, query: Query, namespace?: string): string {
  const set = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined) set.append(key, value);
  return `${toGroupPath(call)}${within(namespace)}/${call.resource}?${set}`;
}

/** @param namespace undefined: the resource is the cluster's */
export function toObjectPath(call: ApiCall, name: string, namespace?: string): string {
  return `${toGroupPath(call)}${within(namespace)}/${call.resource}/${encodeURIComponent(name)}`;
}

/** `list and watch pods`, `get replicasets.apps`: as RBAC has it */
export function describeRight({ group, resource, subresource, verbs }: ApiCall): string {
  const name = [resource, subresource].filter((part) => part !== undefined).join("/");
  return `${verbs.join(" and ")} ${group === "" ? name : `${name}.${group}`}`;
}

function within(namespace: string | undefined): string {
  return namespace === undefined ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
}

function toGroupPath({ group, version }: ApiCall): string {
  return group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
}
