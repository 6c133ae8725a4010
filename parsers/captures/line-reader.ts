/**
 * Lines of a capture → kernel records, whatever printed each line: the formats of one line a record, entries and JSON
 * that span lines, wrappers taken off layer by layer, and bare messages where nothing is known.
 *
 * One record is held back until the next line shows that it is whole: a line break in a message is printed as a line
 * of its own, indented to the message's column.
 */
import { undoUnprintableEscapes } from "../bytes.ts";
import { type KernelRecord, makeRecord } from "../kernel-record.ts";
import { addKmsgField } from "../kmsg.ts";
import { dmesgFormat, dmesgNoTimeFormat, parseReltime, type ReltimeState } from "./dmesg.ts";
import { type CaptureContext, type LineFormat, type LineRecord, MAX_TEXT_LINE } from "./format.ts";
import { kmsgFormat, LINE_FORMATS } from "./formats.ts";
import {
  createExportCollector,
  createVerboseCollector,
  type EntryCollector,
  isExportLine,
  isVerboseHead,
  type JournalFields,
  readJournalEntry,
} from "./journal.ts";
import { type JsonContent, LINE_KEYS, readJsonArray, readJsonObject } from "./json.ts";
import { createJsonScanner } from "./json-scanner.ts";
import { displayWidth } from "./wrapped.ts";
import { cutForeignPrefix, findEmbeddedPrefix, stripTerminal, type Unwrapped, unwrapLine } from "./wrappers.ts";

export interface LineReader {
  /**
   * @param line byte string without its line end
   * @param isPlain the caller knows that it holds nothing of a terminal's, no ESC, CR or NUL: default false
   */
  push(line: string, isPlain?: boolean): void;
  /** A piece of a line so long that it is not kept whole. @returns whether it is JSON: nothing else is read from it */
  pushPiece(piece: string): boolean;
  /** Hands on what is held: the next line is not the one after the last. */
  release(): void;
  /** the message of the record that is held until the next line shows that it is whole */
  readonly heldText: string | undefined;
  end(): void;
  /** whether a line can be one that a known format prints: for looking at a sample */
  isKnown(line: string): boolean;
  /** true: the line's meaning hangs on no line before, so lines that are none of a report's may be passed over */
  readonly stateless: boolean;
  /** lines of each format, by its name */
  readonly formats: ReadonlyMap<string, number>;
}

export interface LineReaderOptions {
  context: CaptureContext;
  onRecord(record: KernelRecord): void;
  /** the width at which a terminal broke the lines */
  wrapWidth?: number | undefined;
}

/** How many layers of wrappers are taken off. */
const MAX_LAYERS = 5;
/** Bytes of a line in parts: more is no kernel line. */
const MAX_JOINED = 1 << 16;
/**
 * Bytes of a record's message: the longest record of /dev/kmsg, every byte of it escaped (kernel/printk/printk.c,
 * CONSOLE_EXT_LOG_MAX). What is over is cut.
 */
const MAX_MESSAGE = 8 * 1024;
/** No time is printed in fewer columns. */
const MIN_INDENT = 12;
const BARE = "unknown";

