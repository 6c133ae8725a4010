/** A kill that the kernel counted and its log does not hold → its log record. */
import type { UnloggedKill } from "../correlate/kill.ts";
import type { RecordAttributes } from "./attributes.ts";
import { bootIdOf, type RecordContext } from "./context.ts";
import { setCgroup, setProcess } from "./kill-attributes.ts";
import type { LogRecord } from "./log-record.ts";
import { countUid } from "./record-uid.ts";
import { toKillResource } from "./resource.ts";
import { placeOf, whoOf } from "./sentence.ts";

const EVENT = "oom.kill";

/**
 * The record of such a kill: whose memory ran out is not known, so it is an ERROR of what was killed.
 * @param toWallUs CLOCK_MONOTONIC in milliseconds → microseconds since the Unix epoch
 */
export function toUnloggedRecord(
  kill: UnloggedKill,
  context: RecordContext,
  toWallUs: (monotonicMs: number) => number,
): LogRecord {
  const bootId = bootIdOf(undefined, context);
  const resource = toKillResource(undefined, kill.identity, context);
  const attributes: RecordAttributes = {
    "event.name": EVENT,
    "log.record.uid": countUid(kill.counter, kill.value, resource, bootId),
    "oom.scope": "unknown",
    "oom.constraint": "unknown",
    "oom.origin": "kernel",
    "oom.counter.cgroup": kill.counter,
    "oom.counter.value": kill.value,
    "oom.counter.uncertainty": (kill.untilMs - kill.afterMs) / 1000,
  };
  if (bootId !== undefined) attributes["oom.kernel.boot_id"] = bootId;
  if (kill.victim !== undefined) setProcess(attributes, kill.victim);
  setCgroup(attributes, kill);
  return {
    timestampUs: toWallUs(kill.untilMs),
    severityText: "ERROR",
    severityNumber: 17,
    eventName: EVENT,
    body: sentence(kill),
    resource,
    attributes,
  };
}

function sentence(kill: UnloggedKill): string {
  const who = kill.victim === undefined ? "a process" : whoOf(kill.victim.comm, kill.victim.pid);
  const place = placeOf(kill);
  const where = place === undefined ? "" : `${kill.attribution === "inferred" ? ", probably" : ""} in ${place}`;
  return `${who}${where} was OOM-killed: the kernel counted it, its log does not hold it`;
}
