/**
 * Bytes of a capture → the kernel records in it, in the order in which they were printed: encoding, lines, formats.
 *
 * A kernel log is nearly all noise. While no report is under way, a block of bytes is searched for what can begin one,
 * and what stands before is passed over without being cut into lines.
 */
import type { KernelRecord } from "../kernel-record.ts";
import { createCaptureDecoder } from "./encoding.ts";
import type { CaptureContext } from "./format.ts";
import { isHtml, stripHtml } from "./html.ts";
import { createLineReader, type LineReader } from "./line-reader.ts";
import { createRecordOrder } from "./newest-first.ts";
import { findBody, type MarkerSearch, mayBeginReport, searchMarkers } from "./skim.ts";
import { findWrapWidth } from "./wrapped.ts";
import { trimCarriageReturns } from "./wrappers.ts";

export interface CaptureReader {
  /** bytes of the capture, decompressed, cut anywhere */
  push(chunk: Buffer): void;
  end(): void;
  /** lines of each format seen so far, by the format's name; `unknown` are lines in no known format */
  readonly formats: ReadonlyMap<string, number>;
  /** bytes that were passed over since they hold no line of a report */
  readonly skippedBytes: number;
}

export interface CaptureReaderOptions {
  context: CaptureContext;
  /** @param atMs the log's own time in milliseconds, for the assembler */
  onRecord(record: KernelRecord, atMs: number): void;
  /** true while a line that begins no report would change nothing: the reader may then skip ahead */
  isIdle(): boolean;
  /** default true; false: every line is read (the tests compare) */
  skim?: boolean;
}

/** Bytes by which encoding, line ends and layout are judged. */
const SAMPLE = 64 * 1024;
/**
 * Bytes that are made a string at once, whose lines are parts of it: a call for every line takes longer than reading
 * most of them. Small, as one line of it that is kept anywhere keeps all of it in memory.
 */
const PIECE = 4 * 1024;
/** A line without an end is not kept longer than this: no kernel line is, JSON is read in pieces. */
const MAX_LINE = 256 * 1024;
/** What is looked through before a line with a marker: a report's head may be lost, and its table still be there. */
const LOOK_BACK = 256 * 1024;
/** What is read before it, and before a line with a marker: the message that it may be a further line of. */
const CONTEXT = 2 * 1024;

const LF = 10;
const CR = 13;
const EMPTY = Buffer.alloc(0);

