/** gzip and zstd as a stream of pieces: several members or frames one after another, and what is left of cut ones. */
import { createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from "node:zlib";
import type { Blocks } from "./blocks.ts";
import { type Compression, MAGIC_BYTES, recognise } from "./file-type.ts";

/** Takes a piece, which is valid until it returns. @returns a promise where it wants to wait before the next */
export type Consume = (piece: Buffer) => Promise<unknown> | undefined;

/** Compressed data that is not what it should be; what was before it has been consumed. */
export class DamagedError extends Error {}

type Engine = Gunzip | ZstdDecompress;

/** Bytes of input that an engine gets at once: with damaged data, as much of the output is lost. */
const FEED_BYTES = 16 * 1024;
/** Pieces are new buffers: small ones are freed young, those of 128 KiB pile up to 40 MB before V8 looks at them. */
const PIECE_BYTES = 32 * 1024;

/**
 * Decompresses to the end.
 * @returns a warning where the input is cut off or something else follows it
 * @throws DamagedError
 */
export async function decompress(kind: Compression, blocks: Blocks, consume: Consume): Promise<string | undefined> {
  let member: Member | undefined = openMember(kind, consume);
  /** what follows a member, while it is too short to tell what it is */
  let rest = Buffer.alloc(0);
  for await (const block of blocks) {
    let bytes = rest.length === 0 ? block : Buffer.concat([rest, block]);
    rest = Buffer.alloc(0);
    while (bytes.length > 0) {
      if (member === undefined) {
        if (bytes.length < MAGIC_BYTES) break;
        if (recognise(bytes).kind !== kind) return isPadding(bytes) ? undefined : FOLLOWED;
        member = openMember(kind, consume);
      }
      bytes = bytes.subarray(await member.feed(bytes.subarray(0, FEED_BYTES)));
      // Node's engines go on with the next member only where the one before ends together with what they were fed.
      if (member.ended) member = undefined;
    }
    rest = Buffer.from(bytes);
  }
  if (member === undefined) return isPadding(rest) ? undefined : FOLLOWED;
  return member.finish();
}

const FOLLOWED = "something else follows the compressed data: it is left out";

function isPadding(rest: Buffer): boolean {
  return rest.every((byte) => byte === 0);
}

interface Member {
  /** @returns how many bytes of it were taken: fewer than all where the member has ended */
  feed(piece: Buffer): Promise<number>;
  readonly ended: boolean;
  /** No more input comes. @returns a warning where some is missing */
  finish(): Promise<string | undefined>;
}

function openMember(kind: Compression, consume: Consume): Member {
  const options = { chunkSize: PIECE_BYTES };
  const engine: Engine = kind === "gzip" ? createGunzip(options) : createZstdDecompress(options);
  let room: Promise<unknown> | undefined;
  let ended = false;
  let problem: unknown;
  // There for as long as the engine: an error that comes between two waits must not be nobody's.
  engine.on("error", (error) => {
    problem = error;
  });
  engine.on("end", () => {
    ended = true;
  });
  engine.on("data", (piece: Buffer) => {
    try {
      room = consume(piece);
    } catch (error) {
      engine.destroy(error as Error);
      return;
    }
    if (room === undefined) return;
    engine.pause();
    room.then(
      () => engine.resume(),
      (error: Error) => engine.destroy(error),
    );
  });

  async function drained(): Promise<void> {
    while (engine.readableLength > 0 && problem === undefined) await (room ?? new Promise(setImmediate));
  }

  return {
    async feed(piece) {
      const before = engine.bytesWritten;
      await settled(engine, (done) => engine.write(piece, done));
      if (problem !== undefined) throw damaged(kind, problem);
      if (!ended) return piece.length;
      engine.destroy();
      return engine.bytesWritten - before;
    },
    get ended() {
      return ended;
    },
    async finish() {
      // First all that there is: an engine that finds its input cut drops what has not been read from it.
      await drained();
      await settled(engine, () => engine.end());
      if (problem === undefined) return undefined;
      if ((problem as NodeJS.ErrnoException).code !== "Z_BUF_ERROR") throw damaged(kind, problem);
      return `the ${kind} data ends too early: what there is was read, the end is missing`;
    },
  };
}

/** Waits until an action is done, or the engine has ended or failed: the action's own callback may then never come. */
function settled(engine: Engine, act: (done: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      engine.off("end", settle).off("error", settle).off("close", settle);
      resolve();
    };
    engine.on("end", settle).on("error", settle).on("close", settle);
    act(settle);
  });
}

function damaged(kind: Compression, problem: unknown): unknown {
  const { code, message } = problem as NodeJS.ErrnoException;
  // Anything else was thrown by whoever consumes.
  if (code === undefined || !/^(?:Z_|ERR_|ZSTD_)/.test(code)) return problem;
  const advice = kind === "zstd" ? "; zstd -d may say more, and takes --long=31" : "";
  return new DamagedError(`the ${kind} data is damaged, what comes before was read (${message})${advice}`);
}
