/**
 * The clocks of a node. The wall time of a kernel record: its stamp on printk's clock → CLOCK_MONOTONIC → CLOCK_REALTIME.
 *
 * Error of a record that is read as it is printed: what the two parts say of theirs, together as a rule below 10 ms,
 * and at most the time between two looks at the log. Of a record that was printed before the agent started: also
 * whatever printk's clock has drifted by since (unknown until new records are read), and every step of the wall clock.
 */
import { readText } from "./host.ts";

export interface KernelClock {
  /** CLOCK_MONOTONIC in microseconds */
  monotonicUs(): number;
  /** Looks at the wall clock again; to be called at every wake, since it may be stepped at any time. */
  measure(): void;
  /** Learns from records that were just read how far printk's clock is behind. */
  observe(reading: PrintkReading): void;
  /** @param stampUs of a record @returns microseconds of CLOCK_MONOTONIC */
  toMonotonicUs(stampUs: number): number;
  /** @param monotonicUs of CLOCK_MONOTONIC @returns whole microseconds since the Unix epoch */
  toRealtimeUs(monotonicUs: number): number;
  /** microseconds by which printk's clock is found to be behind CLOCK_MONOTONIC */
  readonly printkLagUs: number;
  /** microseconds by which the wall clock's distance from CLOCK_MONOTONIC may be wrong */
  readonly realtimeErrorUs: number;
}

/** The two clocks of the process; a test puts its own in their place. */
export interface Clocks {
  /** CLOCK_MONOTONIC in microseconds */
  monotonicUs(): number;
  /** Date.now() */
  realtimeMs(): number;
}

const SYSTEM: Clocks = {
  monotonicUs: () => Number(process.hrtime.bigint()) / 1000,
  realtimeMs: Date.now,
};

/** Date.now() tells microseconds only where it turns to the next millisecond: worth a short wait for it. */
const GOOD_ERROR_US = 20;
/** As long as that takes at most, with room for being interrupted. */
const MAX_WAIT_US = 2000;

export function createKernelClock(clocks: Clocks = SYSTEM): KernelClock {
  const offset = createRealtimeOffset();
  const lag = createPrintkLag();

  function readBoth(): boolean {
    const beforeUs = clocks.monotonicUs();
    const realtimeMs = clocks.realtimeMs();
    return offset.add({ beforeUs, realtimeMs, afterUs: clocks.monotonicUs() });
  }

  function measure(): void {
    if (!readBoth()) return;
    const untilUs = clocks.monotonicUs() + MAX_WAIT_US;
    while (offset.errorUs > GOOD_ERROR_US && clocks.monotonicUs() < untilUs) readBoth();
  }

  measure();
  return {
    monotonicUs: clocks.monotonicUs,
    measure,
    observe: lag.add,
    toMonotonicUs: (stampUs) => stampUs + lag.lagUs,
    toRealtimeUs: (monotonicUs) => Math.round(monotonicUs + offset.offsetUs),
    get printkLagUs() {
      return lag.lagUs;
    },
    get realtimeErrorUs() {
      return offset.errorUs;
    },
  };
}

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

/**
 * CLOCK_REALTIME − CLOCK_MONOTONIC, from readings of both.
 *
 * The kernel keeps this difference as a constant (wall_to_monotonic): NTP's slewing bends both clocks alike, only a
 * step of the wall clock changes it. Each reading holds it between two bounds, so the bounds of all readings are
 * intersected, and where nothing is left the clock was stepped.
 */
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

/** Records that were read in one go, and when; monotonic microseconds. */
export interface PrintkReading {
  /** the last time at which everything had been read; undefined: never yet */
  emptyAtUs: number | undefined;
  /** after the last of them was read */
  readAtUs: number;
  /** the latest of their stamps, on printk's clock */
  newestStampUs: number;
  /** how many they are */
  count: number;
}

export interface PrintkLag {
  add(reading: PrintkReading): void;
  /** microseconds to add to a record's stamp to get CLOCK_MONOTONIC */
  readonly lagUs: number;
}

/** A record is stamped before it can be read, by microseconds as a rule; a CPU that a hypervisor stops takes longer. */
const SLACK_US = 2000;

/**
 * CLOCK_MONOTONIC − the clock that printk stamps records with, from when records were read.
 *
 * printk uses local_clock(): the CPU's own counter, which NTP does not discipline. It starts within milliseconds of
 * CLOCK_MONOTONIC and drifts against it by some millionths: seconds a week, on a bad crystal minutes a month. No call
 * tells how far; but a record that is read now and was not there at the last look was printed in between, and that
 * holds the lag between two bounds. It is moved only as far as they force it, so that it follows the drift, and where
 * the clocks agree nothing is guessed.
 */
export function createPrintkLag(): PrintkLag {
  let lagUs = 0;

  return {
    add({ emptyAtUs, readAtUs, newestStampUs, count }) {
      // Nothing is read before it was printed: this bound always holds.
      lagUs = Math.min(lagUs, readAtUs - newestStampUs);
      // A line that its driver has not ended yet stays hidden and shows up, alone, with an old stamp. Where several
      // records are read at once the latest of them is not such a one: the kernel shows a line when the next begins.
      if (emptyAtUs !== undefined && count > 1) lagUs = Math.max(lagUs, emptyAtUs - SLACK_US - newestStampUs);
    },
    get lagUs() {
      return lagUs;
    },
  };
}

/** CLOCK_MONOTONIC in milliseconds: what process.hrtime is on Linux. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** After that, a time in which the node was suspended is looked for again. */
const READ_UPTIME_MS = 10_000;

/**
 * A clock of CLOCK_BOOTTIME in milliseconds, which Node has no function for: CLOCK_MONOTONIC, and what /proc/uptime has
 * more, read every ten seconds at most. CLOCK_MONOTONIC alone where /proc does not tell.
 */
export function createUptimeClock(
  readUptime: () => string | undefined = () => readText("/proc/uptime"),
  monotonic: () => number = monotonicMs,
): () => number {
  let suspendedMs = 0;
  let readMs = Number.NEGATIVE_INFINITY;
  return () => {
    const nowMs = monotonic();
    if (nowMs - readMs >= READ_UPTIME_MS) {
      readMs = nowMs;
      const upMs = Number.parseFloat(readUptime() ?? "") * 1000;
      if (Number.isFinite(upMs)) suspendedMs = upMs - nowMs;
    }
    return nowMs + suspendedMs;
  };
}
