/** Takes whole objects and arrays out of JSON that spans lines, or of a document that is one endless line. */

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
  onObject(bytes: string): boolean;
  /** arrays that hold no object and no array */
  onArray(bytes: string): boolean;
}

/** An object of more bytes than this is given up: no log line is as long. */
const MAX_OBJECT = 4 << 20;
const MAX_DEPTH = 64;
/** In place of a start: what encloses a record, or holds more than strings, is only a container. */
const CONTAINER = -1;

const QUOTE = 34;
const BACKSLASH = 92;
const BRACKET_OPEN = 91;
const BRACKET_CLOSE = 93;
const BRACE_OPEN = 123;
const BRACE_CLOSE = 125;

export function createJsonScanner({ onObject, onArray }: JsonSink): JsonScanner {
  let buffer = "";
  let starts: number[] = [];
  let inString = false;
  let escaped = false;

  function reset(): void {
    buffer = "";
    starts = [];
    inString = false;
    escaped = false;
  }

  function open(start: number): void {
    const last = starts.length - 1;
    const enclosing = starts[last];
    if (enclosing !== undefined && enclosing >= 0 && buffer.charCodeAt(enclosing) === BRACKET_OPEN) {
      starts[last] = CONTAINER;
    }
    if (starts.length === MAX_DEPTH) reset();
    else starts.push(start);
  }

  function close(end: number, isRecord: (bytes: string) => boolean): void {
    const start = starts.pop();
    if (start === undefined || start === CONTAINER) return;
    if (isRecord(buffer.slice(start, end))) starts.fill(CONTAINER);
  }

  /** Lets go of what no open object needs. */
  function trim(): void {
    const keepFrom = starts.find((start) => start !== CONTAINER) ?? buffer.length;
    if (keepFrom > 0) {
      buffer = buffer.slice(keepFrom);
      starts = starts.map((start) => (start === CONTAINER ? start : start - keepFrom));
    }
    if (buffer.length > MAX_OBJECT) reset();
  }

  function step(at: number): void {
    const code = buffer.charCodeAt(at);
    if (inString) {
      if (escaped) escaped = false;
      else if (code === BACKSLASH) escaped = true;
      else if (code === QUOTE) inString = false;
    } else if (code === QUOTE) inString = starts.length > 0;
    else if (code === BRACE_OPEN || code === BRACKET_OPEN) open(at);
    else if (code === BRACE_CLOSE) close(at + 1, onObject);
    else if (code === BRACKET_CLOSE) close(at + 1, onArray);
  }

  return {
    push(text) {
      const from = buffer.length;
      buffer += text;
      for (let at = from; at < buffer.length; at++) step(at);
      trim();
    },
    reset,
    get open() {
      return starts.length > 0;
    },
    get inString() {
      return inString;
    },
  };
}
