/**
 * Lines of a capture → kernel records, whatever printed each line: the formats of one line a record, entries and JSON
 * that span lines, wrappers taken off layer by layer, and bare messages where nothing is known.
 *
 * One record is held back until the next line shows that it is whole: a line break in a message is printed as a line
 * of its own, indented to the message's column.
 */
import { undoUnprintableEscapes } from "../bytes.ts";
import type { KernelRecord } from "../kernel-record.ts";
import { addKmsgField } from "../kmsg.ts";
import { dmesgFormat, parseReltime, type ReltimeState } from "./dmesg.ts";
import { type CaptureContext, type LineFormat, type LineRecord, makeRecord } from "./format.ts";
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
import { type JsonContent, readJsonArray, readJsonObject } from "./json.ts";
import { createJsonScanner } from "./json-scanner.ts";
import { displayWidth } from "./wrapped.ts";
import { cutForeignPrefix, findEmbeddedPrefix, stripTerminal, unwrapLine } from "./wrappers.ts";

export interface LineReader {
  /** @param line byte string without its line end */
  push(line: string): void;
  /** A piece of a line so long that it is not kept whole. @returns whether it is JSON: nothing else is read from it */
  pushPiece(piece: string): boolean;
  /** Hands on what is held: the next line is not the one after the last. */
  release(): void;
  end(): void;
  /** whether a line can be one that a known format prints: for looking at a sample */
  isKnown(line: string): boolean;
  /** true: the line's meaning hangs on no line before, so lines that are none of a report's may be passed over */
  readonly stateless: boolean;
  /** lines of each format, by its name */
  readonly formats: Map<string, number>;
}

export interface LineReaderOptions {
  context: CaptureContext;
  onRecord(record: KernelRecord): void;
  /** the width at which a terminal broke the lines */
  wrapWidth?: number | undefined;
}

/** How many layers of wrappers are taken off. */
const MAX_LAYERS = 5;
/** Bytes of a message with line breaks, or of a line in parts: more is no kernel line. */
const MAX_JOINED = 1 << 16;
const BARE = "unknown";

