/** The processes in a cgroup. */
import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";

/** Thousands of processes in one cgroup: those that were read count. */
const buffer = Buffer.allocUnsafe(64 * 1024);

/**
 * Opened anew each time: on v1 an open file shows what it showed at first (kernel/cgroup/cgroup-v1.c,
 * cgroup_pidlist_start).
 * @param directory the cgroup's @returns none where it is gone, or on v2 a threaded cgroup: then nothing is known
 */
export function readPids(directory: string): number[] {
  let fd: number | undefined;
  try {
    fd = openSync(join(directory, "cgroup.procs"), "r");
    const text = buffer.toString("latin1", 0, readSync(fd, buffer, 0, buffer.length, 0));
    // What the buffer has cut off is no pid. 0 is one that is not to be seen from here.
    return text
      .slice(0, text.lastIndexOf("\n"))
      .split("\n")
      .map(Number)
      .filter((pid) => pid > 0);
  } catch {
    return [];
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
