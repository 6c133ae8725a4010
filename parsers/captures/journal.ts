/**
 * Entries of systemd's journal, whatever mode printed them: fields → record.
 * Spec: systemd.journal-fields(7); the export format: systemd.io/JOURNAL_EXPORT_FORMATS.
 */
import { type KernelRecord, makeRecord } from "../kernel-record.ts";

/** Fields of an entry as byte strings; of a field that stands several times, the first. */
export type JournalFields = Readonly<Record<string, string | undefined>>;

/**
 * Reads an entry. Only SYSLOG_FACILITY tells who wrote it: _TRANSPORT=kernel is set for every writer to /dev/kmsg.
 * @returns undefined where the entry has no message
 */
export function readJournalEntry(fields: JournalFields): KernelRecord | undefined {
  const message = fields["MESSAGE"];
  if (message === undefined) return undefined;
  const record = makeRecord(readOrigin(fields), message, message);
  record.facility = toNumber(fields["SYSLOG_FACILITY"]);
  record.level = toNumber(fields["PRIORITY"]);
  record.bootId = fields["_BOOT_ID"];
  record.machineId = fields["_MACHINE_ID"];
  record.host = fields["_HOSTNAME"];
  record.monotonicUs = toNumber(fields["_SOURCE_MONOTONIC_TIMESTAMP"]);
  record.wallTimeUs = readWallTime(fields, record.monotonicUs);
  return record;
}

function readOrigin(fields: JournalFields): KernelRecord["origin"] {
  const facility = fields["SYSLOG_FACILITY"];
  if (facility !== undefined) return facility === "0" ? "kernel" : "user";
  const transport = fields["_TRANSPORT"];
  if (transport !== undefined) return transport === "kernel" ? "unknown" : "user";
  const identifier = fields["SYSLOG_IDENTIFIER"];
  return identifier === undefined || identifier === "kernel" ? "unknown" : "user";
}

/**
 * When the kernel said it: the journal stamps the time of reading on both clocks, and keeps the kernel's own time on
 * one of them. Their difference takes the reading delay off.
 */
function readWallTime(fields: JournalFields, sourceUs: number | undefined): number | undefined {
  const realtime = toNumber(fields["__REALTIME_TIMESTAMP"]);
  const monotonic = toNumber(fields["__MONOTONIC_TIMESTAMP"]);
  if (realtime === undefined) return toNumber(fields["_SOURCE_REALTIME_TIMESTAMP"]);
  if (monotonic === undefined || sourceUs === undefined || monotonic < sourceUs) return realtime;
  return realtime - (monotonic - sourceUs);
}

function toNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : undefined;
}

/** A collector of an entry that spans lines. */
export interface EntryCollector {
  /**
   * @returns an entry that this line ended; `refused`: the line is not part of this format (an entry ended by it is
   * still returned)
   */
  push(line: string): { entry: JournalFields | undefined; refused: boolean };
  /** the entry under way, at the end of the input */
  end(): JournalFields | undefined;
}

/** No field of an entry is longer in memory than this: what is over is cut (and a kernel line never is). */
const MAX_FIELD = 1 << 20;
const KEPT = new Set([
  "MESSAGE",
  "SYSLOG_FACILITY",
  "SYSLOG_IDENTIFIER",
  "PRIORITY",
  "_TRANSPORT",
  "_BOOT_ID",
  "_MACHINE_ID",
  "_HOSTNAME",
  "_SOURCE_MONOTONIC_TIMESTAMP",
  "_SOURCE_REALTIME_TIMESTAMP",
  "__REALTIME_TIMESTAMP",
  "__MONOTONIC_TIMESTAMP",
]);

const EXPORT_LINE = /^([A-Z_][A-Z0-9_]*)=/;
const EXPORT_NAME = /^[A-Z_][A-Z0-9_]*$/;

/** Whether a line begins or goes on with an export-format entry. */
export function isExportLine(line: string): boolean {
  return /^(?:__CURSOR|__REALTIME_TIMESTAMP|__MONOTONIC_TIMESTAMP|_BOOT_ID|_TRANSPORT|_HOSTNAME|_MACHINE_ID|SYSLOG_FACILITY|SYSLOG_IDENTIFIER|PRIORITY|MESSAGE|_SOURCE_MONOTONIC_TIMESTAMP)=/.test(
    line,
  );
}