export function createCaptureReader({ context, onRecord, isIdle, skim = true }: CaptureReaderOptions): CaptureReader {
  const decoder = createCaptureDecoder();
  const order = createRecordOrder(handOn);
  let lines: LineReader | undefined;
  /** what is not read yet: the sample at first, then a line that has not ended */
  const rest = createGrowingBuffer();
  /** what was passed over last, should a report's lost head stand in it */
  const passed = createTail(LOOK_BACK);
  let lineEnd = LF;
  let lineEndText = "\n";
  let html = false;
  let tooLong = false;
  let atMs = 0;
  let skippedBytes = 0;

  function handOn(record: KernelRecord): void {
    const us = record.monotonicUs ?? record.wallTimeUs;
    if (us !== undefined) atMs = us / 1000;
    onRecord(record, atMs);
  }

  function begin(bytes: Buffer): LineReader {
    const sample = bytes.toString("latin1", 0, SAMPLE);
    lineEnd = sample.includes("\n") || !sample.includes("\r") ? LF : CR;
    lineEndText = String.fromCharCode(lineEnd);
    html = isHtml(sample);
    const options = { context, onRecord: order.push };
    const probe = createLineReader(options);
    // The last line of a sample may be cut.
    const wrapWidth = findWrapWidth(sample.split("\n").slice(0, -1), probe.isKnown);
    lines = createLineReader({ ...options, wrapWidth });
    return lines;
  }

  /** Reads the whole lines of a block. @returns where the line begins that has no end yet */
  function readBlock(reader: LineReader, block: Buffer): number {
    const markers = searchMarkers(block);
    let at = 0;
    while (at < block.length) {
      if (maySkim(reader)) at = passOver(reader, block, at, markers);
      const next = readLines(reader, block, at, true);
      if (next === at) return at;
      at = next;
    }
    return at;
  }

  function maySkim(reader: LineReader): boolean {
    return isIdle() && skim && reader.stateless && !html && !order.holds;
  }

  /**
   * Reads whole lines: the rest of a piece, or one that is longer than a piece.
   * @param mayStop where what follows may be passed over
   * @returns where to read on; `from` where no line ends any more
   */
  function readLines(reader: LineReader, bytes: Buffer, from: number, mayStop: boolean): number {
    const piece = bytes.toString("latin1", from, Math.min(from + PIECE, bytes.length));
    const isPlain = !html && !tooLong && !piece.includes("\r") && !piece.includes("\x1b") && !piece.includes("\0");
    let at = 0;
    for (let end = piece.indexOf(lineEndText); end !== -1; end = piece.indexOf(lineEndText, at)) {
      const line = piece.slice(at, end);
      if (isPlain) reader.push(line, true);
      else readLine(reader, line);
      at = end + 1;
      if (mayStop && maySkim(reader)) break;
    }
    if (at > 0) return from + at;
    const end = bytes.indexOf(lineEnd, from);
    if (end === -1) return from;
    readLine(reader, bytes.toString("latin1", from, end));
    return end + 1;
  }

  /** Reads every line of bytes that end with one. */
  function readAllLines(reader: LineReader, bytes: Buffer): void {
    for (let at = -1, next = 0; next > at; ) {
      at = next;
      next = readLines(reader, bytes, at, false);
    }
  }

  /** Passes over what holds no marker, whole lines only. @returns where to read on */
  function passOver(reader: LineReader, block: Buffer, from: number, markers: MarkerSearch): number {
    // What is held is the last line before: should it begin a report, nothing may be passed over.
    if (mayBeginReport(reader.heldText ?? "")) return from;
    const marker = markers.next(from);
    // Where the line begins that holds the marker, or the one that has no end yet.
    const stop = Math.max(from, block.lastIndexOf(lineEnd, marker === -1 ? block.length : marker) + 1);
    if (marker === -1) {
      // A copy: the caller uses its buffer again.
      passed.push(block.subarray(from, stop));
      skippedBytes += stop - from;
      return stop;
    }
    lookBack(reader, block, from, stop);
    return stop;
  }

  /** Reads what may matter of what was passed over before the line at `stop`, in this block and before it. */
  function lookBack(reader: LineReader, block: Buffer, from: number, stop: number): void {
    const before = passed.bytes();
    const reach = reachOf(before, block, from, stop);
    const missing = reach - (stop - from);
    let beforeStart = missing > 0 ? lineStart(before, before.length - missing) : before.length;
    // Its first line is cut.
    if (beforeStart === 0 && !passed.isWhole) beforeStart = before.indexOf(lineEnd) + 1;
    const start = missing >= 0 ? from : lineStart(block, stop - reach);
    // What is held is the line before them, and they may go on with it, only where all are read.
    if (!passed.isWhole || beforeStart > 0 || start > from) reader.release();
    readAllLines(reader, before.subarray(beforeStart));
    readAllLines(reader, block.subarray(start, stop));
    skippedBytes += start - from - (before.length - beforeStart);
    passed.clear();
  }

  /** Bytes before the line at `stop` that are read: from the first line on that may be a report's without its head. */
  function reachOf(before: Buffer, block: Buffer, from: number, stop: number): number {
    const recent = block.subarray(Math.max(from, stop - LOOK_BACK), stop);
    const older = before.subarray(Math.max(0, before.length - (LOOK_BACK - recent.length)));
    const inOlder = findBody(older);
    if (inOlder !== -1) return older.length - inOlder + recent.length + CONTEXT;
    const inRecent = findBody(recent);
    return inRecent === -1 ? CONTEXT : recent.length - inRecent + CONTEXT;
  }

  /** Where the line begins that holds a byte. */
  function lineStart(bytes: Buffer, at: number): number {
    return at <= 0 ? 0 : bytes.lastIndexOf(lineEnd, at - 1) + 1;
  }

  function readLine(reader: LineReader, line: string): void {
    if (tooLong) {
      tooLong = false;
      reader.pushPiece(`${line}\n`);
      return;
    }
    if (line.length > MAX_LINE) {
      if (!reader.pushPiece(`${line}\n`)) reader.push(line.slice(0, MAX_LINE));
      return;
    }
    const text = html ? stripHtml(line) : line;
    // A lone CR ends a line as well: on a console, what follows was printed over it.
    if (trimCarriageReturns(text).includes("\r")) for (const part of text.split(/\r+/)) reader.push(part);
    else reader.push(text);
  }

  /** Takes what there is of a line that does not end. */
  function readPiece(reader: LineReader): void {
    const piece = rest.take().toString("latin1");
    if (!reader.pushPiece(piece) && !tooLong) reader.push(piece.slice(0, MAX_LINE));
    tooLong = true;
  }

  function read(bytes: Buffer): void {
    if (lines === undefined) {
      rest.add(bytes);
      if (rest.length < SAMPLE) return;
      const sample = rest.take();
      readChunk(begin(sample), sample);
      return;
    }
    if (rest.length === 0) {
      readChunk(lines, bytes);
      return;
    }
    // Only the line that began in the chunk before is copied.
    const end = bytes.indexOf(lineEnd) + 1;
    rest.add(end === 0 ? bytes : bytes.subarray(0, end));
    if (end > 0) {
      readBlock(lines, rest.take());
      readChunk(lines, bytes.subarray(end));
    } else if (rest.length > MAX_LINE) readPiece(lines);
  }

  function readChunk(reader: LineReader, bytes: Buffer): void {
    const at = readBlock(reader, bytes);
    // A copy: the caller uses its buffer again.
    rest.add(bytes.subarray(at));
    if (rest.length > MAX_LINE) readPiece(reader);
  }

  return {
    push: (chunk) => read(decoder.push(chunk)),
    end() {
      read(decoder.end());
      const last = rest.take();
      const reader = lines ?? begin(last);
      const at = readBlock(reader, last);
      if (at < last.length) readLine(reader, last.toString("latin1", at));
      reader.end();
      order.end();
    },
    get formats() {
      return lines?.formats ?? new Map();
    },
    get skippedBytes() {
      return skippedBytes;
    },
  };
}

