/** Reads a file that another process appends to, by whole lines. */
import { openSync, readSync } from "node:fs";

export interface Tail {
  /** those that were completed since the last call */
  readLines(): string[];
}

export function openTail(path: string): Tail {
  const fd = openSync(path, "r");
  const buffer = Buffer.alloc(65_536);
  let rest: Buffer = Buffer.alloc(0);
  return {
    readLines() {
      const parts = [rest];
      for (let length = readSync(fd, buffer); length > 0; length = readSync(fd, buffer)) {
        parts.push(Buffer.from(buffer.subarray(0, length)));
      }
      const all = Buffer.concat(parts);
      const end = all.lastIndexOf("\n") + 1;
      rest = all.subarray(end);
      return all.toString("utf8", 0, end).split("\n").slice(0, -1);
    },
  };
}
