/** The resource of a record: the killed container or unit on its node, so that the record joins their other signals. */
import { decodeBytes } from "../../parsers/bytes.ts";
import type { CgroupIdentity } from "../../parsers/cgroup/identity.ts";
import type { KernelRecord } from "../../parsers/kernel-record.ts";
import type { Who } from "../identify/container-metadata.ts";
import type { RecordContext } from "./context.ts";
import type { Attributes, AttributeValue } from "./log-record.ts";

/** The node alone: for records that are no container's. A host that the log names stands above the context's. */
export function toNodeResource(record: KernelRecord | undefined, context: RecordContext): Attributes {
  // Only Linux prints these lines, so that much is known of any node.
  const resource: Attributes = { "os.type": "linux", ...context.resource };
  if (record?.host !== undefined) resource["host.name"] = decodeBytes(record.host);
  if (record?.machineId !== undefined) resource["host.id"] = record.machineId;
  return resource;
}

/**
 * The node, what the victim's cgroup path says of its container, pod or unit, and the names of those.
 * @param node of toNodeResource; where it has a name, that stands above the one of a list of pods
 */
export function toKillResource(
  node: Attributes,
  identity: CgroupIdentity | undefined,
  who: Who | undefined,
): Attributes {
  const resource = { ...node };
  if (identity !== undefined) setPath(resource, identity);
  if (who !== undefined) setNames(resource, who);
  return resource;
}

function setPath(into: Attributes, identity: CgroupIdentity): void {
  set(into, "container.id", identity.containerId);
  set(into, "container.runtime.name", identity.runtime);
  set(into, "k8s.pod.uid", identity.podUid);
  set(into, "service.name", unitServiceName(identity));
}

const OWNER_KEYS: Readonly<Record<string, string>> = {
  Deployment: "k8s.deployment.name",
  ReplicaSet: "k8s.replicaset.name",
  StatefulSet: "k8s.statefulset.name",
  DaemonSet: "k8s.daemonset.name",
  CronJob: "k8s.cronjob.name",
  Job: "k8s.job.name",
};

/** Every key that an owner may be named by, the outermost first. */
export const OWNER_ATTRIBUTES: readonly string[] = Object.values(OWNER_KEYS);

function setNames(into: Attributes, who: Who): void {
  for (const [key, value] of Object.entries(who.podFacts?.resourceAnnotations ?? {})) {
    if (isFree(key)) into[key] = value;
  }
  const isPods = who.pod !== undefined || who.namespace !== undefined;
  set(into, "k8s.namespace.name", who.namespace);
  set(into, "k8s.pod.name", who.pod);
  set(into, "k8s.pod.uid", who.podUid);
  set(into, "k8s.node.name", into["k8s.node.name"] ?? who.node);
  set(into, isPods ? "k8s.container.name" : "container.name", who.container);
  set(into, "k8s.container.restart_count", who.restarts);
  for (const { kind, name } of who.owners) {
    const key = OWNER_KEYS[kind];
    if (key !== undefined) into[key] = name;
  }
  set(into, "container.image.name", who.image?.name);
  set(into, "container.image.tags", who.image?.tag === undefined ? undefined : [who.image.tag]);
  set(into, "container.image.id", who.imageId);
  set(into, "service.name", who.service?.name);
  set(into, "service.namespace", who.service?.namespace);
  set(into, "service.version", who.service?.version);
  set(into, "service.instance.id", who.service?.instanceId);
}

/** What a pod's author may say by annotation: nothing of where it ran. */
const RESERVED = /^(?:k8s|container|host|os|cube|oom|process|log)\./;

function isFree(key: string): boolean {
  return !RESERVED.test(key);
}

function set(into: Attributes, key: string, value: AttributeValue | undefined): void {
  if (value !== undefined) into[key] = value;
}

const SERVICE = ".service";

/** A systemd service's name is its service.name: `sshd.service` → `sshd`; scopes, slices and users' sessions have none. */
function unitServiceName({ kind, unit }: CgroupIdentity): string | undefined {
  if (kind !== "unit" || unit === undefined || !unit.endsWith(SERVICE)) return undefined;
  return unit.length > SERVICE.length ? unit.slice(0, -SERVICE.length) : undefined;
}