export function createLineReader({ context, onRecord, wrapWidth }: LineReaderOptions): LineReader {
  const formats = createTally();
  const reltime: ReltimeState = { lastUs: undefined };
  const reltimeFormat: LineFormat = {
    name: "dmesg -e",
    example: "[  +0.000016] Mem-Info:",
    lost: ["facility", "level", "year", "timezone"],
    parse: (line) => parseReltime(line, context, reltime),
  };
  const rows: readonly LineFormat[] = [...LINE_FORMATS, reltimeFormat];
  const jsonSink = { keys: new Set(LINE_KEYS), onObject: onJsonObject, onArray: onJsonArray };
  const json = createJsonScanner(jsonSink);
  /** what is read is a line out of JSON: JSON in it is whole, or none */
  let isInJson = false;

  let held: LineRecord | undefined;
  /** the last record of a line with a prefix */
  let before: KernelRecord | undefined;
  /** what was taken off before the held record's line: `host: `; a line break's second half has it as well */
  let outer = "";
  let format: LineFormat | undefined;
  let collector: { name: string; lines: EntryCollector } | undefined;
  /** the first parts of a line that a container runtime split */
  let parts = "";
  /** the line before filled the terminal, so the next may be its rest: what stood between them */
  let brokenBy: string | undefined;
  let hadJson = false;

  function release(): void {
    if (held === undefined) return;
    const { record } = held;
    held = undefined;
    if (record.text.length > MAX_MESSAGE) record.text = record.text.slice(0, MAX_MESSAGE);
    onRecord(record);
  }

  function hold(parsed: LineRecord, name: string): void {
    release();
    held = parsed;
    outer = "";
    const { record } = parsed;
    // Consoles that lose bytes print zeros; a name has none.
    if (record.text.charCodeAt(0) === 0) record.text = record.text.replace(/^\0+/, "");
    formats.add(name);
  }

  function parseKnown(line: string): LineRecord | undefined {
    // No format's line begins with a blank, and those that do are many: a message's further lines.
    if (line.charCodeAt(0) === 32) return undefined;
    // A priority and nothing more is how lines of other formats begin as well: one that was cut changes no other.
    if (format !== undefined && format !== dmesgNoTimeFormat) {
      const parsed = format.parse(line, context);
      if (parsed !== undefined && !isOthers(format, parsed)) return parsed;
    }
    for (const row of rows) {
      const parsed = row.parse(line, context);
      if (parsed === undefined || (row.needsSureLine && parsed.sure !== true && row !== format)) continue;
      format = row;
      return parsed;
    }
    return undefined;
  }

  /** A line break in the message of the record that is held. */
  function isContinuation(line: string): boolean {
    if (held === undefined) return false;
    if (format === kmsgFormat && addKmsgField(held.record, line)) return true;
    const { record, textColumn } = held;
    if (textColumn < 3 || record.text.length > MAX_MESSAGE) return false;
    let indent = 0;
    while (indent < textColumn && line.charCodeAt(indent) === 32) indent++;
    // util-linux 2.41 forgets a part of its prefix where it prints two times.
    if (indent === line.length || (indent < textColumn && indent < MIN_INDENT)) return false;
    record.text += `\n${undoUnprintableEscapes(line.slice(indent))}`;
    record.original += `\n${line}`;
    return true;
  }

  /** The rest of a line that a terminal broke. It is read anew as a whole: the break may go through an escape. */
  function isBrokenLine(line: string): boolean {
    if (brokenBy === undefined || held === undefined || format === undefined) return false;
    const { record } = held;
    if (record.text.length > MAX_MESSAGE) return false;
    const original = record.original + brokenBy + line;
    const whole = original.includes("\n") ? undefined : format.parse(original, context);
    if (whole !== undefined) {
      whole.record.textStart = record.textStart;
      held = whole;
    } else {
      record.text += brokenBy + undoUnprintableEscapes(line);
      record.original = original;
    }
    return true;
  }

  function readLine(whole: string, layer: number): void {
    const line = headOf(whole);
    const known = parseKnown(line);
    if (known !== undefined) {
      if (before !== undefined && mayBeFurtherLine(known.record, before)) known.record.textStart = "assumed";
      before = known.record;
      hold(known, format?.name ?? BARE);
      return;
    }
    if (
      layer === 0 && outer !== ""
        ? line.startsWith(outer) && isContinuation(line.slice(outer.length))
        : isContinuation(line)
    ) {
      return;
    }
    if (isBrokenLine(line)) return;
    if (line === "" || startEntry(line) || startJson(whole)) return;
    if (layer < MAX_LAYERS) {
      const unwrapped = unwrapLine(whole);
      if (unwrapped !== undefined) {
        readUnwrapped(whole, unwrapped, layer);
        return;
      }
      const at = findEmbeddedPrefix(line);
      if (at !== undefined) {
        const last = held;
        readInner(whole, whole.slice(at), layer);
        if (held !== undefined && held !== last) held.record.textStart ??= "assumed";
        return;
      }
    }
    const text = undoUnprintableEscapes(cutForeignPrefix(line));
    const record = makeRecord("unknown", text, line);
    record.textStart = "unknown";
    hold({ record, textColumn: 0 }, BARE);
  }

  function readUnwrapped(line: string, { inner, partial, facilityLost }: Unwrapped, layer: number): void {
    const whole = parts + inner;
    if (partial && whole.length <= MAX_JOINED) {
      parts = whole;
      return;
    }
    parts = "";
    const before = held;
    readInner(line, stripTerminal(whole), layer);
    if (facilityLost && held !== undefined && held !== before && held.record.origin === "kernel") {
      held.record.origin = "unknown";
      held.record.facility = undefined;
    }
  }

  function readInner(line: string, inner: string, layer: number): void {
    const before = held;
    readLine(inner, layer + 1);
    if (held !== before) outer = line.endsWith(inner) ? line.slice(0, line.length - inner.length) : "";
  }

  function startEntry(line: string): boolean {
    if (isExportLine(line)) collector = { name: "journalctl -o export", lines: createExportCollector() };
    else if (isVerboseHead(line)) collector = { name: "journalctl -o verbose", lines: createVerboseCollector() };
    else return false;
    collector.lines.push(line);
    return true;
  }

  /** @returns whether the line was part of the entry */
  function readEntryLine(entries: NonNullable<typeof collector>, line: string): boolean {
    const { entry, refused } = entries.lines.push(line);
    if (entry !== undefined) holdEntry(entry, entries.name);
    if (refused) collector = undefined;
    return !refused;
  }

  function holdEntry(entry: JournalFields, name: string): void {
    const record = readJournalEntry(entry);
    if (record !== undefined) hold({ record, textColumn: 0 }, name);
  }

  function startJson(line: string): boolean {
    if (!JSON_START.test(headOf(line))) return false;
    if (isInJson) {
      const nested = createJsonScanner(jsonSink);
      nested.push(line);
      return !nested.inString;
    }
    json.push(`${line}\n`);
    return endJsonLine();
  }

  /** @returns whether the line goes on with JSON that is open */
  function readJsonLine(line: string): boolean {
    // A lone brace in a log must not swallow what follows.
    const head = headOf(line);
    if (!JSON_LINE.test(head) || TIMED_LINE.test(head)) {
      json.reset();
      return false;
    }
    json.push(`${line}\n`);
    return endJsonLine();
  }

  /** A string of JSON ends on its line: where it does not, the line was cut, or no JSON. */
  function endJsonLine(): boolean {
    if (!json.inString) return true;
    json.reset();
    return false;
  }

  function onJsonObject(bytes: string): boolean {
    return holdJson(readJsonObject(bytes, context));
  }

  function onJsonArray(bytes: string): boolean {
    return holdJson(readJsonArray(bytes));
  }

  function holdJson(content: JsonContent | undefined): boolean {
    if (content === undefined) return false;
    if (content.kind === "record") {
      hadJson = true;
      hold({ record: content.record, textColumn: 0 }, "JSON");
      return true;
    }
    const whole = parts + content.line;
    if (!content.complete && whole.length <= MAX_JOINED) {
      parts = whole;
      return true;
    }
    parts = "";
    const wasInJson = isInJson;
    isInJson = true;
    // The line within may hold line breaks of its own.
    for (const inner of whole.split("\n")) readLine(stripTerminal(inner), 1);
    isInJson = wasInJson;
    return true;
  }

  return {
    push(raw, isPlain = false) {
      if (collector !== undefined && readEntryLine(collector, raw)) return;
      if (json.open && readJsonLine(raw)) return;
      const line = isPlain ? raw : stripTerminal(raw);
      readLine(line, 0);
      if (wrapWidth !== undefined) brokenBy = readBreak(line, wrapWidth);
    },
    pushPiece(piece) {
      const isJson = json.open || JSON_START.test(headOf(piece));
      if (isJson) json.push(piece);
      return isJson;
    },
    release,
    get heldText() {
      return held?.record.text;
    },
    end() {
      const entry = collector?.lines.end();
      if (entry !== undefined) holdEntry(entry, collector?.name ?? BARE);
      if (parts !== "") readUnwrapped("", { inner: "" }, MAX_LAYERS - 1);
      release();
    },
    isKnown(whole) {
      const line = headOf(whole);
      return rows.some((row) => row.parse(line, context) !== undefined) || unwrapLine(line) !== undefined;
    },
    get stateless() {
      return (
        format !== undefined &&
        format !== reltimeFormat &&
        parts === "" &&
        collector === undefined &&
        !json.open &&
        !hadJson &&
        wrapWidth === undefined
      );
    },
    get formats() {
      return formats.counts();
    },
  };
}

