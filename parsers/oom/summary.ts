/**
 * The `oom-kill:` line, since 5.0: the only one with the victim's cgroup; rate limited.
 * Source: mm/oom_kill.c dump_oom_summary, mm/memcontrol.c mem_cgroup_print_oom_context, put together from several
 * printk calls.
 *
 * Read from the right-hand end: COMM is at most 15 bytes but may hold `,pid=1,uid=0`; a cgroup's name may hold commas.
 */
import { decodeBytes } from "../bytes.ts";
import { isComm, LONGEST_COMM } from "./comm.ts";
import { readPid, readUid } from "./figures.ts";
import type { Constraint, OomKillSummary } from "./report.ts";
import { known, LEVEL, readWording, type Wording } from "./wording.ts";

const CPUSET = ",cpuset=";
const MEMS_ALLOWED = ",mems_allowed=";
const OOM_MEMCG = ",oom_memcg=";
const GLOBAL_OOM = ",global_oom";
const TASK_MEMCG = ",task_memcg=";
const TASK = ",task=";

/** Places at which the paths are looked at to be split; no honest path holds `,task_memcg=` even once. */
const MAX_SPLITS = 16;

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

export const SUMMARY_WORDINGS: readonly Wording<SummaryLine>[] = [
  {
    name: "summary/oom-kill",
    since: "5.0",
    source: "mm/oom_kill.c dump_oom_summary",
    level: LEVEL.info,
    example:
      "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a,task_memcg=/a/b,task=java,pid=13233,uid=0",
    pattern: /^oom-kill:constraint=(\w+),nodemask=([^]*),pid=(\d+),uid=(-?\d+)$/,
    read: readSummary,
  },
];

/** Whether a text begins as the kernel begins a summary: in one printk call up to the node mask. */
export function isSummaryStart(text: string): boolean {
  return SUMMARY_START.test(text);
}

const SUMMARY_START = /^oom-kill:constraint=\w+,nodemask=/;

/**
 * Reads a whole summary. @param level the record's, where it is known
 * @returns undefined where it is not one, a piece is missing, or a figure is beyond what a kernel can print
 */
export function parseSummary(text: string, level?: number): SummaryLine | undefined {
  return readWording(SUMMARY_WORDINGS, text, level);
}

function readSummary([, constraint = "", middle = "", pidDigits, uidDigits]: RegExpExecArray): SummaryLine | undefined {
  const pid = readPid(pidDigits);
  const uid = readUid(uidDigits);
  const paths = splitMiddle(middle);
  if (pid === undefined || uid === undefined || paths === undefined) return undefined;
  const [oomMemcg, tail] = splitMemcgs(paths.oomMemcg, paths.tail);
  const splits = taskSplits(tail);
  const first = splits[0];
  if (first === undefined) return undefined;
  const summary = known<OomKillSummary>({
    constraint: CONSTRAINTS.get(constraint) ?? "unknown",
    nodemask: paths.nodemask,
    cpuset: decodeBytes(paths.cpuset),
    memsAllowed: paths.memsAllowed,
    globalOom: paths.globalOom,
    oomMemcg: readPath(oomMemcg),
    taskMemcg: readPath(tail.slice(0, first)),
    comm: decodeBytes(tail.slice(first + TASK.length)),
    pid,
    uid,
  });
  return {
    summary,
    settle(comm) {
      if (comm === summary.comm) return summary;
      const at = splits.find((split) => decodeBytes(tail.slice(split + TASK.length)) === comm);
      if (at === undefined) return summary;
      return known<OomKillSummary>({ ...summary, taskMemcg: readPath(tail.slice(0, at)), comm });
    },
  };
}

/** What stands between the node mask and the pid. */
interface Middle {
  nodemask: string;
  cpuset: string;
  memsAllowed: string;
  globalOom: boolean;
  oomMemcg: string | undefined;
  /** the victim's path, `,task=`, its name */
  tail: string;
}

