/** Records of what the kernel's log does not hold: reports that its rate limit dropped, lines overwritten unread. */
import type { SuppressedReports } from "../../../parsers/oom/report.ts";
import { setPosition } from "../attributes/kill.ts";
import { bootIdOf, DEFAULT_ORIGINAL_LIMIT_BYTES, type RecordContext } from "../context.ts";
import type { LogRecord } from "../log-record.ts";
import { quoteLines } from "../original.ts";
import { toNodeResource } from "../resource.ts";
import type { RecordAttributes } from "../schema.ts";
import { gapUid, lineUid } from "../uid.ts";

/** Sequence numbers that a reader of the kernel's log never saw. */
export interface KernelLogGap {
  /** sequence number of the first record that is lost */
  firstSeq: number;
  /** how many are */
  lost: number;
  /** 32 hex digits */
  bootId?: string;
  /** when it was noticed, microseconds since the Unix epoch */
  noticedUs?: number;
}

const WARN = { severityText: "WARN", severityNumber: 13 } as const;

/** `oom.report.suppressed`: from here on the log holds kill lines without reports, which alone name the cgroup. */
export function toSuppressedRecord({ count, record }: SuppressedReports, context: RecordContext): LogRecord {
  const eventName = "oom.report.suppressed";
  const resource = toNodeResource(record, context);
  const bootId = bootIdOf(record.bootId, context);
  const attributes: RecordAttributes = {
    "event.name": eventName,
    "log.record.uid": lineUid(record, resource, bootId),
    "oom.report.suppressed.count": count,
  };
  setPosition(attributes, record, bootId);
  const limit = context.originalLimitBytes ?? DEFAULT_ORIGINAL_LIMIT_BYTES;
  attributes["log.record.original"] = quoteLines(record, [record], limit);
  const reports = count === 1 ? "1 OOM report" : `${count} OOM reports`;
  return {
    ...(record.wallTimeUs === undefined ? {} : { timestampUs: record.wallTimeUs }),
    ...WARN,
    eventName,
    body: `the kernel left ${reports} out of its log (rate limit): the kills have a line each, without their cgroup`,
    resource,
    attributes,
  };
}

/** `oom.kernel_log.gap`: kills may be among the lost lines. */
export function toGapRecord(gap: KernelLogGap, context: RecordContext): LogRecord {
  const eventName = "oom.kernel_log.gap";
  const resource = toNodeResource(undefined, context);
  const bootId = bootIdOf(gap.bootId, context);
  const attributes: RecordAttributes = {
    "event.name": eventName,
    "log.record.uid": gapUid(gap.firstSeq, gap.lost, resource, bootId),
    "oom.kernel_log.gap.lost": gap.lost,
    "oom.kernel_log.gap.first_seq": gap.firstSeq,
    "oom.kernel_log.gap.last_seq": gap.firstSeq + gap.lost - 1,
  };
  if (bootId !== undefined) attributes["oom.kernel.boot_id"] = bootId;
  const lines = gap.lost === 1 ? "1 line" : `${gap.lost} lines`;
  return {
    ...(gap.noticedUs === undefined ? {} : { timestampUs: gap.noticedUs }),
    ...WARN,
    eventName,
    body: `${lines} of the kernel's log were overwritten before they were read: kills among them are unknown`,
    resource,
    attributes,
  };
}
