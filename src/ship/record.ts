/** A kill → its log record: who was killed on the resource, how on the record, and one sentence for people. */
import type { Kill } from "../correlate/kill.ts";
import type { RecordAttributes } from "./attributes.ts";
import { bootIdOf, DEFAULT_ORIGINAL_LIMIT_BYTES, DEFAULT_PAGE_SIZE, type RecordContext } from "./context.ts";
import { setDiagnosis } from "./diagnosis-attributes.ts";
import { setKillAttributes, setPosition } from "./kill-attributes.ts";
import type { Known } from "./known.ts";
import type { Attributes, LogRecord } from "./log-record.ts";
import { quoteLines } from "./original.ts";
import { countUid, lineUid } from "./record-uid.ts";
import { toKillResource, toNodeResource } from "./resource.ts";
import { killSentence } from "./sentence.ts";
import { setKnown } from "./who-attributes.ts";

const EVENT = "oom.kill";

/**
 * The record of a kill. What is not known is left out. A limit of a container, a pod or another cgroup is an ERROR: the
 * workload's own; a node out of memory is FATAL: it takes whom it finds. What no count confirms is a WARN.
 */
export function toLogRecord(kill: Kill, context: RecordContext, known: Known = {}): LogRecord {
  const { record } = kill;
  const { who, diagnosis } = known;
  const pageSize = context.pageSize ?? DEFAULT_PAGE_SIZE;
  const bootId = bootIdOf(record.bootId, context);
  const node = toNodeResource(record, context);
  const attributes: RecordAttributes = {
    "event.name": EVENT,
    // Of the node alone: it is the same kill, whatever names were known when it was read.
    "log.record.uid": uidOf(kill, node, bootId),
  };
  setKillAttributes(attributes, kill, pageSize);
  setKnown(attributes, known, record.wallTimeUs === undefined ? undefined : record.wallTimeUs / 1000);
  // A container whose own process is killed ends, and its runtime says why.
  const isVerified = kill.attribution !== "unverified";
  if (isVerified && kill.pid1 === true && who?.podFacts !== undefined) attributes["oom.kubernetes.visible"] = true;
  if (diagnosis !== undefined) setDiagnosis(attributes, diagnosis);
  setPosition(attributes, record, bootId);
  const limit = context.originalLimitBytes ?? DEFAULT_ORIGINAL_LIMIT_BYTES;
  attributes["log.record.original"] = quoteLines(record, kill.report.records, limit);
  return {
    ...(record.wallTimeUs === undefined ? {} : { timestampUs: record.wallTimeUs }),
    ...severityOf(kill),
    eventName: EVENT,
    body: killSentence(kill, pageSize, who),
    resource: toKillResource(node, kill.identity, who),
    attributes,
  };
}

function severityOf({ attribution, scope }: Kill): Pick<LogRecord, "severityText" | "severityNumber"> {
  if (attribution === "unverified") return { severityText: "WARN", severityNumber: 13 };
  return scope === "node"
    ? { severityText: "FATAL", severityNumber: 21 }
    : { severityText: "ERROR", severityNumber: 17 };
}

/** A kill that a counter told before its line came has one name, and its records are one kill. */
function uidOf({ toldBefore, record, victim }: Kill, resource: Attributes, bootId: string | undefined): string {
  if (toldBefore === undefined) return lineUid(record, resource, bootId, victim.pid);
  return countUid(toldBefore.counter, toldBefore.value, resource, bootId);
}
