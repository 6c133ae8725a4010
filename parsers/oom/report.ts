/** What the kernel's text says about one OOM report, and nothing more: no guess, no unit but the kernel's own. */
import type { KernelRecord } from "../kernel-record.ts";

/** `enum oom_constraint` of include/linux/oom.h; `unknown` where the text does not tell (bare lines up to 5.0). */
export type Constraint = "memcg" | "none" | "cpuset" | "memory_policy" | "unknown";

/** A process that the kernel says it killed (`Killed process …`). Sizes in kB as printed. */
export interface Victim {
  pid: number;
  /** COMM, decoded; up to 15 bytes, whatever the process wanted */
  comm: string;
  uid?: number;
  totalVmKb?: number;
  anonRssKb?: number;
  fileRssKb?: number;
  shmemRssKb?: number;
  pgtablesKb?: number;
  oomScoreAdj?: number;
  /** killed as a member of its cgroup under memory.oom.group (the first victim included) */
  groupKill: boolean;
  /** the record of its first kill line */
  record: KernelRecord;
  /** true where the line was cut before its end: what is missing was lost, not zero */
  truncated: boolean;
  reaper?: Reaper;
}

/** What the oom_reaper thread said of a victim's memory afterwards. */
export interface Reaper {
  outcome: "reaped" | "unable";
  anonRssKb?: number;
  fileRssKb?: number;
  shmemRssKb?: number;
}

/** The task that asked for the memory: often not the victim. `pid` is a thread's and may be a kworker's. */
export interface Trigger {
  comm: string;
  pid?: number;
  uid?: number;
  gfpMask?: string;
  /** e.g. `GFP_KERNEL|__GFP_ZERO` */
  gfpFlags?: string;
  /** −1: asked for by SysRq-f */
  order?: number;
  oomScoreAdj?: number;
}

/** The `oom-kill:` line (since 5.0). */
export interface OomKillSummary {
  constraint: Constraint;
  nodemask?: string;
  /** the invoker's cpuset, not the victim's */
  cpuset?: string;
  memsAllowed?: string;
  /** true: `global_oom` stands where `oom_memcg=` would be */
  globalOom: boolean;
  /** cgroup whose limit was hit, decoded */
  oomMemcg?: string;
  /** the victim's cgroup, decoded; cut short by the kernel where `truncated` */
  taskMemcg?: string;
  comm: string;
  pid: number;
  uid: number;
}

/** `usage NkB, limit NkB, failcnt N` of a counter; limit absent where there is none. */
export interface MemcgUsage {
  usageKb: number;
  limitKb?: number;
  failcnt?: number;
}

/** `Memory cgroup stats for PATH:`; sizes in bytes since 5.x, converted from kB for older kernels. */
export interface MemcgStats {
  path: string;
  values: Record<string, number>;
}

/** A row of the tasks table, read by its header. Sizes in pages unless the name says otherwise. */
export interface TaskRow {
  pid: number;
  comm: string;
  uid?: number;
  tgid?: number;
  totalVm?: number;
  rss?: number;
  rssAnon?: number;
  rssFile?: number;
  rssShmem?: number;
  pgtablesBytes?: number;
  swapents?: number;
  oomScoreAdj?: number;
}

/** Mem-Info of a global report, the lines that say how much the node had left. Pages unless the name says kB. */
export interface NodeMemory {
  /** `active_anon:… free:…` of the Mem-Info block, in pages */
  pages: Record<string, number>;
  totalPages?: number;
  reservedPages?: number;
  swapTotalKb?: number;
  swapFreeKb?: number;
}

/** A line that a whole report would have and this one lacks. */
export type MissingPart = "invoked" | "summary" | "tasks" | "usage" | "kill_line";

export interface OomReport {
  /** in the order in which they were named; each process once; empty: nobody was killed */
  victims: Victim[];
  /** a group kill of very many processes comes in parts: how many were in those before this one */
  victimsBefore?: number;
  /** … and more of them are in a part after this one */
  isContinued?: true;
  constraint: Constraint;
  trigger?: Trigger;
  summary?: OomKillSummary;
  /** cgroup of the victim as printed: `task_memcg`, or up to 4.18 `Task in PATH` */
  victimCgroup?: string;
  /** cgroup whose limit was hit as printed: `oom_memcg`, or `as a result of limit of PATH` */
  limitCgroup?: string;
  memory?: MemcgUsage;
  swap?: MemcgUsage;
  memsw?: MemcgUsage;
  kmem?: MemcgUsage;
  memcgStats?: MemcgStats;
  tasks?: TaskRow[];
  nodeMemory?: NodeMemory;
  /** the cgroup of `Tasks in PATH are going to be killed due to memory.oom.group set` */
  groupKillCgroup?: string;
  /** `incomplete`: neither a kill nor the kernel's word that there is none */
  outcome: "killed" | "no_killable_process" | "already_exiting" | "panic" | "incomplete";
  kernelRelease?: string;
  missing: MissingPart[];
  /** the records that were read as part of the report, bounded, in input order; other lines between them are not here */
  records: KernelRecord[];
}

/** `oom_kill_process: N callbacks suppressed`: reports that the rate limit dropped. The kernel undercounts. */
export interface SuppressedReports {
  count: number;
  record: KernelRecord;
}
