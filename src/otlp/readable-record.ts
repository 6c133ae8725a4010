/** Log records as the SDK's exporters take them: with a Resource each, and times in nanoseconds. */
import type { HrTime } from "@opentelemetry/api";
import { type Resource, resourceFromAttributes } from "@opentelemetry/resources";
import type { ReadableLogRecord } from "@opentelemetry/sdk-logs";
import type { LogRecord } from "../record/log-record.ts";

/** 0 is OTLP's word for a time that is not known. */
const UNKNOWN_TIME: HrTime = [0, 0];

/**
 * The records of a batch. Those of one container get one Resource object: by it the exporter groups them.
 * @param observedUs microseconds since the Unix epoch
 */
export function toReadableRecords(
  batch: readonly LogRecord[],
  instrumentationScope: ReadableLogRecord["instrumentationScope"],
  observedUs: number,
): ReadableLogRecord[] {
  const resources = new Map<string, Resource>();
  const hrTimeObserved = toHrTime(observedUs);
  return batch.map((record) => {
    const key = JSON.stringify(record.resource);
    let resource = resources.get(key);
    if (resource === undefined) {
      resource = resourceFromAttributes(record.resource);
      resources.set(key, resource);
    }
    return {
      hrTime: record.timestampUs === undefined ? UNKNOWN_TIME : toHrTime(record.timestampUs),
      hrTimeObserved,
      severityText: record.severityText,
      severityNumber: record.severityNumber,
      eventName: record.eventName,
      body: record.body,
      attributes: record.attributes,
      droppedAttributesCount: 0,
      resource,
      instrumentationScope,
    };
  });
}

/** Seconds and nanoseconds: microseconds since 1970 are exact in a number, nanoseconds are not. */
function toHrTime(us: number): HrTime {
  const seconds = Math.floor(us / 1e6);
  return [seconds, (us - seconds * 1e6) * 1000];
}
