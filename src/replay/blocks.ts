/** A file descriptor or a stream as large blocks, read ahead by one. */
import { read } from "node:fs";
import type { Readable } from "node:stream";

/** A block is valid until the next one is asked for. */
export type Blocks = AsyncGenerator<Buffer, void, undefined>;

/** Large enough that a read costs nothing beside what is done with it, small enough for the CPU's cache. */
const BLOCK_BYTES = 512 * 1024;

/** Reads from where the descriptor stands, into two buffers by turns: one is filled while the other is used. */
export async function* readBlocks(fd: number, blockBytes = BLOCK_BYTES): Blocks {
  const buffers = [Buffer.allocUnsafeSlow(blockBytes), Buffer.allocUnsafeSlow(blockBytes)] as const;
  let turn: 0 | 1 = 0;
  let reading = readInto(fd, buffers[turn]);
  try {
    for (;;) {
      const block = buffers[turn];
      const bytes = await reading;
      if (bytes === 0) return;
      turn = turn === 0 ? 1 : 0;
      reading = readInto(fd, buffers[turn]);
      // Not to be an unhandled rejection while the block is used; it is thrown when its turn comes.
      reading.catch(() => {});
      yield bytes === blockBytes ? block : block.subarray(0, bytes);
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
