/** A capture as dmesg prints one, in blocks of bytes: noise, reports, or both. */
import { createRandom } from "../random.ts";
import { createNoise } from "./noise.ts";
import { createReports } from "./reports.ts";

export interface CaptureOptions {
  /** at least so many; the last report is whole */
  bytes: number;
  /** lines of noise before each report */
  noiseLines: number;
}

const SEED = 20_261_124;
/** The longest pause between two lines of noise, in microseconds. */
const NOISE_PAUSE_US = 2_000_000;
/** The longest within a report. */
const REPORT_PAUSE_US = 40;
/** Between two reports there is time for the reaper. */
const REPORTS_APART_US = 400_000;
/** Bytes of a block at least. */
const BLOCK = 1 << 20;

/** The same bytes for the same options in every run. */
export function* generateCapture({ bytes, noiseLines }: CaptureOptions): Generator<Buffer, void, undefined> {
  const random = createRandom(SEED);
  const nextNoise = createNoise(random);
  const nextReport = createReports(random);
  let us = 4_000_000;
  let lines: string[] = [];
  let length = 0;

  function print(message: string, pauseUs: number): void {
    us += 1 + random.below(pauseUs);
    const line = printLine(message, us);
    lines.push(line);
    length += line.length;
  }

  for (let left = bytes; left > 0; ) {
    while (length < Math.min(BLOCK, left)) {
      for (let line = 0; line < noiseLines; line++) print(nextNoise(), NOISE_PAUSE_US);
      us += REPORTS_APART_US;
      for (const message of nextReport()) print(message, REPORT_PAUSE_US);
    }
    yield Buffer.from(lines.join(""), "latin1");
    left -= length;
    lines = [];
    length = 0;
  }
}

/** As util-linux prints it: a line break within the message is followed by blanks as wide as the time. */
function printLine(message: string, us: number): string {
  const seconds = String(Math.floor(us / 1e6)).padStart(5);
  const prefix = `[${seconds}.${String(us % 1e6).padStart(6, "0")}] `;
  const text = message.includes("\n") ? message.replaceAll("\n", `\n${" ".repeat(prefix.length)}`) : message;
  return `${prefix}${text}\n`;
}
