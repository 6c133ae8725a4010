/** The resource of a record: the killed container or unit on its node, so that the record joins their other signals. */
import { decodeBytes } from "../../parsers/bytes.ts";
import type { CgroupIdentity } from "../../parsers/cgroup/path.ts";
import type { KernelRecord } from "../../parsers/kernel-record.ts";
import type { RecordContext } from "./context.ts";
import type { Attributes } from "./log-record.ts";

/** The node alone: for records that are no container's. A host that the log names stands above the context's. */
export function toNodeResource(record: KernelRecord | undefined, context: RecordContext): Attributes {
  // Only Linux prints these lines, so that much is known of any node.
  const resource: Attributes = { "os.type": "linux", ...context.resource };
  if (record?.host !== undefined) resource["host.name"] = decodeBytes(record.host);
  if (record?.machineId !== undefined) resource["host.id"] = record.machineId;
  return resource;
}

/** The node, and what the victim's cgroup path says of its container, pod or unit. */
export function toKillResource(
  record: KernelRecord | undefined,
  identity: CgroupIdentity | undefined,
  context: RecordContext,
): Attributes {
  const resource = toNodeResource(record, context);
  if (identity === undefined) return resource;
  if (identity.containerId !== undefined) resource["container.id"] = identity.containerId;
  if (identity.runtime !== undefined) resource["container.runtime.name"] = identity.runtime;
  if (identity.podUid !== undefined) resource["k8s.pod.uid"] = identity.podUid;
  const service = serviceName(identity);
  if (service !== undefined) resource["service.name"] = service;
  return resource;
}

const SERVICE = ".service";

/**
 * A systemd service's name is its service.name: `sshd.service` → `sshd`. A container's comes from its pod, which the
 * path does not tell; scopes, slices and users' sessions have none.
 */
function serviceName({ kind, unit }: CgroupIdentity): string | undefined {
  if (kind !== "unit" || unit === undefined || !unit.endsWith(SERVICE)) return undefined;
  return unit.length > SERVICE.length ? unit.slice(0, -SERVICE.length) : undefined;
}
