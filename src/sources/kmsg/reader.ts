/** Reads /dev/kmsg a slice at a time, so that a flood leaves the event loop its turns, and learns the clocks from it. */
import type { KernelClock } from "../clock.ts";
import type { KmsgDevice } from "./device.ts";
import { createKmsgReadings, type KmsgReading, type RecordReading } from "./reading.ts";

export type KmsgTrouble =
  /** bytes that are not a record */
  | "kmsg_record_unreadable"
  /** a record did not fit into the buffer, which has grown; where the record is lost, the next gap counts it */
  | "kmsg_buffer_grown"
  /** a record does not fit into the largest buffer */
  | "kmsg_record_too_large"
  /** read(2) failed; said once until it works again */
  | "kmsg_read_failed";

export type TroubleDetail = Readonly<Record<string, string | number>>;
export type OnTrouble = (name: KmsgTrouble, detail: TroubleDetail) => void;

export interface Slice {
  readings: RecordReading[];
  /** everything is read, there may be more, or nothing can be read for now */
  end: "empty" | "full" | "failed";
}

export interface SliceReader {
  read(): Slice;
  /** everything that was printed until then has been read; monotonic microseconds */
  readonly emptyAtUs: number | undefined;
}

/** Records of a slice: about a millisecond. */
const SLICE = 256;
/** A record with its dictionary fits into 8 KiB in every kernel so far (CONSOLE_EXT_LOG_MAX, PRINTK_MESSAGE_MAX). */
const FIRST_BUFFER = 8192;
const LARGEST_BUFFER = 65_536;
/** Of an unreadable record. */
const MAX_QUOTED = 200;

export function createSliceReader(device: KmsgDevice, clock: KernelClock, onTrouble: OnTrouble): SliceReader {
  const readings = createKmsgReadings();
  let buffer = Buffer.allocUnsafe(FIRST_BUFFER);
  let emptyAtUs: number | undefined;
  let failedCode: string | undefined;

  function readOne(): KmsgReading {
    let length: number;
    try {
      length = device.read(buffer);
    } catch (error) {
      return readings.onError((error as NodeJS.ErrnoException).code ?? String(error));
    }
    return readings.onBytes(buffer.toString("latin1", 0, length));
  }

  function read(): Slice {
    const askedAtUs = clock.monotonicUs();
    const slice: Slice = { readings: [], end: "full" };
    for (let count = 0; slice.end === "full" && count < SLICE; count++) take(readOne(), slice);
    if (slice.end !== "failed") failedCode = undefined;
    learn(slice.readings);
    if (slice.end === "empty") emptyAtUs = askedAtUs;
    return slice;
  }

  function take(reading: KmsgReading, slice: Slice): void {
    switch (reading.kind) {
      case "record":
        slice.readings.push(reading);
        return;
      case "unreadable":
        onTrouble("kmsg_record_unreadable", {
          length: reading.bytes.length,
          text: reading.bytes.slice(0, MAX_QUOTED),
        });
        return;
      case "again":
        return;
      case "empty":
        slice.end = "empty";
        return;
      case "too_large":
        if (!growBuffer()) slice.end = "failed";
        return;
      case "failed":
        if (reading.code !== failedCode) onTrouble("kmsg_read_failed", { code: reading.code });
        failedCode = reading.code;
        slice.end = "failed";
    }
  }

  function growBuffer(): boolean {
    if (buffer.length >= LARGEST_BUFFER) {
      onTrouble("kmsg_record_too_large", { buffer: buffer.length });
      return false;
    }
    buffer = Buffer.allocUnsafe(buffer.length * 2);
    onTrouble("kmsg_buffer_grown", { buffer: buffer.length });
    return true;
  }

  /** How far printk's clock is behind is known before the records are given their wall times. */
  function learn(read: readonly RecordReading[]): void {
    if (read.length === 0) return;
    let newestStampUs = Number.NEGATIVE_INFINITY;
    for (const { record } of read) newestStampUs = Math.max(newestStampUs, record.monotonicUs ?? newestStampUs);
    clock.observe({ emptyAtUs, readAtUs: clock.monotonicUs(), newestStampUs, count: read.length });
  }

  return {
    read,
    get emptyAtUs() {
      return emptyAtUs;
    },
  };
}
