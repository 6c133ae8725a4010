/**
 * How many processes the kernel has killed on this node since boot: `oom_kill` of /proc/vmstat.
 *
 * Counted just before the cgroup's own counter (mm/oom_kill.c, __oom_kill_process), kills outside every cgroup and in
 * those that are gone included: one read of 17 µs tells whether any of the cgroups is worth reading.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { parseNodeOomKills } from "../../../parsers/cgroup/memory-events.ts";
import { monotonicMs } from "../clock.ts";

/** Every kill of the node since boot, in whichever cgroup or in none. A group kill counts its first victim twice. */
export interface NodeReading {
  oomKill: number;
  /** CLOCK_MONOTONIC in milliseconds, right after the read */
  atMs: number;
}

export interface NodeCount {
  /** undefined where the kernel does not count it (before 4.13), or it cannot be read */
  readonly latest: NodeReading | undefined;
  /** @returns whether cgroups may have counted kills since the last time: it has moved, a moment ago at most */
  read(): boolean;
  close(): void;
}

/** It takes 4 kB on a small node, and some more with each feature of the kernel. */
const BUFFER_BYTES = 32_768;

/**
 * @param hostRoot its /proc is preferred; any other tells the same, as vmstat belongs to no namespace
 * @param settleMs how long after the last move read() is true
 * @param onRead every look, moved or not: that nobody was killed until then is worth as much
 */
export function createNodeCount(hostRoot: string, settleMs: number, onRead?: (r: NodeReading) => void): NodeCount {
  const fd = openFirst([join(hostRoot, "proc/vmstat"), "/proc/vmstat"]);
  const buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  let latest = readCount();
  let movedAtMs = Number.NEGATIVE_INFINITY;

  function readCount(): NodeReading | undefined {
    if (fd === undefined) return undefined;
    try {
      const oomKill = parseNodeOomKills(buffer.toString("latin1", 0, readSync(fd, buffer, 0, BUFFER_BYTES, 0)));
      return oomKill === undefined ? undefined : { oomKill, atMs: monotonicMs() };
    } catch {
      return undefined;
    }
  }

  return {
    get latest() {
      return latest;
    },
    read() {
      const now = readCount();
      const before = latest;
      latest = now;
      if (now === undefined) return true;
      if (before !== undefined && before.oomKill !== now.oomKill) movedAtMs = now.atMs;
      onRead?.(now);
      return now.atMs - movedAtMs < settleMs;
    },
    close() {
      if (fd !== undefined) closeSync(fd);
    },
  };
}

function openFirst(paths: readonly string[]): number | undefined {
  for (const path of paths) {
    try {
      return openSync(path, "r");
    } catch {
      // the next one
    }
  }
  return undefined;
}
