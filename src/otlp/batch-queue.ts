/** Records on their way out: bounded by number and bytes, handed out in batches, in the order they came. */
import type { LogRecord } from "../record/log-record.ts";

export interface BatchQueue {
  readonly length: number;
  /** @returns a promise where the queue is full: there is room again when it resolves */
  push(record: LogRecord): void | Promise<void>;
  /** The next batch; empty where nothing waits. */
  take(): LogRecord[];
  /** Drops what waits. @returns how many records */
  clear(): number;
}

/** What the SDK's own batch processor sends. */
export const MAX_BATCH_RECORDS = 512;
/** Below 1 MiB, the largest body that nginx takes unless told otherwise; estimates may be off by a third. */
export const MAX_BATCH_BYTES = 640 * 1024;
const MAX_QUEUE_RECORDS = 2048;
const MAX_QUEUE_BYTES = 4 * MAX_BATCH_BYTES;
/** A record without its quoted lines and its sentence, as OTLP: 60 attributes with their keys. */
const BASE_BYTES = 3 * 1024;

export function createBatchQueue(): BatchQueue {
  let records: LogRecord[] = [];
  let bytes = 0;
  let waiting: (() => void)[] = [];

  function isFull(): boolean {
    return records.length >= MAX_QUEUE_RECORDS || bytes >= MAX_QUEUE_BYTES;
  }

  function release(): void {
    const released = waiting;
    waiting = [];
    for (const resolve of released) resolve();
  }

  return {
    get length() {
      return records.length;
    },
    push(record) {
      records.push(record);
      bytes += estimateBytes(record);
      return isFull() ? new Promise((resolve) => waiting.push(resolve)) : undefined;
    },
    take() {
      let count = 0;
      let size = 0;
      for (const record of records) {
        const more = estimateBytes(record);
        if (count === MAX_BATCH_RECORDS || (count > 0 && size + more > MAX_BATCH_BYTES)) break;
        count++;
        size += more;
      }
      const batch = records.splice(0, count);
      bytes -= size;
      if (!isFull()) release();
      return batch;
    },
    clear() {
      const { length } = records;
      records = [];
      bytes = 0;
      release();
      return length;
    },
  };
}

function estimateBytes({ body, attributes }: LogRecord): number {
  const original = attributes["log.record.original"];
  return BASE_BYTES + body.length + (typeof original === "string" ? original.length : 0);
}
