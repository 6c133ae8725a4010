/**
 * The record format of /dev/kmsg.
 * Spec: Documentation/ABI/testing/dev-kmsg: `level,seq,timestamp,flag[,…];message\n`, then ` KEY=value` lines.
 */
import { undoKmsgEscapes } from "./bytes.ts";
import { type KernelRecord, makeRecord } from "./kernel-record.ts";

const COMMA = 44;
const SEMICOLON = 59;
const ZERO = 48;
const NINE = 57;

/** Levels are 0–7; the rest of the number is the facility. */
const LEVELS = 8;

/**
 * Reads one record: the header line and its dictionary lines, as one read(2) of /dev/kmsg returns them.
 * @param bytes byte string, with or without the final newline
 * @returns undefined where it is not such a record; further prefix fields that are not known are skipped
 */
export function parseKmsgRecord(bytes: string): KernelRecord | undefined {
  const newline = bytes.indexOf("\n");
  const record = parseKmsgLine(newline === -1 ? bytes : bytes.slice(0, newline));
  if (record === undefined || newline === -1) return record;
  for (const line of bytes.slice(newline + 1).split("\n")) addKmsgField(record, line);
  return record;
}

/** Reads a record's first line: `level,seq,timestamp,flag[,caller=T1][,…];message`. */
export function parseKmsgLine(line: string): KernelRecord | undefined {
  const scan = { at: 0 };
  const priority = scanNumber(line, scan, COMMA);
  if (priority === undefined) return undefined;
  const seq = scanNumber(line, scan, COMMA);
  if (seq === undefined) return undefined;
  const monotonicUs = scanNumber(line, scan, COMMA, SEMICOLON);
  if (monotonicUs === undefined) return undefined;
  const semicolon = line.charCodeAt(scan.at - 1) === SEMICOLON ? scan.at - 1 : line.indexOf(";", scan.at);
  if (semicolon === -1) return undefined;
  // Not a shift: it would drop what is above 32 bits, and make a facility of 0.
  const facility = Math.floor(priority / LEVELS);
  const text = undoKmsgEscapes(line.slice(semicolon + 1));
  const record = makeRecord(facility === 0 ? "kernel" : "user", text, line);
  record.level = priority % LEVELS;
  record.facility = facility;
  record.seq = seq;
  record.monotonicUs = monotonicUs;
  if (semicolon >= scan.at) readPrefixFields(record, line, scan.at, semicolon);
  return record;
}

/** The kernel's own are SUBSYSTEM and DEVICE. */
const MAX_FIELDS = 16;

/** Adds a ` KEY=value` line to its record, up to a bound; anything else is ignored. @returns whether it was one */
export function addKmsgField(record: KernelRecord, line: string): boolean {
  const equals = line.indexOf("=");
  if (line.charCodeAt(0) !== 32 || equals < 2) return false;
  if (Object.keys(record.fields ?? {}).length >= MAX_FIELDS) return true;
  record.fields = { ...record.fields, [line.slice(1, equals)]: undoKmsgEscapes(line.slice(equals + 1)) };
  return true;
}

/** What stands between the timestamp and the semicolon: the flag, then `key=value` fields, known or not. */
function readPrefixFields(record: KernelRecord, line: string, from: number, semicolon: number): void {
  if (semicolon === from + 1) {
    record.flag = line[from];
    return;
  }
  for (const field of line.slice(from, semicolon).split(",")) {
    if (field.startsWith("caller=")) record.caller = field.slice("caller=".length);
    else if (!field.includes("=") && record.flag === undefined) record.flag = field;
  }
}

/** A run of decimal digits ended by one of two characters; moves past it. */
function scanNumber(line: string, scan: { at: number }, end: number, otherEnd = end): number | undefined {
  const start = scan.at;
  let value = 0;
  for (let at = start; at < line.length && at < start + 20; at++) {
    const code = line.charCodeAt(at);
    if (code >= ZERO && code <= NINE) {
      value = value * 10 + (code - ZERO);
    } else if ((code === end || code === otherEnd) && at > start) {
      scan.at = at + 1;
      return value;
    } else {
      return undefined;
    }
  }
  return undefined;
}