export function createLineReader({ context, onRecord, wrapWidth }: LineReaderOptions): LineReader {
  const formats = new Map<string, number>();
  const reltime: ReltimeState = { lastUs: undefined };
  const reltimeFormat: LineFormat = {
    name: "dmesg -e",
    example: "[  +0.000016] Mem-Info:",
    lost: ["facility", "level", "year", "timezone"],
    parse: (line) => parseReltime(line, context, reltime),
  };
  const rows: readonly LineFormat[] = [...LINE_FORMATS, reltimeFormat];
  const json = createJsonScanner({ onObject: onJsonObject, onArray: onJsonArray });

  let held: LineRecord | undefined;
  let format: LineFormat | undefined;
  let collector: { name: string; lines: EntryCollector } | undefined;
  /** the first parts of a line that a container runtime split */
  let parts = "";
  /** the line before filled the terminal, so the next may be its rest: what stood between them */
  let brokenBy: string | undefined;

  function count(name: string): void {
    formats.set(name, (formats.get(name) ?? 0) + 1);
  }

  function release(): void {
    if (held === undefined) return;
    const { record } = held;
    held = undefined;
    onRecord(record);
  }

  function hold(parsed: LineRecord, name: string): void {
    release();
    held = parsed;
    count(name);
  }

  function parseKnown(line: string): LineRecord | undefined {
    if (format !== undefined) {
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
    if (textColumn < 3 || line.length <= textColumn || record.text.length > MAX_JOINED) return false;
    for (let at = 0; at < textColumn; at++) if (line.charCodeAt(at) !== 32) return false;
    record.text += `\n${undoUnprintableEscapes(line.slice(textColumn))}`;
    record.original += `\n${line}`;
    return true;
  }

  function isBrokenLine(line: string): boolean {
    if (brokenBy === undefined || held === undefined || held.record.text.length > MAX_JOINED) return false;
    held.record.text += brokenBy + undoUnprintableEscapes(line);
    held.record.original += brokenBy + line;
    return true;
  }

  function readLine(line: string, layer: number): void {
    const known = parseKnown(line);
    if (known !== undefined) {
      hold(known, format?.name ?? BARE);
      return;
    }
    if (isContinuation(line) || isBrokenLine(line)) return;
    if (line === "" || startEntry(line) || startJson(line)) return;
    if (layer < MAX_LAYERS) {
      const unwrapped = unwrapLine(line);
      if (unwrapped !== undefined) {
        readUnwrapped(unwrapped.inner, unwrapped.partial === true, layer);
        return;
      }
      const at = findEmbeddedPrefix(line);
      if (at !== undefined) {
        readLine(line.slice(at), layer + 1);
        return;
      }
    }
    const text = undoUnprintableEscapes(cutForeignPrefix(line));
    hold({ record: makeRecord("unknown", text, line), textColumn: 0 }, BARE);
  }

  function readUnwrapped(inner: string, partial: boolean, layer: number): void {
    const whole = parts + inner;
    if (partial && whole.length <= MAX_JOINED) {
      parts = whole;
      return;
    }
    parts = "";
    readLine(stripTerminal(whole), layer + 1);
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
    if (!JSON_START.test(line)) return false;
    json.push(`${line}\n`);
    return endJsonLine();
  }

  /** @returns whether the line goes on with JSON that is open */
  function readJsonLine(line: string): boolean {
    // A lone brace in a log must not swallow what follows.
    if (!JSON_LINE.test(line)) {
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
      hold({ record: content.record, textColumn: 0 }, "JSON");
      return true;
    }
    const whole = parts + content.line;
    if (!content.complete && whole.length <= MAX_JOINED) {
      parts = whole;
      return true;
    }
    parts = "";
    // The line within may hold line breaks of its own.
    for (const inner of whole.split("\n")) readLine(stripTerminal(inner), 1);
    return true;
  }

  return {
    formats,
    push(raw) {
      if (collector !== undefined && readEntryLine(collector, raw)) return;
      if (json.open && readJsonLine(raw)) return;
      const line = stripTerminal(raw);
      readLine(line, 0);
      if (wrapWidth !== undefined) brokenBy = readBreak(line, wrapWidth);
    },
    pushPiece(piece) {
      const isJson = json.open || JSON_START.test(piece);
      if (isJson) json.push(piece);
      return isJson;
    },
    release,
    end() {
      const entry = collector?.lines.end();
      if (entry !== undefined) holdEntry(entry, collector?.name ?? BARE);
      if (parts !== "") readUnwrapped("", false, MAX_LAYERS - 1);
      release();
    },
    isKnown: (line) => rows.some((row) => row.parse(line, context) !== undefined),
    get stateless() {
      return (
        format !== undefined &&
        format !== reltimeFormat &&
        parts === "" &&
        collector === undefined &&
        !json.open &&
        !formats.has("JSON") &&
        wrapWidth === undefined
      );
    },
  };
}

const JSON_START = /^\s*(?:\{\s*(?:"|$|\})|\[\s*(?:$|[{"[]))/;
/** What a line within JSON can begin with. */
const JSON_LINE = /^\s*(?:$|["{}\],]|\[(?! *\d+\.\d{6}[\] ])|-?\d[\d.eE+-]*,?\s*$|(?:true|false|null)\b)/;

/** dmesg would take `host kernel: message` of journalctl's short-monotonic for the message. */
function isOthers(format: LineFormat, { record }: LineRecord): boolean {
  if (format !== dmesgFormat) return false;
  const at = record.text.indexOf(" kernel: ");
  return at > 0 && record.text.indexOf(" ") === at;
}

/** What a terminal's edge stands for: nothing, or the blank that was the last column and got lost in copying. */
function readBreak(line: string, wrapWidth: number): string | undefined {
  const width = displayWidth(line);
  if (width === wrapWidth) return "";
  return width === wrapWidth - 1 ? " " : undefined;
}
