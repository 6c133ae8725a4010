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
/** Bytes that a UTF-16 unit takes in UTF-8 at most. */
const MAX_UTF8 = 3;
const EMPTY = Buffer.alloc(0);

/** @param stream left open: it is the process's, not ours */
export function openOutput(stream: NodeJS.WriteStream): Output {
  /** texts are encoded into it one by one: joined first, each would be copied three times */
  let piece = EMPTY;
  let used = 0;
  let broken = false;
  let soon: NodeJS.Immediate | undefined;
  stream.on("error", () => {
    broken = true;
  });

  function send(): Promise<void> | undefined {
    clearImmediate(soon);
    soon = undefined;
    const bytes = piece.subarray(0, used);
    // The stream holds on to the bytes until they are written.
    piece = EMPTY;
    used = 0;
    if (broken || bytes.length === 0) return undefined;
    return new Promise((resolve) => {
      // The callback comes with the error too.
      stream.write(bytes, () => resolve());
    });
  }

  /** @returns a promise where what was there had to go out */
  function makeRoom(bytes: number): Promise<void> | undefined {
    if (used + bytes <= piece.length) return undefined;
    const sent = send();
    piece = Buffer.allocUnsafeSlow(Math.max(PIECE, bytes));
    return sent;
  }

  return {
    write(text) {
      if (broken) return undefined;
      const sent = makeRoom(text.length * MAX_UTF8);
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
