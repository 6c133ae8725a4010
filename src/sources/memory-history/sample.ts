/** What is kept of a cgroup's memory over time: the values that sources/memory-history.ts hands on. */
import type { MemoryParts } from "../../../parsers/cgroup/memory-stat.ts";

/** Bytes; what could not be read is absent. */
export interface MemorySample extends MemoryParts {
  /** CLOCK_MONOTONIC in milliseconds */
  atMs: number;
  usage: number;
  /** percent of the last ten seconds in which some task waited for memory (PSI) */
  pressure?: number;
}

export interface MemoryHistory {
  cgroup: string;
  /** bytes; absent: none */
  limit?: number;
  /** bytes; v2 memory.high, absent: none */
  high?: number;
  /** it came while we looked: the first sample is its beginning */
  isFromStart: boolean;
  /** oldest first; the older ones stand for a while each, with the least that was used in it */
  samples: readonly MemorySample[];
  /** most that was used at any time, bytes */
  peak: number;
}
