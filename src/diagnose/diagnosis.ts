/** Why a process was killed for memory, what says so, and what to do: the values that this stage makes. */

/**
 * Why the memory ran out. `unknown` is an answer. That a child was killed, or a whole group, is no cause: it is told
 * as a fact beside any of them.
 */
export type Cause =
  /** what it holds is steady, and does not fit */
  | "limit_too_low"
  /** it grows and grows */
  | "leak"
  /** it rose in moments */
  | "spike"
  | "page_cache"
  /** tmpfs or shared memory: an emptyDir in memory, /dev/shm */
  | "tmpfs"
  | "kernel_memory"
  /** the node had no memory left */
  | "node_pressure"
  /** a limit that is shared, used up by another than the victim */
  | "neighbour"
  /** of the memory nodes (NUMA) that its cpuset or its policy allows nothing was left */
  | "cpuset"
  | "memory_policy"
  /** asked for by SysRq-f: memory need not have been short */
  | "sysrq"
  | "unknown";

/**
 * A figure in a fact, with its unit: `count` is how often, `number` how many or which one, `name` text of somebody
 * else's that is to be shown with care.
 */
export type Figure =
  | { bytes: number }
  | { seconds: number }
  | { percent: number }
  | { bytesPerSecond: number }
  | { count: number }
  | { number: number }
  | { name: string };

/** One statement that can be checked. */
export interface Fact {
  /** a sentence; `{key}` stands for the figure of that name */
  says: string;
  figures: Readonly<Record<string, Figure>>;
  source: "report" | "kernel log" | "counter" | "history" | "kubernetes" | "report and history";
}

export interface Diagnosis {
  cause: Cause;
  /** 0 to 1: how much speaks for it; absent where the cause is unknown */
  confidence?: number;
  /** those that speak for the cause first */
  facts: Fact[];
  /** commands for a shell, each complete; the one to begin with first */
  advice: string[];
  /** the victim's cgroup before the kill, as far as it was watched */
  history?: HistorySummary;
}

export interface HistorySummary {
  /** from the first sample to the kill */
  seconds: number;
  /** most that was used, bytes */
  peak: number;
  /** of what cannot be reclaimed, over the last minutes */
  bytesPerSecond?: number;
  /** oldest first */
  points: HistoryPoint[];
}

/** Bytes; what was not read is absent. */
export interface HistoryPoint {
  /** before the kill */
  seconds: number;
  usage: number;
  anon?: number;
  file?: number;
  shmem?: number;
  kernel?: number;
}
