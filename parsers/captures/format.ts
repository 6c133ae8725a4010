/** What every capture format is made of: one line in, one record out. */
import type { KernelRecord, TimeAssumption } from "../kernel-record.ts";

/**
 * Bytes of a line that are read as text; what is over is cut. Twice the longest record of /dev/kmsg, as wrappers stand
 * around it. Objects of JSON are read whole: escapes and other fields make them longer.
 */
export const MAX_TEXT_LINE = 16 * 1024;

/** What a capture does not say itself and its reader was told. Pure: the driver looks at clocks and files. */
export interface CaptureContext {
  /** the year of stamps that have none; undefined: the latest that puts them before `reference` */
  year: number | undefined;
  /** IANA name or `±HH:MM` of stamps that have no zone; undefined: UTC, and the record says so */
  timezone: string | undefined;
  /** microseconds since the epoch by which the capture was finished, e.g. the file's modification time */
  referenceUs: number | undefined;
}

/** What a format's text has lost, in the words of the record. */
export type Lost = "facility" | "level" | "time" | "wall-time" | "year" | "timezone" | "seconds-only";

/** A format of one line a record. A new one is a new row of formats.ts and its fixture. */
export interface LineFormat {
  /** as people know it: `dmesg`, `journalctl -o short` */
  name: string;
  example: string;
  lost: readonly Lost[];
  /**
   * true: a line that another format could have printed as well (`sure` is not set) counts only where the line before
   * was of this format
   */
  needsSureLine?: boolean;
  /**
   * @param line byte string without its line end
   * @returns undefined where the line is not in this format
   */
  parse(line: string, context: CaptureContext): LineRecord | undefined;
}

/** A record, and how wide its prefix was: a line break in the message is shown indented to that column. */
export interface LineRecord {
  record: KernelRecord;
  textColumn: number;
  /** no other format looks like this line; see needsSureLine */
  sure?: boolean;
}

/** A wall-clock time read from text, and what it had to assume. */
export interface Stamp {
  wallTimeUs: number;
  assumed: readonly TimeAssumption[] | undefined;
}

export function setStamp(record: KernelRecord, stamp: Stamp | undefined): void {
  if (stamp === undefined) return;
  record.wallTimeUs = stamp.wallTimeUs;
  record.timeAssumed = stamp.assumed;
}
