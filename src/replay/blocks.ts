/** A file descriptor or a stream as large blocks, read ahead by one. */
import { read } from "node:fs";
import type { Readable } from "node:stream";

/** A block is valid until the next one is asked for. */
export type Blocks = AsyncGenerator<Buffer, void, undefined>;

/** Bytes of a read: so many that waking the thread that reads, and being woken by it, costs nothing beside it. */
const READ_BYTES = 1024 * 1024;
/**
 * Bytes that are handed out at once: who gets them can make the reading wait in between. Their records may be sixty
 * times as long, where each is of a kill line of one long report.
 */
const BLOCK_BYTES = 32 * 1024;

/** Reads from where the descriptor stands, into two buffers by turns: one is filled while the other is used. */
export async function* readBlocks(fd: number, readBytes = READ_BYTES): Blocks {
  const buffers = [Buffer.allocUnsafeSlow(readBytes), Buffer.allocUnsafeSlow(readBytes)] as const;
  let turn: 0 | 1 = 0;
  let reading = readInto(fd, buffers[turn]);
  try {
    for (;;) {
      const buffer = buffers[turn];
      const bytes = await reading;
      if (bytes === 0) return;
      turn = turn === 0 ? 1 : 0;
      reading = readInto(fd, buffers[turn]);
      // Not to be an unhandled rejection while the bytes are used; it is thrown when its turn comes.
      reading.catch(() => {});
      for (let at = 0; at < bytes; at += BLOCK_BYTES) yield buffer.subarray(at, Math.min(at + BLOCK_BYTES, bytes));
    }
  } finally {
    // The descriptor may be closed, and its number be another file's, only when nothing reads it any more.
    await reading.catch(() => {});
  }
}

function readInto(fd: number, buffer: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, buffer, 0, buffer.length, null, (error, bytes) => (error === null ? resolve(bytes) : reject(error)));
  });
}

/** A stream as it comes; it is destroyed where reading ends early. */
export async function* readStream(stream: Readable): Blocks {
  for await (const chunk of stream) yield chunk as Buffer;
}
