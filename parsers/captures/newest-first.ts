/**
 * Captures that begin with the newest record (`journalctl -r`, a log store's default order): told by their times, and
 * turned round a piece at a time, so that each report's lines stand in the order in which they were printed.
 */
import type { KernelRecord } from "../kernel-record.ts";

export interface RecordOrder {
  push(record: KernelRecord): void;
  end(): void;
  /** true: records are held back, so lines may not be passed over */
  readonly holds: boolean;
}

/** Records that are looked at before the order is settled. */
const SAMPLE = 32;
/** Steps back in time that a sample of a capture in that order has at least. */
const MIN_STEPS_BACK = 3;
/** Within a report the kernel prints a line every few microseconds; a pause as long as this lies between reports. */
const PAUSE_US = 500_000;
/** The longest piece: more than any report but one of a huge tasks table. */
const MAX_PIECE = 16_384;

export function createRecordOrder(onRecord: (record: KernelRecord) => void): RecordOrder {
  let held: KernelRecord[] = [];
  let order: "unknown" | "oldest-first" | "newest-first" = "unknown";
  let lastUs: number | undefined;

  function settle(): void {
    order = isNewestFirst(held) ? "newest-first" : "oldest-first";
    const sample = held;
    held = [];
    for (const record of sample) push(record);
  }

  function push(record: KernelRecord): void {
    if (order === "oldest-first") {
      onRecord(record);
      return;
    }
    if (order === "newest-first") {
      const us = timeOf(record);
      const isAfterPause = us !== undefined && lastUs !== undefined && Math.abs(lastUs - us) > PAUSE_US;
      if (isAfterPause || held.length >= MAX_PIECE) release();
      lastUs = us ?? lastUs;
      held.push(record);
      return;
    }
    held.push(record);
    if (held.length >= SAMPLE) settle();
  }

  function release(): void {
    const piece = held;
    held = [];
    for (let index = piece.length - 1; index >= 0; index--) onRecord(piece[index] as KernelRecord);
  }

  return {
    push,
    end() {
      if (order === "unknown") settle();
      release();
    },
    get holds() {
      return order !== "oldest-first";
    },
  };
}

function isNewestFirst(sample: readonly KernelRecord[]): boolean {
  let back = 0;
  let forth = 0;
  let lastUs: number | undefined;
  for (const record of sample) {
    const us = timeOf(record);
    if (us === undefined) continue;
    if (lastUs !== undefined && us < lastUs) back++;
    if (lastUs !== undefined && us > lastUs) forth++;
    lastUs = us;
  }
  // A daemon that counts whole seconds of its own steps back now and then.
  return back >= MIN_STEPS_BACK && back > forth * 3;
}

function timeOf({ monotonicUs, wallTimeUs }: KernelRecord): number | undefined {
  return monotonicUs ?? wallTimeUs;
}