/** Takes the middle apart from its left end: each key the first that the next one can follow. */
function splitMiddle(middle: string): Middle | undefined {
  const cpusetAt = middle.indexOf(CPUSET);
  if (cpusetAt === -1) return undefined;
  for (let at = middle.indexOf(MEMS_ALLOWED, cpusetAt); at !== -1; at = middle.indexOf(MEMS_ALLOWED, at + 1)) {
    const start = at + MEMS_ALLOWED.length;
    const end = skipNodeList(middle, start);
    const paths = splitPaths(middle, end);
    if (paths === undefined) continue;
    return {
      nodemask: middle.slice(0, cpusetAt),
      cpuset: middle.slice(cpusetAt + CPUSET.length, at),
      memsAllowed: middle.slice(start, end),
      ...paths,
    };
  }
  return undefined;
}

/** @returns where a list of nodes such as `0-1,3` ends; the comma after it is the next key's */
function skipNodeList(text: string, from: number): number {
  let at = from;
  while (at < text.length && "0123456789,-".includes(text.charAt(at))) at++;
  return at > from && text[at - 1] === "," ? at - 1 : at;
}

/** Takes what follows the node list apart: the limit's path or the word of the node, then the victim's. */
function splitPaths(text: string, from: number): Pick<Middle, "globalOom" | "oomMemcg" | "tail"> | undefined {
  const globalOom = text.startsWith(GLOBAL_OOM, from);
  const hasLimit = text.startsWith(OOM_MEMCG, from);
  const at = globalOom ? from + GLOBAL_OOM.length : hasLimit ? text.indexOf(TASK_MEMCG, from + OOM_MEMCG.length) : from;
  if (at === -1 || !text.startsWith(TASK_MEMCG, at)) return undefined;
  const oomMemcg = hasLimit ? text.slice(from + OOM_MEMCG.length, at) : undefined;
  return { globalOom, oomMemcg, tail: text.slice(at + TASK_MEMCG.length) };
}

/** A cgroup's path as printed; undefined for an empty one and for what the kernel prints in its place. */
function readPath(bytes: string | undefined): string | undefined {
  return bytes?.startsWith("/") ? decodeBytes(bytes) : undefined;
}

/**
 * The victim's cgroup is the one whose limit was hit, or one below it: that tells which `,task_memcg=` is the
 * kernel's where a cgroup's name holds one as well.
 */
function splitMemcgs(oomMemcg: string | undefined, tail: string): [string | undefined, string] {
  if (oomMemcg === undefined || tail.startsWith(oomMemcg)) return [oomMemcg, tail];
  const both = `${oomMemcg}${TASK_MEMCG}${tail}`;
  let at = both.indexOf(TASK_MEMCG);
  for (let tries = 0; at !== -1 && tries < MAX_SPLITS; tries++, at = both.indexOf(TASK_MEMCG, at + 1)) {
    const rest = both.slice(at + TASK_MEMCG.length);
    if (rest.startsWith(both.slice(0, at))) return [both.slice(0, at), rest];
  }
  return [oomMemcg, tail];
}

/** Where `,task=` may split the path from a COMM of legal length: the longest COMM first. */
function taskSplits(tail: string): number[] {
  const splits: number[] = [];
  const from = Math.max(0, tail.length - LONGEST_COMM - TASK.length);
  for (let at = tail.indexOf(TASK, from); at !== -1; at = tail.indexOf(TASK, at + 1)) {
    if (isComm(tail.slice(at + TASK.length))) splits.push(at);
  }
  return splits;
}

/** A summary that was split or cut: what its pieces say of constraint and limit, for a report that has no more. */
export function parseCutSummary(text: string): { constraint?: Constraint; oomMemcg?: string } {
  const constraint = CONSTRAINTS.get(/^oom-kill:constraint=(\w+)/.exec(text)?.[1] ?? "");
  const from = text.indexOf(OOM_MEMCG) + OOM_MEMCG.length;
  const end = from < OOM_MEMCG.length ? -1 : text.indexOf(TASK_MEMCG, from);
  const oomMemcg = end === -1 ? undefined : readPath(text.slice(from, end));
  return { ...(constraint === undefined ? {} : { constraint }), ...(oomMemcg === undefined ? {} : { oomMemcg }) };
}
