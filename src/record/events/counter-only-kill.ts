/** A kill that the kernel counted and its log does not hold → its log record. */
import type { Scope, UnloggedKill } from "../../correlate/kill.ts";
import type { Who } from "../../identify/container-metadata.ts";
import { setDiagnosis } from "../attributes/diagnosis.ts";
import { setCgroup, setProcess } from "../attributes/kill.ts";
import { setKnown } from "../attributes/kubernetes.ts";
import { placeOf, processOf } from "../body.ts";
import { bootIdOf, type RecordContext } from "../context.ts";
import type { Known } from "../enrichment.ts";
import type { LogRecord } from "../log-record.ts";
import { toKillResource, toNodeResource } from "../resource.ts";
import { type RecordAttributes, set } from "../schema.ts";
import { countUid } from "../uid.ts";

const EVENT = "oom.kill";

/**
 * The record of such a kill. Whose memory ran out the counters of cgroup v2 tell as a rule; where it is not known it is
 * an ERROR of what was killed.
 * @param toWallUs CLOCK_MONOTONIC in milliseconds → microseconds since the Unix epoch
 */
export function toUnloggedRecord(
  kill: UnloggedKill,
  context: RecordContext,
  toWallUs: (monotonicMs: number) => number,
  known: Known = {},
): LogRecord {
  const bootId = bootIdOf(undefined, context);
  const timestampUs = toWallUs(kill.untilMs);
  const node = toNodeResource(undefined, context);
  const attributes: RecordAttributes = {
    "event.name": EVENT,
    "log.record.uid": countUid(kill.counter, kill.value, node, bootId),
    "oom.scope": kill.scope ?? "unknown",
    "oom.constraint": kill.isLimit === true ? "memcg" : "unknown",
    "oom.origin": "kernel",
    "oom.counter.cgroup": kill.counter,
    "oom.counter.value": kill.value,
    "oom.counter.uncertainty": (kill.untilMs - kill.afterMs) / 1000,
  };
  if (bootId !== undefined) attributes["oom.kernel.boot_id"] = bootId;
  if (kill.victim !== undefined) setProcess(attributes, kill.victim);
  setCgroup(attributes, kill);
  set(attributes, "oom.limit.cgroup", kill.limitCgroup);
  setKnown(attributes, known, timestampUs / 1000);
  if (known.diagnosis !== undefined) setDiagnosis(attributes, known.diagnosis);
  const onNode = kill.scope === "node";
  return {
    timestampUs,
    severityText: onNode ? "FATAL" : "ERROR",
    severityNumber: onNode ? 21 : 17,
    eventName: EVENT,
    body: sentence(kill, known.who),
    resource: toKillResource(node, kill.identity, known.who),
    attributes,
  };
}

function sentence(kill: UnloggedKill, who: Who | undefined): string {
  const process = kill.victim === undefined ? "a process" : processOf(kill.victim.comm, kill.victim.pid);
  const place = placeOf(kill, who);
  const where = place === undefined ? "" : `${kill.attribution === "inferred" ? ", probably" : ""} in ${place}`;
  const whose = kill.scope === undefined ? undefined : WHOSE[kill.scope];
  const why = whose === undefined ? "" : `${whose}; `;
  return `${process}${where} was OOM-killed: ${why}the kernel counted it, its log does not hold it`;
}

/** As far as counts tell it. */
const WHOSE: Readonly<Partial<Record<Scope, string>>> = {
  container: "the container's memory limit was reached",
  pod: "the pod's memory limit was reached",
  kubepods: "the memory limit of the node's pods was reached",
  cgroup: "the memory limit of a cgroup around it was reached",
  node: "no cgroup around it had come to its limit",
};
