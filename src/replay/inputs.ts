/** A file or standard input as pieces of text, decompressed, in constant memory; what is wrong becomes a sentence. */
import { close, fstat, open, type Stats } from "node:fs";
import { realpath } from "node:fs/promises";
import { promisify } from "node:util";
import { quoteFile } from "../diagnose/advice/shell.ts";
import { type Blocks, readBlocks, readStream } from "./blocks.ts";
import { type Consume, DamagedError, decompress } from "./decompress.ts";
import { MAGIC_BYTES, recognise } from "./magic.ts";

/** Input cannot be read; the message names it and says what to do. */
export class InputError extends Error {}

export interface Input {
  /** as people know it */
  readonly name: string;
  /** bytes, as stored; undefined where there is no telling */
  readonly size: number | undefined;
  /** by when the capture was finished: the file's modification time, for a pipe now; µs since the epoch */
  readonly referenceUs: number;
  /**
   * Reads to the end and closes.
   * @param consume gets a piece, which is valid until it returns; may make the reading wait
   * @param onRead told how many bytes, as stored, have been read since the last call; true from it ends the reading
   * @returns what is wrong with the input although it could be read
   * @throws InputError where no more can be read; what came before was consumed
   */
  read(consume: Consume, onRead: (bytes: number) => boolean): Promise<string | undefined>;
}

const STANDARD_INPUT = "standard input";

/** @param path of a file, or `-`. @throws InputError */
export async function openInput(path: string): Promise<Input> {
  const isStdin = path === "-";
  const name = isStdin ? STANDARD_INPUT : path;
  try {
    if (!isStdin) await refuseLiveLog(path);
    const fd = isStdin ? 0 : await promisify(open)(path, "r");
    return describe(name, fd, await promisify(fstat)(fd));
  } catch (error) {
    throw explain(name, error);
  }
}

/** Reading it would never end. */
async function refuseLiveLog(path: string): Promise<void> {
  const real = await realpath(path);
  if (real !== "/dev/kmsg" && real !== "/proc/kmsg") return;
  throw new InputError(`${path} is the running kernel's log: sudo dmesg | oomscribe replay -, or oomscribe agent`);
}

function describe(name: string, fd: number, stats: Stats): Input {
  if (stats.isDirectory()) {
    if (fd !== 0) close(fd);
    throw new InputError(
      `${name} is a directory: name the files in it, such as ${quoteFile(name.replace(/\/$/, ""))}/*`,
    );
  }
  const isFile = stats.isFile();
  return {
    name,
    // Files of /proc and /sys say 0.
    size: isFile && stats.size > 0 ? stats.size : undefined,
    referenceUs: Math.round(isFile && stats.mtimeMs > 0 ? stats.mtimeMs : Date.now()) * 1000,
    async read(consume, onRead) {
      // Not everything that standard input can be is readable as a file (a terminal that others share, a socket).
      const blocks = fd === 0 && !isFile ? readStream(process.stdin) : readBlocks(fd);
      try {
        return await pump(name, counted(blocks, onRead), consume);
      } catch (error) {
        throw explain(name, error);
      } finally {
        if (fd !== 0) close(fd);
      }
    },
  };
}

async function* counted(blocks: Blocks, onRead: (bytes: number) => boolean): Blocks {
  for await (const block of blocks) {
    if (onRead(block.length)) return;
    yield block;
  }
}

async function pump(name: string, blocks: Blocks, consume: Consume): Promise<string | undefined> {
  let head: Buffer | undefined;
  // A pipe may hand out its first bytes one by one.
  while (head === undefined || head.length < MAGIC_BYTES) {
    const { value, done } = await blocks.next();
    if (done) break;
    head = head === undefined && value.length >= MAGIC_BYTES ? value : Buffer.concat([head ?? Buffer.alloc(0), value]);
  }
  if (head === undefined) return undefined;
  const found = recognise(head);
  if (found.kind === "foreign") {
    await blocks.return(undefined);
    throw new InputError(
      `${name} is ${found.what}: ${found.advice(name === STANDARD_INPUT ? "FILE" : quoteFile(name))}`,
    );
  }
  if (found.kind !== "text") return decompress(found.kind, rest(head, blocks), consume);
  for await (const block of rest(head, blocks)) {
    const room = consume(block);
    if (room !== undefined) await room;
  }
  return undefined;
}

async function* rest(head: Buffer, blocks: Blocks): Blocks {
  yield head;
  yield* blocks;
}

function explain(name: string, error: unknown): unknown {
  if (error instanceof InputError) return error;
  if (error instanceof DamagedError) return new InputError(`${name}: ${error.message}`);
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined) return error;
  const why: Record<string, string> = {
    ENOENT: "there is no such file; - reads standard input",
    ENOTDIR: "there is no such file: a part of the path is no directory",
    EACCES: "you may not read it: try sudo, or a copy that is yours",
    EPERM: "you may not read it: try sudo, or a copy that is yours",
    EISDIR: "is a directory: name the files in it",
  };
  return new InputError(`${name}: ${why[code] ?? `it cannot be read: ${message}`}`, { cause: error });
}