/** `journalctl -o export`: `NAME=value` lines, or `NAME`, eight bytes of length, the value; a blank line ends an entry. */
export function createExportCollector(): EntryCollector {
  let fields: Record<string, string> | undefined;
  let binary: { name: string; pieces: string[]; length: number; end: number | undefined } | undefined;

  function keep(name: string, value: string): void {
    if (!KEPT.has(name)) return;
    fields ??= {};
    fields[name] ??= value.length > MAX_FIELD ? value.slice(0, MAX_FIELD) : value;
  }

  function take(): JournalFields | undefined {
    const entry = fields;
    fields = undefined;
    return entry;
  }

  return {
    push(line) {
      if (binary !== undefined) {
        binary.pieces.push(line, "\n");
        binary.length += line.length + 1;
        if (binary.end === undefined && binary.length >= SIZE_BYTES) {
          // The first eight bytes may themselves hold line ends.
          binary.end = SIZE_BYTES + readSize(binary.pieces.join("")) + 1;
          if (binary.end > SIZE_BYTES + MAX_FIELD + 1) binary.end = 0;
        }
        if (binary.end === undefined || binary.length < binary.end) return { entry: undefined, refused: false };
        const isWhole = binary.length === binary.end;
        if (isWhole) keep(binary.name, binary.pieces.join("").slice(SIZE_BYTES, -1));
        binary = undefined;
        return { entry: undefined, refused: !isWhole };
      }
      if (line === "" || line === "\r") return { entry: take(), refused: false };
      const match = EXPORT_LINE.exec(line);
      if (match !== null) {
        keep(match[1] ?? "", line.slice(match[0].length));
        return { entry: undefined, refused: false };
      }
      if (EXPORT_NAME.test(line) && fields !== undefined) {
        binary = { name: line, pieces: [], length: 0, end: undefined };
        return { entry: undefined, refused: false };
      }
      return { entry: take(), refused: true };
    },
    end: take,
  };
}

/** A value's size stands before it, little-endian; a newline stands behind it. */
const SIZE_BYTES = 8;

function readSize(bytes: string): number {
  let size = 0;
  for (let index = SIZE_BYTES - 1; index >= 0; index--) size = size * 256 + bytes.charCodeAt(index);
  return size;
}

/** `Tue 2026-11-24 06:32:57.987738 UTC [s=ebbe…;i=9ca;b=…;m=…;t=…;x=…]` */
const VERBOSE_HEAD = /^\S+ \d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? \S+ \[(s=[0-9a-f]+;[^\]]*)\]$/;
const VERBOSE_FIELD = /^ {4}([A-Z_][A-Z0-9_]*)=(.*)$/;

export function isVerboseHead(line: string): boolean {
  return VERBOSE_HEAD.test(line);
}

/** `journalctl -o verbose`: a head with the cursor, then indented fields; a value's further lines are indented more. */
export function createVerboseCollector(): EntryCollector {
  let fields: Record<string, string> | undefined;
  let last: { name: string; indent: number } | undefined;

  function take(): JournalFields | undefined {
    const entry = fields;
    fields = undefined;
    last = undefined;
    return entry;
  }

  return {
    push(line) {
      const head = VERBOSE_HEAD.exec(line);
      if (head !== null) {
        const entry = take();
        fields = cursorFields(head[1] ?? "");
        return { entry, refused: false };
      }
      const field = VERBOSE_FIELD.exec(line);
      if (field !== null && fields !== undefined) {
        const name = field[1] ?? "";
        if (KEPT.has(name)) fields[name] ??= field[2] ?? "";
        last = { name, indent: 4 + name.length + 1 };
        return { entry: undefined, refused: false };
      }
      if (last !== undefined && fields !== undefined && line.startsWith("    ")) {
        const value = fields[last.name];
        const text = line.startsWith(" ".repeat(last.indent)) ? line.slice(last.indent) : line.trimStart();
        if (KEPT.has(last.name) && value !== undefined && value.length < MAX_FIELD) {
          fields[last.name] = `${value}\n${text}`;
        }
        return { entry: undefined, refused: false };
      }
      return { entry: take(), refused: true };
    },
    end: take,
  };
}

/** The cursor holds boot ID and both times: `b`, `m` and `t`, in hexadecimal (systemd sd_journal_get_cursor). */
function cursorFields(cursor: string): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const pair of cursor.split(";")) {
    const value = pair.slice(2);
    if (pair.startsWith("b=")) fields["_BOOT_ID"] = value;
    else if (pair.startsWith("m=")) fields["__MONOTONIC_TIMESTAMP"] = String(Number.parseInt(value, 16));
    else if (pair.startsWith("t=")) fields["__REALTIME_TIMESTAMP"] = String(Number.parseInt(value, 16));
  }
  return fields;
}
