/**
 * The `oom-kill:` line, since 5.0: the only one with the victim's cgroup; rate limited.
 * Source: mm/oom_kill.c dump_oom_summary, mm/memcontrol.c mem_cgroup_print_oom_context, put together from several
 * printk calls.
 *
 * Read from the right-hand end: COMM is at most 15 bytes but may hold `,pid=1,uid=0`; a cgroup's name may hold commas.
 */
import { decodeBytes } from "../bytes.ts";
import type { Constraint, OomKillSummary } from "./report.ts";
import { readWording, type Wording } from "./wording.ts";

/** TASK_COMM_LEN − 1 of include/linux/sched.h */
const COMM_BYTES = 15;
const TASK = ",task=";
const TASK_MEMCG = ",task_memcg=";

const CONSTRAINTS: ReadonlyMap<string, Constraint> = new Map([
  ["CONSTRAINT_MEMCG", "memcg"],
  ["CONSTRAINT_NONE", "none"],
  ["CONSTRAINT_CPUSET", "cpuset"],
  ["CONSTRAINT_MEMORY_POLICY", "memory_policy"],
]);

/** A summary with every way to read the end of its cgroup path and the start of its COMM. */
export interface SummaryLine {
  summary: OomKillSummary;
  /** asks for the reading whose COMM is the kill line's; keeps the present one where there is none */
  settle(comm: string): OomKillSummary;
}

export const SUMMARY_WORDINGS: readonly Wording<SummaryLine | undefined>[] = [
  {
    name: "summary/oom-kill",
    since: "5.0",
    source: "mm/oom_kill.c dump_oom_summary",
    example:
      "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a,task_memcg=/a/b,task=java,pid=13233,uid=0",
    pattern:
      /oom-kill:constraint=(\w+),nodemask=(.*?),cpuset=(.*?),mems_allowed=([\d,-]*)(?:,oom_memcg=(.*?)|(,global_oom))?,task_memcg=([^]*),pid=(\d+),uid=(-?\d+)$/,
    read: readSummary,
  },
];

/** Reads a whole summary. @returns undefined where it is not one, or a piece is missing */
export function parseSummary(text: string): SummaryLine | undefined {
  return readWording(SUMMARY_WORDINGS, text);
}

function readSummary(match: RegExpExecArray): SummaryLine | undefined {
  const [oomMemcg, tail] = splitMemcgs(match[5], match[7] ?? "");
  const splits = taskSplits(tail);
  const first = splits[0];
  if (first === undefined) return undefined;
  const summary: OomKillSummary = {
    constraint: CONSTRAINTS.get(match[1] ?? "") ?? "unknown",
    nodemask: match[2] ?? "",
    cpuset: decodeBytes(match[3] ?? ""),
    memsAllowed: match[4] ?? "",
    globalOom: match[6] !== undefined,
    taskMemcg: decodeBytes(tail.slice(0, first)),
    comm: decodeBytes(tail.slice(first + TASK.length)),
    pid: Number(match[8]),
    // Printed with %d: a UID above 2^31 comes out negative.
    uid: Number(match[9]) >>> 0,
  };
  if (oomMemcg !== undefined) summary.oomMemcg = decodeBytes(oomMemcg);
  return {
    summary,
    settle(comm) {
      if (comm === summary.comm) return summary;
      const at = splits.find((split) => decodeBytes(tail.slice(split + TASK.length)) === comm);
      if (at === undefined) return summary;
      return { ...summary, taskMemcg: decodeBytes(tail.slice(0, at)), comm };
    },
  };
}

/**
 * The victim's cgroup is the one whose limit was hit, or one below it: that tells which `,task_memcg=` is the
 * kernel's where a cgroup's name holds one as well.
 */
function splitMemcgs(oomMemcg: string | undefined, tail: string): [string | undefined, string] {
  if (oomMemcg === undefined || tail.startsWith(oomMemcg)) return [oomMemcg, tail];
  const both = `${oomMemcg}${TASK_MEMCG}${tail}`;
  for (let at = both.indexOf(TASK_MEMCG); at !== -1; at = both.indexOf(TASK_MEMCG, at + 1)) {
    const rest = both.slice(at + TASK_MEMCG.length);
    if (rest.startsWith(both.slice(0, at))) return [both.slice(0, at), rest];
  }
  return [oomMemcg, tail];
}

/** Where `,task=` may split the path from a COMM of legal length: the longest COMM first. */
function taskSplits(tail: string): number[] {
  const splits: number[] = [];
  for (let at = tail.indexOf(TASK); at !== -1; at = tail.indexOf(TASK, at + 1)) {
    if (tail.length - at - TASK.length <= COMM_BYTES) splits.push(at);
  }
  return splits;
}

/** A summary that was split or cut: what its pieces say of constraint and limit, for a report that has no more. */
export function parseCutSummary(text: string): { constraint?: Constraint; oomMemcg?: string } {
  const match = /oom-kill:constraint=(\w+)(?:,.*?,oom_memcg=(.*?),task_memcg=)?/.exec(text);
  const constraint = CONSTRAINTS.get(match?.[1] ?? "");
  return {
    ...(constraint === undefined ? {} : { constraint }),
    ...(match?.[2] === undefined ? {} : { oomMemcg: decodeBytes(match[2]) }),
  };
}