interface Tally {
  add(name: string): void;
  counts(): ReadonlyMap<string, number>;
}

/** Counts names that come many times in a row: the map is looked at where the name changes only. */
function createTally(): Tally {
  const counts = new Map<string, number>();
  let current = BARE;
  let run = 0;

  function settle(): void {
    if (run > 0) counts.set(current, (counts.get(current) ?? 0) + run);
    run = 0;
  }

  return {
    add(name) {
      if (name !== current) {
        settle();
        current = name;
      }
      run++;
    },
    counts() {
      settle();
      return counts;
    },
  };
}

/** What of a line reaches formats, wrappers and patterns. */
function headOf(line: string): string {
  return line.length > MAX_TEXT_LINE ? line.slice(0, MAX_TEXT_LINE) : line;
}

const JSON_START = /^\s*(?:\{\s*(?:"|$|\})|\[\s*(?:$|[{"[]))/;
/** What a line within JSON can begin with. */
const JSON_LINE = /^\s*(?:$|["[{}\],]|-?\d[\d.eE+-]*,?\s*$|(?:true|false|null)\b)/;
/** What begins like JSON and is a kernel's time. */
const TIMED_LINE = /^\s*\[ *\d+\.\d{6}[\] ]/;

/** dmesg would take `host kernel: message` of journalctl's short-monotonic for the message. */
function isOthers(format: LineFormat, { record }: LineRecord): boolean {
  if (format !== dmesgFormat) return false;
  const at = record.text.indexOf(" ");
  return at > 0 && record.text.startsWith(" kernel: ", at);
}

/**
 * A console and /proc/kmsg print each line of a message with the same prefix, so that a line break in a string that
 * the kernel quotes begins a line of its own: what has the very time of the line before may be the rest of its message.
 */
function mayBeFurtherLine(record: KernelRecord, before: KernelRecord): boolean {
  return (
    record.monotonicUs !== undefined &&
    record.monotonicUs === before.monotonicUs &&
    record.seq === undefined &&
    record.level === before.level &&
    record.caller === before.caller &&
    record.host === before.host
  );
}

/** The widest column of a tasks table. */
const MAX_BLANKS = 16;

/** What a terminal's edge stands for: nothing, or the blanks of the last columns, which get lost in copying. */
function readBreak(line: string, wrapWidth: number): string | undefined {
  const blanks = wrapWidth - displayWidth(line);
  return blanks >= 0 && blanks <= MAX_BLANKS ? " ".repeat(blanks) : undefined;
}
