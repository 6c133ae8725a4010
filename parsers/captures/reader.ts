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
import { findMarker } from "./skim.ts";
import { findWrapWidth } from "./wrapped.ts";

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
/** A line without an end is not kept longer than this: no kernel line is, JSON is read in pieces. */
const MAX_LINE = 256 * 1024;
/** What is read before a line that may be all that is left of a report: its head was lost, its table was not. */
const LOOK_BACK = 256 * 1024;
/** Less is not worth a search. */
const MIN_SKIM = 4096;

/** A head brings its report along, and a word about dropped reports stands alone: the line before is enough. */
const NEEDS_NO_TABLE = / invoked oom-killer: | callbacks suppressed/;

const LF = 10;
const CR = 13;
const EMPTY = Buffer.alloc(0);

export function createCaptureReader({ context, onRecord, isIdle, skim = true }: CaptureReaderOptions): CaptureReader {
  const decoder = createCaptureDecoder();
  const order = createRecordOrder(handOn);
  let lines: LineReader | undefined;
  /** what is not read yet: the sample at first, then a line that has not ended */
  let rest: Buffer = EMPTY;
  /** what was passed over last, should a report's lost head stand in it */
  let passed: Buffer[] = [];
  let lineEnd = LF;
  let html = false;
  let tooLong = false;
  let atMs = 0;
  let skippedBytes = 0;

  function handOn(record: KernelRecord): void {
    const us = record.monotonicUs ?? record.wallTimeUs;
    if (us !== undefined) atMs = us / 1000;
    onRecord(record, atMs);
  }

  function begin(): LineReader {
    const sample = rest.toString("latin1", 0, SAMPLE);
    lineEnd = sample.includes("\n") || !sample.includes("\r") ? LF : CR;
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
    let at = 0;
    while (at < block.length) {
      if (block.length - at >= MIN_SKIM && maySkim(reader)) {
        const from = at;
        at = passOver(reader, block, at);
        if (at === block.length) return at;
        if (at === from && block.indexOf(lineEnd, at) === -1) return at;
      }
      const end = block.indexOf(lineEnd, at);
      if (end === -1) return at;
      readLine(reader, block.toString("latin1", at, end));
      at = end + 1;
    }
    return at;
  }

  function maySkim(reader: LineReader): boolean {
    return skim && reader.stateless && !html && !order.holds && isIdle();
  }

  /** Passes over what holds no marker, whole lines only. @returns where to read on */
  function passOver(reader: LineReader, block: Buffer, from: number): number {
    // What is held is the last line before: should it begin a report, nothing may be passed over.
    reader.release();
    if (!isIdle()) return from;
    const marker = findMarker(block, from);
    const stop = block.lastIndexOf(lineEnd, marker === -1 ? block.length : marker) + 1;
    if (stop <= from) return from;
    if (marker === -1) {
      remember(block.subarray(from, stop));
      skippedBytes += stop - from;
      return stop;
    }
    const line = block.toString("latin1", stop, block.indexOf(lineEnd, marker));
    lookBack(reader, block, from, stop, NEEDS_NO_TABLE.test(line) ? 1 : LOOK_BACK);
    return stop;
  }

  /** Keeps the last of what was passed over; a copy, since the caller uses its buffer again. */
  function remember(bytes: Buffer): void {
    passed.push(Buffer.from(bytes.subarray(Math.max(0, bytes.length - LOOK_BACK))));
    while (passed.length > 1 && passed.slice(1).reduce((sum, part) => sum + part.length, 0) >= LOOK_BACK)
      passed.shift();
  }

  /** Reads the lines that hold the last `reach` bytes before `stop`, what was passed over before the block included. */
  function lookBack(reader: LineReader, block: Buffer, from: number, stop: number, reach: number): void {
    const missing = reach - (stop - from);
    if (missing > 0 && passed.length > 0) {
      const before = Buffer.concat(passed);
      readLines(reader, before.subarray(lineStart(before, before.length - missing)));
    }
    passed = [];
    const start = missing >= 0 ? from : lineStart(block, stop - reach);
    skippedBytes += start - from;
    readLines(reader, block.subarray(start, stop));
  }

  /** Where the line begins that holds a byte. */
  function lineStart(bytes: Buffer, at: number): number {
    return at <= 0 ? 0 : bytes.lastIndexOf(lineEnd, at - 1) + 1;
  }

  /** Reads every line of bytes that end with one. */
  function readLines(reader: LineReader, bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      const end = bytes.indexOf(lineEnd, at);
      if (end === -1) return;
      readLine(reader, bytes.toString("latin1", at, end));
      at = end + 1;
    }
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
    if (text.includes("\r") && /\r(?!\r*$)/.test(text)) for (const part of text.split(/\r+/)) reader.push(part);
    else reader.push(text);
  }

  /** Takes what there is of a line that does not end. */
  function readPiece(reader: LineReader): void {
    const piece = rest.toString("latin1");
    rest = EMPTY;
    if (!reader.pushPiece(piece) && !tooLong) reader.push(piece.slice(0, MAX_LINE));
    tooLong = true;
  }

  function read(bytes: Buffer): void {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    if (lines === undefined && rest.length < SAMPLE) {
      rest = Buffer.from(rest);
      return;
    }
    const reader = lines ?? begin();
    const block = rest;
    rest = EMPTY;
    const at = readBlock(reader, block);
    // A copy: the caller may use its buffer again.
    rest = Buffer.from(block.subarray(at));
    if (rest.length > MAX_LINE) readPiece(reader);
  }

  return {
    push: (chunk) => read(decoder.push(chunk)),
    end() {
      read(decoder.end());
      const reader = lines ?? begin();
      const at = readBlock(reader, rest);
      if (at < rest.length) readLine(reader, rest.toString("latin1", at, rest.length));
      rest = EMPTY;
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
