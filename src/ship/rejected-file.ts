/** Records that the backend does not want, kept aside in a file that somebody can read: a line of JSON each. */
import { appendFileSync, mkdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import type { LogRecord } from "./log-record.ts";

export interface RejectedFile {
  /** Never throws: where the disk does not take them, onFailure is told. */
  keep(records: readonly LogRecord[], reason: string): void;
}

export const REJECTED_FILE = "rejected.jsonl";
/** One is kept, the last: what nobody wants must not fill the disk. */
export const LAST_SUFFIX = ".last";
/** About a thousand records; with the file before, twice as many. */
const DEFAULT_MAX_BYTES = 4 * 1024 * 1024;

export interface RejectedFileOptions {
  /** made where it is not there */
  directory: string;
  /** default 4 MiB */
  maxBytes?: number;
  /** milliseconds since the Unix epoch */
  now?: () => number;
  onFailure(detail: { path: string; error: string; records: number }): void;
}

export function openRejectedFile({ directory, onFailure, ...options }: RejectedFileOptions): RejectedFile {
  const { maxBytes = DEFAULT_MAX_BYTES, now = Date.now } = options;
  const path = join(directory, REJECTED_FILE);

  return {
    keep(records, reason) {
      const rejected = new Date(now()).toISOString();
      const lines = records.map((record) => `${JSON.stringify({ rejected, reason, record })}\n`).join("");
      try {
        mkdirSync(directory, { recursive: true, mode: 0o700 });
        const size = sizeOf(path);
        if (size > 0 && size + Buffer.byteLength(lines) > maxBytes) renameSync(path, path + LAST_SUFFIX);
        appendFileSync(path, lines, { mode: 0o600 });
      } catch (error) {
        onFailure({ path, error: (error as Error).message, records: records.length });
      }
    },
  };
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
