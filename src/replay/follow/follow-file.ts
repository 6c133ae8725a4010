/** What is added to a file, over rotation (another file under its name) and truncation, none of it left out or twice. */
import { type FileHandle, open, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

export type Grown =
  /** valid until the next is asked for */
  | { kind: "bytes"; bytes: Buffer }
  /** nothing new since the last look */
  | { kind: "idle" }
  /** what follows is another file's, or the same from its beginning: no line goes on */
  | { kind: "restarted" };

export interface GrownFileOptions {
  /** ends it, after what is there has been read */
  signal: AbortSignal;
  /** milliseconds between two looks */
  pollMs?: number;
}

/** A person who waits for a kill does not notice; a look is two system calls. */
const POLL_MS = 250;
const READ_BYTES = 256 * 1024;

/** From the file's beginning. @throws where it cannot be opened at first, or not be read */
export async function* readGrownFile(
  path: string,
  { signal, pollMs = POLL_MS }: GrownFileOptions,
): AsyncGenerator<Grown> {
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  let handle = await open(path, "r");
  let position = 0;
  try {
    for (;;) {
      // Before the read: what was there when it was told to end is read.
      const isOver = signal.aborted;
      const next = await lookForNext(path, handle, position);
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
      if (bytesRead > 0) {
        position += bytesRead;
        // It was still written to: the other one is opened again later.
        if (typeof next === "object") await next.close();
        yield { kind: "bytes", bytes: buffer.subarray(0, bytesRead) };
      } else if (next === "truncated") {
        position = 0;
        yield { kind: "restarted" };
      } else if (next !== undefined) {
        // Whoever writes has gone on to the other file, and this one has been read to its end since.
        await handle.close();
        handle = next;
        position = 0;
        yield { kind: "restarted" };
      } else {
        if (isOver) return;
        yield { kind: "idle" };
        await sleep(pollMs, undefined, { signal }).catch(() => {});
      }
    }
  } finally {
    await handle.close();
  }
}

/**
 * A file under the name that is another one counts only when something is in it: until then the old one may still be
 * written to. A file that was cut and has grown again to where it was read cannot be told from one that has not.
 */
async function lookForNext(
  path: string,
  handle: FileHandle,
  position: number,
): Promise<FileHandle | "truncated" | undefined> {
  const own = await handle.stat();
  if (own.size < position) return "truncated";
  const other = await stat(path).catch(() => undefined);
  // None under the name: it has been moved away, and the next is still to come.
  if (other === undefined || (other.ino === own.ino && other.dev === own.dev) || other.size === 0) return undefined;
  // Opened only where this one is at its end.
  return own.size > position ? undefined : open(path, "r").catch(() => undefined);
}
