/**
 * dmesg of util-linux (sys-utils/dmesg.c print_record) and consoles (kernel/printk/printk.c): an optional priority,
 * an optional time in brackets, an optional caller, the message.
 */
import { undoUnprintableEscapes } from "../bytes.ts";
import { makeRecord } from "../kernel-record.ts";
import { type CaptureContext, type LineFormat, type LineRecord, setStamp } from "./format.ts";
import { readCtime, readReltimeMinute, toStamp } from "./stamps.ts";

const BRACKET_OPEN = 91;
const BRACKET_CLOSE = 93;
const SPACE = 32;
const DOT = 46;
const ZERO = 48;
const NINE = 57;

/** What stands before the message. */
interface Prefix {
  end: number;
  /** facility and level from `<N>` or `kern  :warn  : ` */
  facility: number | undefined;
  level: number | undefined;
  /** -r of util-linux before 2.39 prints another facility than the record's when that is not the kernel's */
  facilityLost: boolean;
}

/** `[ 7999.193770] message`, the default; also with `<4>`, `kern  :warn  : `, `[   T92]`, a delta. */
export const dmesgFormat: LineFormat = {
  name: "dmesg",
  example: "[ 7999.193770] java invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
  lost: ["facility", "level", "wall-time"],
  parse(line) {
    const prefix = readPriority(line);
    const at = prefix.end;
    if (line.charCodeAt(at) !== BRACKET_OPEN) return undefined;
    const close = scanSeconds(line, at + 1);
    if (close === -1) return undefined;
    return finish(line, prefix, close, seconds);
  },
};

/** `[Tue Nov 24 06:29:37 2026] message`: dmesg -T. */
export const dmesgCtimeFormat: LineFormat = {
  name: "dmesg -T",
  example: "[Tue Nov 24 06:29:37 2026] Mem-Info:",
  lost: ["facility", "level", "timezone", "seconds-only"],
  parse(line, context) {
    const prefix = readPriority(line);
    if (line.charCodeAt(prefix.end) !== BRACKET_OPEN) return undefined;
    const close = line.indexOf("]", prefix.end);
    if (close === -1 || close - prefix.end > 80) return undefined;
    const inside = line.slice(prefix.end + 1, close).replace(/ <[ \d.]*>$/, "");
    const stamp = readCtime(inside, context);
    if (stamp === undefined) return undefined;
    const parsed = finish(line, prefix, close + 1, undefined);
    setStamp(parsed.record, stamp);
    return parsed;
  },
};

/** Reads what dmesg -e prints: a minute now and then, else the seconds since the record before. */
export interface ReltimeState {
  lastUs: number | undefined;
}

/** `[Nov24 06:29] message`, `[  +0.000016] message`: dmesg -e, -H. Every line counts, so none may be skipped. */
export function parseReltime(line: string, context: CaptureContext, state: ReltimeState): LineRecord | undefined {
  const prefix = readPriority(line);
  const inside = /^\[([^\]]*)\]/.exec(line.slice(prefix.end, prefix.end + 40));
  if (inside === null) return undefined;
  const delta = /^\s*\+(\d+)\.(\d{6})$/.exec(inside[1] ?? "");
  const parsed = finish(line, prefix, prefix.end + inside[0].length, undefined);
  if (delta !== null) {
    if (state.lastUs !== undefined) state.lastUs += Number(delta[1]) * 1_000_000 + Number(delta[2]);
    setStamp(parsed.record, stampOf(state));
    return parsed;
  }
  const stamp = readReltimeMinute(inside[1] ?? "", context);
  if (stamp === undefined) return undefined;
  state.lastUs = stamp.wallTimeUs;
  setStamp(parsed.record, stampOf(state));
  return parsed;
}

function stampOf(
  state: ReltimeState,
): { wallTimeUs: number; assumed: readonly ("year" | "timezone" | "seconds")[] } | undefined {
  if (state.lastUs === undefined) return undefined;
  return { wallTimeUs: state.lastUs, assumed: ["year", "timezone", "seconds"] };
}

/** `[<    0.000016>] message`: dmesg --time-format delta; when it was cannot be known. */
export const dmesgDeltaFormat: LineFormat = {
  name: "dmesg --time-format delta",
  example: "[<    0.000016>] Mem-Info:",
  lost: ["facility", "level", "time"],
  parse(line) {
    const prefix = readPriority(line);
    const match = /^\[<\s*\d+\.\d+>\]/.exec(line.slice(prefix.end, prefix.end + 40));
    if (match === null) return undefined;
    return finish(line, prefix, prefix.end + match[0].length, undefined);
  },
};

/** With --time-format delta as well, util-linux 2.41 prints both. */
const ISO_COMMA = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d),(\d{6})([+-]\d\d):?(\d\d)(?: \[<\s*\d+\.\d+>\])?/;

/** `2026-11-24T06:29:37,193770+00:00 message`: dmesg --time-format iso; the comma tells it from every other log. */
export const dmesgIsoFormat: LineFormat = {
  name: "dmesg --time-format iso",
  example: "2026-11-24T06:29:37,193770+00:00 Mem-Info:",
  lost: ["facility", "level"],
  parse(line, context) {
    const prefix = readPriority(line);
    const match = ISO_COMMA.exec(prefix.end === 0 ? line : line.slice(prefix.end));
    if (match === null) return undefined;
    const [all, year, month, day, hour, minute, second, fraction, zoneHour, zoneMinute] = match;
    const parsed = finish(line, prefix, prefix.end + all.length, undefined);
    const sign = zoneHour?.startsWith("-") ? -1 : 1;
    setStamp(
      parsed.record,
      toStamp(
        {
          year: Number(year),
          month: Number(month),
          day: Number(day),
          hour: Number(hour),
          minute: Number(minute),
          second: Number(second),
          microsecond: Number(fraction),
          offsetMinutes: Number(zoneHour) * 60 + sign * Number(zoneMinute),
        },
        context,
      ),
    );
    return parsed;
  },
};

