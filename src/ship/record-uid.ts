/** `log.record.uid`: what makes the same kill, read or sent twice, the same record. */
import { hash } from "node:crypto";
import type { KernelRecord } from "../../parsers/kernel-record.ts";
import type { Attributes } from "./log-record.ts";

/**
 * The UID of a record that a line of the kernel's log is about: 32 hex digits.
 *
 * With a boot ID, the line's sequence number is its place for good: no two lines of one boot share it, and a process
 * of a group kill has a line of its own. Without one it would be ambiguous, as sequence numbers start again at 0 on
 * each boot: then the UID is made of the line's time on the kernel's clock (printed by every format that has it to the
 * same microsecond, unlike wall time, which is derived and drifts), the pid and the text. Nothing in it depends on how
 * the input was cut into chunks, nor on which lines of the report are still there.
 * @param bootId 32 hex digits
 * @param pid the victim's; what tells two kills of a text without times apart
 */
export function lineUid(record: KernelRecord, resource: Attributes, bootId: string | undefined, pid?: number): string {
  const node = nodeIdentity(resource);
  if (bootId !== undefined && record.seq !== undefined) return digest(`seq\0${node}\0${bootId}\0${record.seq}`);
  const time = record.monotonicUs ?? record.wallTimeUs ?? "";
  return digest(`line\0${node}\0${bootId ?? ""}\0${time}\0${pid ?? ""}\0${record.text}`);
}

/** The UID of a gap in the kernel's log: it lies between two sequence numbers of a boot. */
export function gapUid(firstSeq: number, lost: number, resource: Attributes, bootId: string | undefined): string {
  return digest(`gap\0${nodeIdentity(resource)}\0${bootId ?? ""}\0${firstSeq}\0${lost}`);
}

/** The UID of a kill that only a counter tells: the count with it. @param counter a cgroup's path, or `node` */
export function countUid(counter: string, value: number, resource: Attributes, bootId: string | undefined): string {
  return digest(`count\0${nodeIdentity(resource)}\0${bootId ?? ""}\0${counter}\0${value}`);
}

/** The UID of the number of unverified kill lines that were suppressed. @param fromMs CLOCK_MONOTONIC in milliseconds */
export function unverifiedSuppressedUid(
  count: number,
  fromMs: number,
  resource: Attributes,
  bootId: string | undefined,
): string {
  return digest(`unverified\0${nodeIdentity(resource)}\0${bootId ?? ""}\0${fromMs}\0${count}`);
}

/** The UID of what was dropped of an outbox: records of a time. */
export function droppedUid(
  { reason, records, sinceMs, untilMs }: { reason: string; records: number; sinceMs: number; untilMs: number },
  resource: Attributes,
): string {
  return digest(`dropped\0${nodeIdentity(resource)}\0${reason}\0${records}\0${sinceMs}\0${untilMs}`);
}

/** The UID of what is told after kills. @param uid of the first of them */
export function followUpUid(uid: string): string {
  return digest(`follow-up\0${uid}`);
}

/** The UID of a container's false OOMKilled: it ends once. */
export function falseKillUid(containerId: string, resource: Attributes): string {
  return digest(`false\0${nodeIdentity(resource)}\0${containerId}`);
}

/** The UID of memory near its limit: of a cgroup at a time. @param atMs CLOCK_MONOTONIC in milliseconds */
export function nearLimitUid(cgroup: string, atMs: number, resource: Attributes, bootId: string | undefined): string {
  return digest(`near\0${nodeIdentity(resource)}\0${bootId ?? ""}\0${cgroup}\0${atMs}`);
}

/** The UID of a pod's eviction: it is evicted once. */
export function evictionUid(podUid: string): string {
  return digest(`evicted\0${podUid}`);
}

/** The UID of a change of the node's MemoryPressure. @param sinceMs milliseconds since the Unix epoch: when it changed */
export function memoryPressureUid(
  nodeUid: string | undefined,
  isTrue: boolean,
  sinceMs: number,
  resource: Attributes,
): string {
  return digest(`pressure\0${nodeUid ?? nodeIdentity(resource)}\0${isTrue}\0${sinceMs}`);
}

/** The machine ID outlives a change of name; a name must do where there is none. */
function nodeIdentity(resource: Attributes): string {
  return String(resource["host.id"] ?? resource["k8s.node.name"] ?? resource["host.name"] ?? "");
}

function digest(identity: string): string {
  return hash("sha256", identity, "hex").slice(0, 32);
}
