/**
 * CLOCK_REALTIME − CLOCK_MONOTONIC, from readings of both.
 *
 * The kernel keeps this difference as a constant (wall_to_monotonic): NTP's slewing bends both clocks alike, only a
 * step of the wall clock changes it. Each reading holds it between two bounds, so the bounds of all readings are
 * intersected, and where nothing is left the clock was stepped.
 */

/** The monotonic clock before and after the wall clock was read. */
export interface ClockReading {
  beforeUs: number;
  /** as Date.now() has it: cut to whole milliseconds */
  realtimeMs: number;
  afterUs: number;
}

export interface RealtimeOffset {
  /** @returns whether what was known before is void: the first reading, or the wall clock was stepped */
  add(reading: ClockReading): boolean;
  /** microseconds to add to CLOCK_MONOTONIC; NaN before the first reading */
  readonly offsetUs: number;
  /** microseconds by which it may be wrong, if the wall clock was not stepped since the last reading */
  readonly errorUs: number;
}

const US_PER_MS = 1000;
/** Bounds may cross by so much without a step: the counters of two CPUs differ, and these numbers are rounded. */
const TOLERANCE_US = 20;

export function createRealtimeOffset(): RealtimeOffset {
  let lowUs = Number.NaN;
  let highUs = Number.NaN;

  return {
    add({ beforeUs, realtimeMs, afterUs }) {
      const low = realtimeMs * US_PER_MS - afterUs;
      const high = (realtimeMs + 1) * US_PER_MS - beforeUs;
      const agrees = low <= highUs + TOLERANCE_US && high >= lowUs - TOLERANCE_US;
      if (!agrees) {
        lowUs = low;
        highUs = high;
      } else if (low <= highUs && high >= lowUs) {
        lowUs = Math.max(lowUs, low);
        highUs = Math.min(highUs, high);
      }
      return !agrees;
    },
    get offsetUs() {
      return (lowUs + highUs) / 2;
    },
    get errorUs() {
      return (highUs - lowUs) / 2;
    },
  };
}
