/** Standard output for much text: written in large pieces, and a reader that goes away (`| head`) is no error. */

export interface Output {
  /** @returns a promise where the reader is behind: wait for it before the next text */
  write(text: string): Promise<void> | undefined;
  /** Writes what is left. */
  end(): Promise<void>;
  /** true: nobody reads any more */
  readonly broken: boolean;
  readonly stream: NodeJS.WriteStream;
}

/** Bytes that go out with one system call at most, where no text is longer. */
const PIECE = 65_536;
/** As many as wait for a slow reader at most, but for the longest reports. */
const MAX_SPARES = 64;
/** Bytes that a UTF-16 unit takes in UTF-8 at most. */
const MAX_UTF8 = 3;
const EMPTY = Buffer.alloc(0);

/** @param stream left open: it is the process's, not ours */
export function openOutput(stream: NodeJS.WriteStream): Output {
  /** texts are encoded into it one by one: joined first, each would be copied three times */
  let piece: Buffer = EMPTY;
  let used = 0;
  /** pieces that have been written, to be used again: new ones each time would be garbage that piles up */
  const spares: Buffer[] = [];
  let broken = false;
  let soon: NodeJS.Immediate | undefined;
  stream.on("error", () => {
    broken = true;
  });

  function send(): Promise<void> | undefined {
    clearImmediate(soon);
    soon = undefined;
    const sent = piece;
    const bytes = sent.subarray(0, used);
    piece = EMPTY;
    used = 0;
    if (broken || bytes.length === 0) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    let isWritten = false;
    // The callback comes with the error too.
    stream.write(bytes, () => {
      if (!isWritten) keepSpare(sent);
      resolve();
    });
    // Files, terminals and pipes with room take it at once; else the stream holds on to the bytes.
    isWritten = stream.writableLength === 0;
    if (!isWritten) return promise;
    keepSpare(sent);
    return undefined;
  }

  function keepSpare(sent: Buffer): void {
    if (sent.length === PIECE && spares.length < MAX_SPARES) spares.push(sent);
  }

  /** @returns a promise where what was there had to go out, and has not gone yet */
  function makeRoom(text: string): Promise<void> | undefined {
    if (used + text.length * MAX_UTF8 <= piece.length) return undefined;
    const bytes = Buffer.byteLength(text);
    if (used + bytes <= piece.length) return undefined;
    const sent = send();
    piece = (bytes <= PIECE ? spares.pop() : undefined) ?? Buffer.allocUnsafeSlow(Math.max(PIECE, bytes));
    return sent;
  }

  return {
    write(text) {
      if (broken) return undefined;
      const sent = makeRoom(text);
      used += piece.write(text, used);
      // Of a log that still grows (`dmesg -w |`) the rest must not wait for more.
      soon ??= setImmediate(send);
      return sent;
    },
    async end() {
      await send();
    },
    get broken() {
      return broken;
    },
    stream,
  };
}
