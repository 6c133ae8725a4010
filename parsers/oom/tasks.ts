/**
 * The tasks table, `Tasks state (memory values in pages):`, read by its header: the columns changed in 2.6.36, 4.3,
 * 4.15, 5.0 and 6.8. Source: mm/oom_kill.c dump_tasks, dump_task.
 */
import { decodeBytes } from "../bytes.ts";
import { isComm } from "./comm.ts";
import { readCount, readPid, readScoreAdj, readUid } from "./figures.ts";
import type { TaskRow } from "./report.ts";
import { LEVEL } from "./wording.ts";

type NumericKey = Exclude<keyof TaskRow, "comm" | "pid">;

/** The header's word for a column that is kept; others are passed over. */
const KEYS: ReadonlyMap<string, NumericKey> = new Map([
  ["uid", "uid"],
  ["tgid", "tgid"],
  ["total_vm", "totalVm"],
  ["rss", "rss"],
  ["rss_anon", "rssAnon"],
  ["rss_file", "rssFile"],
  ["rss_shmem", "rssShmem"],
  ["pgtables_bytes", "pgtablesBytes"],
  ["swapents", "swapents"],
  ["oom_score_adj", "oomScoreAdj"],
]);

/** What the numeric columns of a row mean, in order; undefined: passed over. */
export type TaskColumns = readonly (NumericKey | undefined)[];

/** Longer than any kernel's header. */
const LONGEST_HEADER = 256;
const COLUMN = /^[a-z_]+$/;

/** The last header and what it means: a kernel prints the same one in every report. */
let lastHeader = "";
let lastColumns: TaskColumns | undefined;

/** Whether lines of the table are printed at a level: KERN_INFO, up to 2.6.35 KERN_ERR. */
export function isTableLevel(level: number | undefined): boolean {
  return level === undefined || level === LEVEL.info || level === LEVEL.err;
}

/** Reads `[  pid  ]   uid  tgid … name`. */
export function parseTasksHeader(text: string): TaskColumns | undefined {
  if (text === lastHeader) return lastColumns;
  const close = text.indexOf("]");
  if (text.length > LONGEST_HEADER || !text.startsWith("[") || text.slice(1, close).trim() !== "pid") return undefined;
  const words = text
    .slice(close + 1)
    .split(" ")
    .filter((word) => word !== "");
  if (words.length < 2 || words.pop() !== "name" || !words.every((word) => COLUMN.test(word))) return undefined;
  lastHeader = text;
  lastColumns = words.map((word) => KEYS.get(word));
  return lastColumns;
}

const SPACE = 32;
const BRACKET_OPEN = 91;
const BRACKET_CLOSE = 93;
const MINUS = 45;
const ZERO = 48;
const NINE = 57;

/**
 * Reads a row: `[  13233]     0 13233 … 0 java`.
 * @returns undefined where a column is not a number, or the pid or the name is none that a process can have
 */
export function parseTaskRow(text: string, columns: TaskColumns): TaskRow | undefined {
  if (text.charCodeAt(0) !== BRACKET_OPEN) return undefined;
  const scan = { at: 1, value: 0 };
  if (!scanInteger(text, scan) || text.charCodeAt(scan.at) !== BRACKET_CLOSE) return undefined;
  scan.at++;
  const pid = readPid(scan.value);
  if (pid === undefined) return undefined;
  const row: TaskRow = { pid, comm: "" };
  for (const [index, key] of columns.entries()) {
    if (index > 0 && text.charCodeAt(scan.at) !== SPACE) return undefined;
    if (!scanInteger(text, scan)) return undefined;
    const value = key === undefined ? undefined : readColumn(key, scan.value);
    if (key !== undefined && value !== undefined) row[key] = value;
  }
  // One space ends the last column; the name is all the rest, its own spaces included.
  if (scan.at === text.length) dropLastColumn(row, columns);
  else if (text.charCodeAt(scan.at) !== SPACE) return undefined;
  const comm = text.slice(scan.at + 1);
  if (!isComm(comm)) return undefined;
  row.comm = decodeBytes(comm);
  return row;
}

function readColumn(key: NumericKey, value: number): number | undefined {
  if (key === "uid") return readUid(value);
  if (key === "oomScoreAdj") return readScoreAdj(value);
  return readCount(value);
}

/** A row that ends with its last figure was cut there: the figure may have been longer. */
function dropLastColumn(row: TaskRow, columns: TaskColumns): void {
  const last = columns.at(-1);
  if (last !== undefined) delete row[last];
}

function scanInteger(text: string, scan: { at: number; value: number }): boolean {
  let at = scan.at;
  while (text.charCodeAt(at) === SPACE) at++;
  const negative = text.charCodeAt(at) === MINUS;
  if (negative) at++;
  const start = at;
  let value = 0;
  for (let code = text.charCodeAt(at); code >= ZERO && code <= NINE; code = text.charCodeAt(++at)) {
    value = value * 10 + (code - ZERO);
  }
  scan.at = at;
  scan.value = negative ? -value : value;
  return at > start;
}
