/**
 * The record of what the outbox had to drop. It is made when the backend takes records again: while it does not, one
 * would only push out more of those that wait.
 */

import type { RecordContext } from "../context.ts";
import type { LogRecord } from "../log-record.ts";
import { toNodeResource } from "../resource.ts";
import type { RecordAttributes } from "../schema.ts";
import { droppedUid } from "../uid.ts";

/** Records that were dropped unsent for one reason. */
export interface DroppedRecords {
  /** `too_much`: the outbox was full; `too_old` */
  reason: string;
  records: number;
  bytes: number;
  /** when the first and the last of them had come, milliseconds since the Unix epoch */
  sinceMs: number;
  untilMs: number;
}

/** Sums up what is dropped until it is told; what there are of reasons is a short list of our own. */
export interface DroppedSums {
  add(dropped: DroppedRecords): void;
  /** what is still to be told, for the state */
  list(): DroppedRecords[];
  /** The same, once. */
  take(): DroppedRecords[];
}

export function createDroppedSums(restored: readonly DroppedRecords[] = []): DroppedSums {
  const sums = new Map(restored.map((sum) => [sum.reason, { ...sum }]));
  const list = (): DroppedRecords[] => [...sums.values()].map((sum) => ({ ...sum }));
  return {
    add(dropped) {
      const sum = sums.get(dropped.reason);
      if (sum === undefined) {
        sums.set(dropped.reason, { ...dropped });
        return;
      }
      sum.records += dropped.records;
      sum.bytes += dropped.bytes;
      sum.sinceMs = Math.min(sum.sinceMs, dropped.sinceMs);
      sum.untilMs = Math.max(sum.untilMs, dropped.untilMs);
    },
    list,
    take() {
      const taken = list();
      sums.clear();
      return taken;
    },
  };
}

const WHY: Readonly<Record<string, string>> = {
  too_much: "there was no room for them",
  too_old: "they had waited too long",
};

/** `oom.outbox.dropped`: kills may be among them. */
export function toDroppedRecord(dropped: DroppedRecords, context: RecordContext): LogRecord {
  const eventName = "oom.outbox.dropped";
  const resource = toNodeResource(undefined, context);
  const { reason, records, bytes, sinceMs, untilMs } = dropped;
  const [since, until] = [new Date(sinceMs).toISOString(), new Date(untilMs).toISOString()];
  const attributes: RecordAttributes = {
    "event.name": eventName,
    "log.record.uid": droppedUid(dropped, resource),
    "oom.outbox.dropped.count": records,
    "oom.outbox.dropped.bytes": bytes,
    "oom.outbox.dropped.since": since,
    "oom.outbox.dropped.until": until,
    "oom.outbox.dropped.reason": reason,
  };
  const what = records === 1 ? `1 record of ${since}` : `${records} records of ${since} to ${until}`;
  return {
    timestampUs: untilMs * 1000,
    severityText: "ERROR",
    severityNumber: 17,
    eventName,
    body: `${what} could not be delivered and were dropped: ${WHY[reason] ?? reason}`,
    resource,
    attributes,
  };
}
