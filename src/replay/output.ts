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

/** Characters that go out with one system call. */
const PIECE = 32_768;

/** @param stream left open: it is the process's, not ours */
export function openOutput(stream: NodeJS.WriteStream): Output {
  let texts: string[] = [];
  let length = 0;
  let broken = false;
  let soon: NodeJS.Immediate | undefined;
  stream.on("error", () => {
    broken = true;
  });

  function send(): Promise<void> | undefined {
    clearImmediate(soon);
    soon = undefined;
    const text = texts.join("");
    texts = [];
    length = 0;
    if (broken || text === "") return undefined;
    return new Promise((resolve) => {
      // The callback comes with the error too.
      stream.write(text, () => resolve());
    });
  }

  return {
    write(text) {
      if (broken) return undefined;
      texts.push(text);
      length += text.length;
      if (length >= PIECE) return send();
      // Of a log that still grows (`dmesg -w |`) the rest must not wait for more.
      soon ??= setImmediate(send);
      return undefined;
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
