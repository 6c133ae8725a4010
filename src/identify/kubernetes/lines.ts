/** Bytes as they come → lines of JSON: cut at line breaks only, wherever the pieces were cut, each of bounded length. */

export interface Lines {
  /** @returns false: a line is longer than the bound; nothing more can be read */
  push(bytes: Buffer): boolean;
  /** bytes of a line that has not ended */
  readonly rest: number;
}

const LINE_BREAK = 0x0a;

/** @param onLine is handed one line without its end, decoded as a whole, so that no character is cut */
export function createLines(maxBytes: number, onLine: (line: string) => void): Lines {
  /** pieces of the line that has not ended: joined once, not with each piece */
  let pieces: Buffer[] = [];
  let rest = 0;

  function keep(piece: Buffer): void {
    if (piece.length === 0) return;
    // A slice of a piece would keep all of it.
    pieces.push(Buffer.from(piece));
    rest += piece.length;
  }

  function endLine(last: Buffer): void {
    const line = pieces.length === 0 ? last : Buffer.concat([...pieces, last]);
    pieces = [];
    rest = 0;
    if (line.length > 0) onLine(line.toString());
  }

  return {
    push(bytes) {
      let from = 0;
      for (let at = bytes.indexOf(LINE_BREAK); at !== -1; at = bytes.indexOf(LINE_BREAK, from)) {
        if (rest + at - from > maxBytes) return false;
        endLine(bytes.subarray(from, at));
        from = at + 1;
      }
      keep(bytes.subarray(from));
      return rest <= maxBytes;
    },
    get rest() {
      return rest;
    },
  };
}
