/**
 * Takes whole objects and arrays out of JSON that spans lines, or of a document that is one endless line.
 *
 * Each byte is looked at once, and the text of an object is put together only when it closes and can be a record: one
 * of its own keys has to be a known one. Kept is what the outermost open candidate needs, some MAX_OBJECT at most.
 */

export interface JsonScanner {
  /** @param text with its line end, where it has one; cut anywhere */
  push(text: string): void;
  /** Lets go of what is open. */
  reset(): void;
  /** true while an object or array is open */
  readonly open: boolean;
  readonly inString: boolean;
}

/** Both get the text of what closes, the innermost first; true: it was a record, so what encloses it is none. */
export interface JsonSink {
  /** an object that is a record has one of these keys; others are passed over */
  keys: ReadonlySet<string>;
  onObject(bytes: string): boolean;
  /** arrays that hold no object and no array */
  onArray(bytes: string): boolean;
}

/** An object of more bytes is no record, though it may hold some: no log line is as long. */
const MAX_OBJECT = 1 << 20;
const MAX_DEPTH = 64;
/** More than any key has: a longer string is not compared. */
const MAX_KEY = 32;

const QUOTE = 34;
const BACKSLASH = 92;
const BRACKET_OPEN = 91;
const BRACKET_CLOSE = 93;
const BRACE_OPEN = 123;
const BRACE_CLOSE = 125;

/** An open object or array. */
interface Frame {
  isArray: boolean;
  /** where it begins: bytes pushed before, the number of its piece, and the place in that */
  start: number;
  piece: number;
  offset: number;
  /** false: it encloses a record, is too long, or is an array that holds more than strings: only a container */
  mayBeRecord: boolean;
  hasKey: boolean;
}

export function createJsonScanner({ keys, onObject, onArray }: JsonSink): JsonScanner {
  /** what open candidates need, in the pieces that it came in; `pieces[0]` has the number `firstPiece` */
  let pieces: string[] = [];
  let firstPiece = 0;
  /** bytes pushed before the last piece */
  let before = 0;
  let frames: Frame[] = [];
  let inString = false;
  let escaped = false;
  /** the beginning of a string that began in a piece before */
  let stringHead = "";

  function reset(): void {
    firstPiece += pieces.length;
    pieces = [];
    frames = [];
    inString = false;
    escaped = false;
    stringHead = "";
  }

  function open(offset: number, isArray: boolean): void {
    const enclosing = frames.at(-1);
    if (enclosing?.isArray) enclosing.mayBeRecord = false;
    if (frames.length === MAX_DEPTH) {
      frames = [];
      return;
    }
    const piece = firstPiece + pieces.length - 1;
    frames.push({ isArray, start: before + offset, piece, offset, mayBeRecord: true, hasKey: false });
  }

  function close(end: number, isArray: boolean): void {
    const frame = frames.pop();
    if (frame === undefined || !frame.mayBeRecord || !(isArray || frame.hasKey)) return;
    if (before + end - frame.start > MAX_OBJECT) return;
    const text = textOf(frame, end);
    if (isArray ? onArray(text) : onObject(text)) for (const enclosing of frames) enclosing.mayBeRecord = false;
  }

  /** @param end in the last piece */
  function textOf({ piece, offset }: Frame, end: number): string {
    const own = pieces.slice(piece - firstPiece);
    const last = own.length - 1;
    own[last] = own[last]?.slice(0, end) ?? "";
    own[0] = own[0]?.slice(offset) ?? "";
    return own.join("");
  }

  function closeString(content: string): void {
    const frame = frames.at(-1);
    // An escape may stand for a letter of a key.
    if (frame !== undefined && (keys.has(content) || content.includes("\\"))) frame.hasKey = true;
  }

  /** Lets go of what no open candidate needs. */
  function trim(): void {
    let needed = frames.find((frame) => frame.mayBeRecord);
    while (needed !== undefined && before - needed.start > MAX_OBJECT) {
      needed.mayBeRecord = false;
      needed = frames.find((frame) => frame.mayBeRecord);
    }
    const drop = needed === undefined ? pieces.length : needed.piece - firstPiece;
    if (drop === 0) return;
    pieces = pieces.slice(drop);
    firstPiece += drop;
  }

  return {
    push(piece) {
      pieces.push(piece);
      let stringStart = 0;
      for (let at = 0; at < piece.length; at++) {
        const code = piece.charCodeAt(at);
        if (inString) {
          if (escaped) escaped = false;
          else if (code === BACKSLASH) escaped = true;
          else if (code === QUOTE) {
            inString = false;
            const length = stringHead.length + at - stringStart;
            if (length <= MAX_KEY) closeString(stringHead + piece.slice(stringStart, at));
            stringHead = "";
          }
        } else if (code === QUOTE) {
          inString = frames.length > 0;
          stringStart = at + 1;
        } else if (code === BRACE_OPEN || code === BRACKET_OPEN) open(at, code === BRACKET_OPEN);
        else if (code === BRACE_CLOSE || code === BRACKET_CLOSE) close(at + 1, code === BRACKET_CLOSE);
      }
      // One byte more than a key has tells that it is none.
      if (inString) stringHead += piece.slice(stringStart, stringStart + MAX_KEY + 1 - stringHead.length);
      before += piece.length;
      trim();
    },
    reset,
    get open() {
      return frames.length > 0;
    },
    get inString() {
      return inString;
    },
  };
}
