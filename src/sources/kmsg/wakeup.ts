/**
 * Tells at once that the kernel's log has a new record, at no cost while it has none: a read of /dev/kmsg that waits in
 * the kernel, in one of Node's own threads. It does not read for anybody; kmsg.ts does, and knows up to which record.
 *
 * Such a read cannot be taken back, and a process that ends waits for it for ever (docs/decisions/0010). What ends it
 * is a record: the agent writes one itself when it goes.
 */
import { closeSync, constants, openSync, read, readSync, writeSync } from "node:fs";

export interface KmsgBell {
  /**
   * Waits for what is printed after a record, unless it waits already.
   * @param seq sequence number of a record that was read elsewhere: up to there a read of its own never waits
   * @returns whether it waits now; otherwise it is to be asked again, as it is not there yet or has failed for good
   */
  arm(seq: number): boolean;
  /** Rings no more. Where it waits, it writes the record that ends that. */
  close(): void;
}

/** Records are longer with their dictionary, but what counts is where they are. */
const BUFFER_BYTES = 65_536;
/** What a call may read to get there: two milliseconds. */
const SLICE = 256;
/** Facility 1, user; severity 6, info. */
const LAST_LINE = "<14>oomscribe: the agent stops reading this log\n";

/** @param onRing something was printed; it does not wait any more. @returns undefined where it cannot be opened for both */
export function openKmsgBell(path: string, onRing: () => void): KmsgBell | undefined {
  const fd = openBoth(path);
  if (fd === undefined) return undefined;
  const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  let reached = -1;
  let isWaiting = false;
  let hasFailed = false;
  let isClosed = false;

  /** One read that is known not to wait. */
  function step(fd: number): void {
    try {
      reached = seqOf(buffer, readSync(fd, buffer)) ?? reached;
    } catch (error) {
      onError(error);
    }
  }

  /** EPIPE: the record that was due is overwritten, so that there are others. */
  function onError(error: unknown): void {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EPIPE" && code !== "EINTR") hasFailed = true;
  }

  function onRead(error: NodeJS.ErrnoException | null, length: number): void {
    isWaiting = false;
    process.off("exit", onExit);
    if (error === null) reached = seqOf(buffer, length) ?? reached;
    else onError(error);
    if (isClosed) closeSync(fd as number);
    else onRing();
  }

  /** An end that nobody has announced: process.exit(), or an exception that nobody has caught. */
  function onExit(): void {
    // Better killed than there for ever.
    if (!writeLastLine(path)) process.kill(process.pid, "SIGKILL");
  }

  return {
    arm(seq) {
      if (isWaiting) return true;
      for (let count = 0; reached < seq && !hasFailed && count < SLICE; count++) step(fd);
      if (isClosed || hasFailed || reached < seq) return false;
      isWaiting = true;
      process.once("exit", onExit);
      read(fd, buffer, 0, BUFFER_BYTES, null, onRead);
      return true;
    },
    close() {
      if (isClosed) return;
      isClosed = true;
      if (isWaiting) writeLastLine(path);
      else closeSync(fd);
    },
  };
}

/** Without O_NONBLOCK; and only where that which ends the wait can be written. */
function openBoth(path: string): number | undefined {
  try {
    closeSync(openSync(path, constants.O_WRONLY));
    return openSync(path, constants.O_RDONLY);
  } catch {
    return undefined;
  }
}

/** Each through an opening of its own: the kernel limits how many lines one may write (printk_devkmsg=ratelimit). */
function writeLastLine(path: string): boolean {
  try {
    const fd = openSync(path, constants.O_WRONLY);
    writeSync(fd, LAST_LINE);
    closeSync(fd);
    return true;
  } catch {
    return false;
  }
}

/** `6,339,5140900,-;text`: Documentation/ABI/testing/dev-kmsg */
function seqOf(buffer: Buffer, length: number): number | undefined {
  const [, digits] = /^\d+,(\d+),/.exec(buffer.toString("latin1", 0, Math.min(length, 64))) ?? [];
  return digits === undefined ? undefined : Number(digits);
}