/** `kern  :warn  : message` or `<4>message`: a priority and no time (dmesg -x -t, -r without timestamps). */
export const dmesgNoTimeFormat: LineFormat = {
  name: "dmesg -x -t",
  example: "kern  :warn  : Mem-Info:",
  lost: ["time"],
  parse(line) {
    const prefix = readPriority(line);
    if (prefix.end === 0) return undefined;
    return finish(line, prefix, prefix.end, undefined, false);
  },
};

const FACILITIES = [
  "kern",
  "user",
  "mail",
  "daemon",
  "auth",
  "syslog",
  "lpr",
  "news",
  "uucp",
  "cron",
  "authpriv",
  "ftp",
];
const LEVELS = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"];

/** Number of a facility's name: 0 is the kernel; a name that is not known is some user's. */
export function facilityNumber(name: string): number | undefined {
  if (name === "kernel") return 0;
  const index = FACILITIES.indexOf(name);
  if (index !== -1) return index;
  const local = /^local(\d)$/.exec(name);
  return local === null ? undefined : 16 + Number(local[1]);
}

/** Number of a severity's name, with the longer forms that syslog daemons print. */
export function levelNumber(name: string): number | undefined {
  const index = LEVELS.findIndex((level) => name === level || (level.length > 2 && name.startsWith(level)));
  return index === -1 ? undefined : index;
}

const NO_PRIORITY: Prefix = { end: 0, facility: undefined, level: undefined, facilityLost: false };
const ANGLE = /^<(\d{1,3})>/;
const NAMED = /^([a-z0-9]+) *:([a-z]+) *: /;

/** Reads `<N>` (dmesg -r) or `kern  :warn  : ` (dmesg -x). */
function readPriority(line: string): Prefix {
  const code = line.charCodeAt(0);
  if (code === 60) {
    const match = ANGLE.exec(line);
    if (match === null) return NO_PRIORITY;
    const priority = Number(match[1]);
    // util-linux 2.38 prints the level of a user's record as if it were the kernel's: below 8 nothing is sure.
    return { end: match[0].length, facility: priority >> 3, level: priority & 7, facilityLost: priority < 8 };
  }
  if (code < 97 || code > 122) return NO_PRIORITY;
  const match = NAMED.exec(line);
  const level = match === null ? undefined : levelNumber(match[2] ?? "");
  const facility = match === null ? undefined : facilityNumber(match[1] ?? "");
  if (match === null || level === undefined || facility === undefined) return NO_PRIORITY;
  return { end: match[0].length, facility, level, facilityLost: false };
}

/** Microseconds that scanSeconds read last; a module variable spares an object a line. */
let seconds = 0;

/**
 * Scans ` 7999.193770]`, with a delta ` 7999.193770 <    0.382000>]` too, from after the bracket.
 * @returns where the text after the closing bracket begins, −1 where it is not a time (`[  123]` is a tasks row)
 */
function scanSeconds(line: string, from: number): number {
  let at = from;
  while (line.charCodeAt(at) === SPACE) at++;
  let whole = 0;
  const start = at;
  let code = line.charCodeAt(at);
  for (; code >= ZERO && code <= NINE; code = line.charCodeAt(++at)) whole = whole * 10 + (code - ZERO);
  if (at === start || at - start > 12 || code !== DOT) return -1;
  let fraction = 0;
  const dot = at++;
  for (code = line.charCodeAt(at); code >= ZERO && code <= NINE; code = line.charCodeAt(++at)) {
    fraction = fraction * 10 + (code - ZERO);
  }
  if (at - dot !== 7) return -1;
  seconds = whole * 1_000_000 + fraction;
  if (code === BRACKET_CLOSE) return at + 1;
  if (code !== SPACE || line.charCodeAt(at + 1) !== 60) return -1;
  const close = line.indexOf(">]", at);
  return close === -1 || close - at > 24 ? -1 : close + 2;
}

const CALLER = /^ ?\[ *([TC]\d+)\]/;
const LETTER_C = 67;
const LETTER_T = 84;

/** Whether what begins here can be a caller: a row of the tasks table, `[  123]`, begins with a bracket too. */
function mayBeCaller(line: string, from: number): boolean {
  let at = from;
  if (line.charCodeAt(at) === SPACE) at++;
  if (line.charCodeAt(at) !== BRACKET_OPEN) return false;
  do at++;
  while (line.charCodeAt(at) === SPACE);
  const code = line.charCodeAt(at);
  return code === LETTER_T || code === LETTER_C;
}

/** Takes caller and message after the time. */
function finish(
  line: string,
  prefix: Prefix,
  afterTime: number,
  monotonicUs: number | undefined,
  spaceAfter = true,
): LineRecord {
  let at = afterTime;
  let caller: string | undefined;
  if (mayBeCaller(line, at)) {
    const match = CALLER.exec(line.slice(at, at + 24));
    if (match !== null) {
      caller = match[1];
      at += match[0].length;
    }
  }
  if (spaceAfter && line.charCodeAt(at) === SPACE) at++;
  const { facility } = prefix;
  const isUsers = facility !== undefined && facility !== 0;
  const origin = isUsers ? "user" : facility === 0 && !prefix.facilityLost ? "kernel" : "unknown";
  const record = makeRecord(origin, undoUnprintableEscapes(line.slice(at)), line);
  record.level = prefix.level;
  if (!prefix.facilityLost) record.facility = facility;
  record.monotonicUs = monotonicUs;
  record.caller = caller;
  return { record, textColumn: at };
}
