/** read(2) of a file that was opened with O_NONBLOCK: the kernel's log and its traces. */
import { readSync } from "node:fs";

/**
 * Most answers are that there is nothing, and a third or more of what such an error costs is the stack that comes with it, which
 * nobody looks at: it has none.
 * @returns how many bytes were read into the buffer
 * @throws Error with `code`, EAGAIN where there is nothing to read
 */
export function readNow(fd: number, into: Buffer): number {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return readSync(fd, into, 0, into.length, null);
  } finally {
    Error.stackTraceLimit = limit;
  }
}
