/** Kill lines that no count confirms and that the rate limit left without a record → one record of how many. */
import type { SuppressedKills } from "../correlate/unverified-limit.ts";
import type { RecordAttributes } from "./attributes.ts";
import { bootIdOf, type RecordContext } from "./context.ts";
import type { LogRecord } from "./log-record.ts";
import { unverifiedSuppressedUid } from "./record-uid.ts";
import { toNodeResource } from "./resource.ts";

const EVENT = "oom.unverified.suppressed";

/** @param toWallUs CLOCK_MONOTONIC in milliseconds → microseconds since the Unix epoch */
export function toUnverifiedSuppressedRecord(
  { count, fromMs, untilMs }: SuppressedKills,
  context: RecordContext,
  toWallUs: (monotonicMs: number) => number,
): LogRecord {
  const bootId = bootIdOf(undefined, context);
  const resource = toNodeResource(undefined, context);
  const attributes: RecordAttributes = {
    "event.name": EVENT,
    "log.record.uid": unverifiedSuppressedUid(count, fromMs, resource, bootId),
    "oom.unverified.suppressed.count": count,
    "oom.unverified.suppressed.span": (untilMs - fromMs) / 1000,
  };
  if (bootId !== undefined) attributes["oom.kernel.boot_id"] = bootId;
  const lines = count === 1 ? "1 unverified kill line" : `${count} unverified kill lines`;
  return {
    timestampUs: Math.round(toWallUs(untilMs)),
    severityText: "WARN",
    severityNumber: 13,
    eventName: EVENT,
    body: `${lines} suppressed: no counter of the kernel confirms them, and their records are rate limited`,
    resource,
    attributes,
  };
}
