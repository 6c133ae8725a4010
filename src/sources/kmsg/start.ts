/**
 * `--since now`: which of the records that were there at the start are new.
 *
 * Node cannot seek to the end of the log, so that what is there has to be read first, and a record that is printed
 * meanwhile must not be taken for an old one. Stamps alone do not tell, as printk's clock may be off by minutes
 * (createPrintkLag). But a record that is older than the newest one by more than the reading has lasted was there
 * before it began, whatever the clocks say.
 */
import type { RecordReading } from "./reading.ts";

export interface NewRecords {
  /** @param nowUs when it was read, monotonic microseconds */
  push(reading: RecordReading, nowUs: number): void;
  /** true: so many may be new that reading on as usual is better */
  readonly full: boolean;
  /** What may have been printed since the start; a record of just before it may be among them, none is missing. */
  take(): RecordReading[];
}

/** More than the kernel prints while a log is read that nobody floods. */
const MAX_KEPT = 4096;
/** The lag of printk's clock that has to be reckoned with: at the start of the kernel, and per second since. */
const MAX_LAG_AT_BOOT_US = 1_000_000;
const MAX_DRIFT = 500e-6;

/** @param startUs when reading began, monotonic microseconds */
export function createNewRecords(startUs: number): NewRecords {
  // No drift is so large: it keeps the last lines of a quiet log from being read as new for days.
  const oldestUs = startUs - MAX_LAG_AT_BOOT_US - startUs * MAX_DRIFT;
  let kept: RecordReading[] = [];

  return {
    push(reading, nowUs) {
      const stampUs = stampOf(reading);
      const lastedUs = nowUs - startUs;
      while (kept[0] !== undefined && stampOf(kept[0]) < stampUs - lastedUs) kept.shift();
      if (stampUs >= oldestUs) kept.push(reading);
    },
    get full() {
      return kept.length >= MAX_KEPT;
    },
    take() {
      const taken = kept;
      kept = [];
      return taken;
    },
  };
}

function stampOf({ record }: RecordReading): number {
  return record.monotonicUs ?? 0;
}
