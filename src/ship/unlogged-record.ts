/** A kill that the kernel counted and its log does not hold → its log record. */
import type { UnloggedKill } from "../correlate/kill.ts";
import type { Who } from "../identify/who.ts";
import type { RecordAttributes } from "./attributes.ts";
import { bootIdOf, type RecordContext } from "./context.ts";
import { setCgroup, setProcess } from "./kill-attributes.ts";
import type { Known } from "./known.ts";
import type { LogRecord } from "./log-record.ts";
import { countUid } from "./record-uid.ts";
import { toKillResource, toNodeResource } from "./resource.ts";
import { placeOf, processOf } from "./sentence.ts";
import { setKnown } from "./who-attributes.ts";

const EVENT = "oom.kill";

/**
 * The record of such a kill: whose memory ran out is not known, so it is an ERROR of what was killed.
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
  setKnown(attributes, known, timestampUs / 1000);
  return {
    timestampUs,
    severityText: "ERROR",
    severityNumber: 17,
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
  return `${process}${where} was OOM-killed: the kernel counted it, its log does not hold it`;
}
