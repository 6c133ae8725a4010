/**
 * The wall time of a kernel record: its stamp on printk's clock → CLOCK_MONOTONIC → CLOCK_REALTIME.
 *
 * Error of a record that is read as it is printed: what the two parts say of theirs, together as a rule below 10 ms,
 * and at most the time between two looks at the log. Of a record that was printed before the agent started: also
 * whatever printk's clock has drifted by since (unknown until new records are read), and every step of the wall clock.
 */
import { createPrintkLag, type PrintkReading } from "./printk-lag.ts";
import { createRealtimeOffset } from "./realtime-offset.ts";

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
