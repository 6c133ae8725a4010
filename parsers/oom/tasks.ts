/**
 * The tasks table, `Tasks state (memory values in pages):`, read by its header: the columns changed in 2.6.36, 4.3,
 * 4.15, 5.0 and 6.8. Source: mm/oom_kill.c dump_tasks, dump_task.
 */
import { decodeBytes } from "../bytes.ts";
import type { TaskRow } from "./report.ts";

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

const HEADER = /^\[\s*pid\s*\]\s+(.*\S)\s+name\s*$/;

/** The last header and what it means: a kernel prints the same one in every report. */
let lastHeader = "";
let lastColumns: TaskColumns | undefined;

/** Reads `[  pid  ]   uid  tgid … name`. */
export function parseTasksHeader(text: string): TaskColumns | undefined {
  if (text === lastHeader) return lastColumns;
  const columns = HEADER.exec(text)?.[1]
    ?.split(/\s+/)
    .map((word) => KEYS.get(word));
  if (columns === undefined) return undefined;
  lastHeader = text;
  lastColumns = columns;
  return columns;
}

const SPACE = 32;
const BRACKET_OPEN = 91;
const BRACKET_CLOSE = 93;
const MINUS = 45;
const ZERO = 48;
const NINE = 57;

/** Reads a row: `[  13233]     0 13233 … 0 java`. @returns undefined where a column is not a number */
export function parseTaskRow(text: string, columns: TaskColumns): TaskRow | undefined {
  if (text.charCodeAt(0) !== BRACKET_OPEN) return undefined;
  const scan = { at: 1, value: 0 };
  if (!scanInteger(text, scan) || text.charCodeAt(scan.at) !== BRACKET_CLOSE) return undefined;
  scan.at++;
  const row: TaskRow = { pid: scan.value, comm: "" };
  for (const key of columns) {
    if (!scanInteger(text, scan)) return undefined;
    if (key !== undefined) row[key] = scan.value;
  }
  // One space ends the last column; the name is all the rest, its own spaces included.
  if (scan.at === text.length) dropLastColumn(row, columns);
  else if (text.charCodeAt(scan.at) !== SPACE) return undefined;
  row.comm = decodeBytes(text.slice(scan.at + 1));
  return row;
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
