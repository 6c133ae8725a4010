/**
 * CLOCK_MONOTONIC − the clock that printk stamps records with, from when records were read.
 *
 * printk uses local_clock(): the CPU's own counter, which NTP does not discipline. It starts within milliseconds of
 * CLOCK_MONOTONIC and drifts against it by some millionths: seconds a week, on a bad crystal minutes a month. No call
 * tells how far; but a record that is read now and was not there at the last look was printed in between, and that
 * holds the lag between two bounds. It is moved only as far as they force it, so that it follows the drift, and where
 * the clocks agree nothing is guessed.
 */

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
