/** What one read of /dev/kmsg means: a record, a hole before it, or an errno that is part of the device's language. */
import type { KernelRecord } from "../../../parsers/kernel-record.ts";
import { parseKmsgRecord } from "../../../parsers/kmsg.ts";

/** Sequence numbers that were never read. */
export interface SequenceGap {
  /** how many records are lost */
  lost: number;
  firstSeq: number;
  lastSeq: number;
}

export interface RecordReading {
  kind: "record";
  record: KernelRecord;
  /** the records just before it, which are lost */
  gap?: SequenceGap;
}

export type KmsgReading =
  | RecordReading
  /** bytes that are not a record; a byte string */
  | { kind: "unreadable"; bytes: string }
  /** everything has been read */
  | { kind: "empty" }
  /** read once more: the next record, if it is not the expected one, tells what was lost */
  | { kind: "again" }
  /** the next record does not fit into the buffer */
  | { kind: "too_large" }
  | { kind: "failed"; code: string };

/** Reads in their order; remembers which record is due. */
export interface KmsgReadings {
  /** @param bytes what a read returned, a byte string */
  onBytes(bytes: string): KmsgReading;
  /** @param code of a read's error */
  onError(code: string): KmsgReading;
}

const EMPTY: KmsgReading = { kind: "empty" };
const AGAIN: KmsgReading = { kind: "again" };
const TOO_LARGE: KmsgReading = { kind: "too_large" };

/** Spec: Documentation/ABI/testing/dev-kmsg; devkmsg_read() in kernel/printk/printk.c. */
export function createKmsgReadings(): KmsgReadings {
  let dueSeq: number | undefined;

  /** A number below the one due starts afresh: nothing that was read is thrown away over it. */
  function gapBefore(seq: number): SequenceGap | undefined {
    const firstSeq = dueSeq;
    dueSeq = seq + 1;
    if (firstSeq === undefined || seq <= firstSeq) return undefined;
    return { lost: seq - firstSeq, firstSeq, lastSeq: seq - 1 };
  }

  return {
    onBytes(bytes) {
      // The device has no end of file; whatever has one has nothing more to say for now.
      if (bytes === "") return EMPTY;
      const record = parseKmsgRecord(bytes);
      if (record?.seq === undefined) {
        // It was a record, and is reported as unreadable: it must not be reported as lost as well.
        if (dueSeq !== undefined) dueSeq++;
        return { kind: "unreadable", bytes };
      }
      const gap = gapBefore(record.seq);
      return gap === undefined ? { kind: "record", record } : { kind: "record", record, gap };
    },
    onError(code) {
      switch (code) {
        case "EAGAIN":
          return EMPTY;
        case "EPIPE": // the record that was due has been overwritten
        case "EINTR":
          return AGAIN;
        case "EINVAL":
          return TOO_LARGE;
        default:
          return { kind: "failed", code };
      }
    },
  };
}