/** Bytes that are added a few at a time and taken at once; adding copies each some two times at most. */
interface GrowingBuffer {
  add(bytes: Buffer): void;
  /** @returns all of them, valid until the next are added */
  take(): Buffer;
  readonly length: number;
}

function createGrowingBuffer(): GrowingBuffer {
  let store = EMPTY;
  let used = 0;

  return {
    add(bytes) {
      if (used + bytes.length > store.length) {
        const larger = Buffer.allocUnsafe(Math.max(2 * store.length, used + bytes.length));
        store.copy(larger, 0, 0, used);
        store = larger;
      }
      used += bytes.copy(store, used);
    },
    take() {
      const bytes = store.subarray(0, used);
      used = 0;
      return bytes;
    },
    get length() {
      return used;
    },
  };
}

/** The last bytes of a stream. */
interface Tail {
  push(bytes: Buffer): void;
  bytes(): Buffer;
  clear(): void;
  /** false: more was pushed since it was cleared than is kept */
  readonly isWhole: boolean;
}

/** @param size bytes that are kept at least, where there were as many */
function createTail(size: number): Tail {
  let store = EMPTY;
  let used = 0;
  let isWhole = true;

  return {
    push(bytes) {
      if (store.length === 0) store = Buffer.allocUnsafe(2 * size);
      const last = bytes.length > size ? bytes.subarray(bytes.length - size) : bytes;
      if (last !== bytes) isWhole = false;
      if (used + last.length > store.length) {
        const keep = Math.min(used, size - last.length);
        if (keep < used) isWhole = false;
        store.copyWithin(0, used - keep, used);
        used = keep;
      }
      used += last.copy(store, used);
    },
    bytes: () => store.subarray(0, used),
    clear() {
      used = 0;
      isWhole = true;
    },
    get isWhole() {
      return isWhole;
    },
  };
}
