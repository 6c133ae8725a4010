/** What is kept of a cgroup's memory over time: the values that sources/memory-history.ts hands on. */

/** Bytes; what could not be read is absent. */
export interface MemorySample {
  /** CLOCK_MONOTONIC in milliseconds */
  atMs: number;
  usage: number;
  /** private memory: heap, stacks */
  anon?: number;
  /** page cache, without tmpfs */
  file?: number;
  /** of the page cache what is reclaimed first: the kubelet's working set is without it */
  inactiveFile?: number;
  /** tmpfs and shared memory */
  shmem?: number;
  kernel?: number;
  /** percent of the last ten seconds in which some task waited for memory (PSI `some avg10`) */
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
