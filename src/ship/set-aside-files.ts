/**
 * Files beside the outbox for what is not sent, a line of JSON each, so that somebody can read it: `rejected.jsonl`
 * (the backend refused it), `failed.jsonl` (the backend fails at it), `unreadable.jsonl` (what was saved is not a
 * record). And the way back of the first two: `oomscribe outbox retry` renames them, which is safe while an agent runs,
 * and the agent takes what was renamed into its outbox.
 */
import { randomUUID } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import type { LogRecord } from "./log-record.ts";
import type { Unreadable } from "./outbox.ts";
import type { SetAsideCause } from "./outbox-sender.ts";
import { findProblem } from "./stored-record.ts";

/** Each endpoint's, in the directory of its outbox. */
export const REJECTED_FILE = "rejected.jsonl";
export const FAILED_FILE = "failed.jsonl";
export const UNREADABLE_FILE = "unreadable.jsonl";
/** One is kept, the last: what nobody wants must not fill the disk. */
export const LAST_SUFFIX = ".last";
/** About a thousand records; with the file before, twice as many. */
const DEFAULT_MAX_BYTES = 4 * 1024 * 1024;

const FILES: Readonly<Record<SetAsideCause, string>> = { rejected: REJECTED_FILE, failed: FAILED_FILE };

export interface SetAsideFilesOptions {
  /** made where it is not there */
  directory: string;
  /** of one file, default 4 MiB */
  maxBytes?: number;
  /** milliseconds since the Unix epoch */
  now?: () => number;
  onFailure(detail: { path: string; error: string; records: number }): void;
  /** Called when a file was dropped for the one after it. */
  onDropped(detail: { path: string; bytes: number }): void;
}

/** Never throws: where the disk does not take a line, onFailure is called. */
export interface SetAsideFiles {
  keepRecords(records: readonly LogRecord[], reason: string, cause: SetAsideCause): void;
  keepUnreadable(unreadable: Unreadable): void;
}

export function openSetAsideFiles({
  directory,
  onFailure,
  onDropped,
  ...options
}: SetAsideFilesOptions): SetAsideFiles {
  const { maxBytes = DEFAULT_MAX_BYTES, now = Date.now } = options;

  function append(name: string, entries: readonly object[]): void {
    const path = join(directory, name);
    const lines = entries.map((entry) => `${JSON.stringify(entry)}\n`).join("");
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      const size = sizeOf(path);
      if (size > 0 && size + Buffer.byteLength(lines) > maxBytes) {
        const dropped = sizeOf(path + LAST_SUFFIX);
        renameSync(path, path + LAST_SUFFIX);
        if (dropped > 0) onDropped({ path: path + LAST_SUFFIX, bytes: dropped });
      }
      appendFileSync(path, lines, { mode: 0o600 });
    } catch (error) {
      onFailure({ path, error: (error as Error).message, records: entries.length });
    }
  }

  return {
    keepRecords(records, reason, cause) {
      const at = new Date(now()).toISOString();
      append(
        FILES[cause],
        records.map((record) => ({ [cause]: at, reason, record })),
      );
    },
    keepUnreadable: (unreadable) => append(UNREADABLE_FILE, [{ found: new Date(now()).toISOString(), ...unreadable }]),
  };
}

/** What lies in the files of one directory. */
export interface SetAsideCounts {
  rejected: number;
  failed: number;
  unreadable: number;
  /** to be sent again, and not yet taken by an agent */
  requested: number;
  /** why the last of the rejected or failed ones was set aside */
  lastReason?: string;
}

/** @throws Error of the file system */
export function countSetAside(directory: string): SetAsideCounts {
  const lines = (name: string): string[] =>
    [name + LAST_SUFFIX, name].flatMap((one) => readLines(join(directory, one)));
  const [rejected, failed] = [lines(REJECTED_FILE), lines(FAILED_FILE)];
  const last = [...rejected, ...failed]
    .flatMap((line) => parseLine(line) ?? [])
    .toSorted((a, b) => (a.at < b.at ? -1 : 1));
  const reason = last.at(-1)?.reason;
  return {
    rejected: rejected.length,
    failed: failed.length,
    unreadable: lines(UNREADABLE_FILE).length,
    requested: listRetries(directory).reduce((sum, path) => sum + readLines(path).length, 0),
    ...(reason === undefined ? {} : { lastReason: reason }),
  };
}

const RETRY_FILE = /^retry-.*\.jsonl$/;

/**
 * Asks for records to be sent again: renames their files, so that whoever appends to one begins a new one.
 * @returns how many lines they hold
 * @throws Error of the file system
 */
export function requestRetry(directory: string, causes: readonly SetAsideCause[] = ["rejected", "failed"]): number {
  let lines = 0;
  for (const name of causes.flatMap((cause) => [FILES[cause] + LAST_SUFFIX, FILES[cause]])) {
    const path = join(directory, name);
    if (!existsSync(path)) continue;
    const target = join(directory, `retry-${Date.now()}-${randomUUID()}-${name}.jsonl`);
    renameSync(path, target);
    lines += readLines(target).length;
  }
  return lines;
}

/** Files of records that are to be sent again, in the order in which that was asked for. */
export function listRetries(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => RETRY_FILE.test(name))
    .sort()
    .map((name) => join(directory, name));
}

export interface RetryFile {
  records: LogRecord[];
  /** lines that hold no record */
  bad: string[];
}

/** @throws Error of the file system */
export function readRetry(path: string): RetryFile {
  const file: RetryFile = { records: [], bad: [] };
  for (const line of readLines(path)) {
    const record = parseLine(line)?.record;
    if (record === undefined) file.bad.push(line);
    else file.records.push(record);
  }
  return file;
}

export function removeRetry(path: string): void {
  rmSync(path, { force: true });
}

/** @returns undefined where it is no line of ours */
function parseLine(line: string): { at: string; reason: string; record: LogRecord } | undefined {
  try {
    const { rejected, failed, reason, record } = (JSON.parse(line) ?? {}) as Record<string, unknown>;
    if (findProblem(record) !== undefined) return undefined;
    return { at: String(rejected ?? failed ?? ""), reason: String(reason ?? ""), record: record as LogRecord };
  } catch {
    return undefined;
  }
}

/** @returns no lines where there is no file */
function readLines(path: string): string[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line.trim() !== "");
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
