/** A log record as one line of JSON, in the shape that docs/record.md fixes; what replay and `--stdout` print. */
import type { LogRecord } from "./log-record.ts";

/** One line without its newline; keys are always in the same order. */
export function toJson(record: LogRecord): string {
  return JSON.stringify({
    timestamp: isoTime(record),
    severityText: record.severityText,
    severityNumber: record.severityNumber,
    eventName: record.eventName,
    body: record.body,
    resource: record.resource,
    attributes: record.attributes,
  });
}

/** The largest time that a Date can hold, in milliseconds. */
const MAX_DATE_MS = 8.64e15;

/** When it was, to the microsecond; null where that is not known, or no Date can hold it. */
export function isoTime({ timestampUs: us }: Pick<LogRecord, "timestampUs">): string | null {
  if (us === undefined) return null;
  const ms = Math.floor(us / 1000);
  if (!(Math.abs(ms) <= MAX_DATE_MS)) return null;
  const microseconds = String(us - ms * 1000).padStart(3, "0");
  return `${new Date(ms).toISOString().slice(0, -1)}${microseconds}Z`;
}
