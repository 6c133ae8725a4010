/**
 * `Killed process …`: the one line that the kernel prints for every process it kills, never rate limited.
 * Source: mm/oom_kill.c, __oom_kill_process (oom_kill_process, oom_kill_task before).
 *
 * COMM is hostile and may hold anything that the rest of the line holds, so every pattern is anchored at the end and
 * takes the longest COMM that leaves a whole tail.
 */
import { decodeBytes } from "../bytes.ts";
import type { Constraint, Victim } from "./report.ts";
import { known, optionalNumber, readWording, type Wording } from "./wording.ts";

/** What a kill line says: the victim without its record, and the constraint that its prefix implies. */
export interface KillLine extends Omit<Victim, "record" | "groupKill" | "reaper"> {
  /** from the message's prefix; `Out of memory` covers none, cpuset and memory_policy */
  constraint: Constraint;
  /** what stands before `Killed process`, where it is not one of the kernel's own prefixes */
  foreignPrefix?: string;
}

const SIZES = "anon-rss:(\\d+)kB, file-rss:(\\d+)kB";
const MARKER = "Killed process ";

export const KILLED_WORDINGS: readonly Wording<KillLine>[] = [
  {
    name: "killed/uid-pgtables-adj",
    since: "5.4",
    source: "mm/oom_kill.c __oom_kill_process",
    example:
      "Memory cgroup out of memory: Killed process 13233 (java) total-vm:67680kB, anon-rss:56796kB, file-rss:4080kB, shmem-rss:0kB, UID:0 pgtables:172kB oom_score_adj:0",
    pattern: new RegExp(
      `^([^]*?)Killed process (\\d+) \\(([^]*)\\) total-vm:(\\d+)kB, ${SIZES}, shmem-rss:(\\d+)kB, UID:(\\d+) pgtables:(\\d+)kB oom_score_adj:(-?\\d+)$`,
    ),
    read: (m) => ({
      ...start(m[1], m[2], m[3]),
      totalVmKb: Number(m[4]),
      anonRssKb: Number(m[5]),
      fileRssKb: Number(m[6]),
      shmemRssKb: Number(m[7]),
      uid: Number(m[8]),
      pgtablesKb: Number(m[9]),
      oomScoreAdj: Number(m[10]),
    }),
  },
  {
    name: "killed/total-vm",
    since: "2.6.36 (shmem-rss since 4.5, prefix since 5.1)",
    source: "mm/oom_kill.c oom_kill_process",
    example: "Killed process 4321 (java) total-vm:67680kB, anon-rss:56796kB, file-rss:4080kB, shmem-rss:0kB",
    pattern: new RegExp(
      `^([^]*?)Killed process (\\d+) \\(([^]*)\\) total-vm:(\\d+)kB, ${SIZES}(?:, shmem-rss:(\\d+)kB)?$`,
    ),
    read: (m) =>
      known<KillLine>({
        ...start(m[1], m[2], m[3]),
        totalVmKb: Number(m[4]),
        anonRssKb: Number(m[5]),
        fileRssKb: Number(m[6]),
        shmemRssKb: optionalNumber(m[7]),
      }),
  },
  {
    name: "killed/rhel7-uid",
    since: "3.10.0-862.el7",
    source: "RHEL 7 mm/oom_kill.c oom_kill_process",
    example: "Killed process 4321 (java), UID 1000, total-vm:67680kB, anon-rss:56796kB, file-rss:4080kB, shmem-rss:0kB",
    pattern: new RegExp(
      `^([^]*?)Killed process (\\d+) \\(([^]*)\\), UID (\\d+), total-vm:(\\d+)kB, ${SIZES}(?:, shmem-rss:(\\d+)kB)?$`,
    ),
    read: (m) =>
      known<KillLine>({
        ...start(m[1], m[2], m[3]),
        uid: Number(m[4]),
        totalVmKb: Number(m[5]),
        anonRssKb: Number(m[6]),
        fileRssKb: Number(m[7]),
        shmemRssKb: optionalNumber(m[8]),
      }),
  },
  {
    name: "killed/rhel6-uid",
    since: "2.6.32-220.el6",
    source: "RHEL 6 mm/oom_kill.c __oom_kill_task",
    example: "Killed process 4321, UID 48, (httpd) total-vm:67680kB, anon-rss:56796kB, file-rss:4080kB",
    pattern: new RegExp(`^([^]*?)Killed process (\\d+), UID (\\d+), \\(([^]*)\\) total-vm:(\\d+)kB, ${SIZES}$`),
    read: (m) => ({
      ...start(m[1], m[2], m[4]),
      uid: Number(m[3]),
      totalVmKb: Number(m[5]),
      anonRssKb: Number(m[6]),
      fileRssKb: Number(m[7]),
    }),
  },
  {
    name: "killed/rhel5-uid",
    source: "RHEL 5 mm/oom_kill.c __oom_kill_task",
    since: "2.6.18-el5",
    example: "Out of memory: Killed process 2817, UID 27, (mysqld).",
    pattern: /^([^]*?)Killed process (\d+), UID (\d+), \(([^]*)\)\.$/,
    read: (m) => ({ ...start(m[1], m[2], m[4]), uid: Number(m[3]) }),
  },
  {
    name: "killed/vsz",
    since: "2.6.35",
    source: "mm/oom_kill.c __oom_kill_task",
    example: "Killed process 4321 (httpd) vsz:67680kB, anon-rss:56796kB, file-rss:4080kB",
    pattern: new RegExp(`^([^]*?)Killed process (\\d+) \\(([^]*)\\) vsz:(\\d+)kB, ${SIZES}$`),
    read: (m) => ({
      ...start(m[1], m[2], m[3]),
      totalVmKb: Number(m[4]),
      anonRssKb: Number(m[5]),
      fileRssKb: Number(m[6]),
    }),
  },
  {
    name: "killed/name-only",
    since: "2.4 (with a full stop), 2.6.32",
    source: "mm/oom_kill.c __oom_kill_task",
    example: "Out of Memory: Killed process 4321 (httpd).",
    pattern: /^([^]*?)Killed process (\d+) \(([^]*)\)\.?$/,
    read: (m) => start(m[1], m[2], m[3]),
  },
];

/** Reads a whole kill line. @returns undefined where the text is not one, or not a whole one */
export function parseKillLine(text: string): KillLine | undefined {
  return text.includes(MARKER) ? readWording(KILLED_WORDINGS, text) : undefined;
}

const CUT_LINE = /^([^]*?)Killed process (\d+)(?:,? UID (\d+),)? \(/;
const TAIL_START = /\)(?:,? UID (\d+),)? (?:total-vm|vsz):(?![^]*\)(?:,? UID \d+,)? (?:total-vm|vsz):)/;
const TAIL_FIELD = /(total-vm|vsz|anon-rss|file-rss|shmem-rss|UID|pgtables|oom_score_adj):(-?\d+)(?=kB|[ ,]|$)/g;
/** The end of a line that was cut between the name and the first figure. */
const TAIL_CUT_SHORT =
  /\)(?:,?(?: (?:U(?:I(?:D(?: \d*,?)?)?)?)?)?)?(?: (?:t|to|tot|tota|total|total-|total-v|total-vm(?::\d*)?|v|vs|vsz(?::\d*)?)?)?$/;
/** TASK_COMM_LEN − 1 of include/linux/sched.h */
const COMM_BYTES = 15;

/**
 * Reads a kill line that lacks its end, or goes on in a way that no known kernel prints. A figure counts only where
 * its own end is there, and where it cannot be a part of the name: a number that was cut in the middle is not a
 * smaller number, and `(a) total-vm:1kB` may be a name without its bracket.
 * @returns undefined where not even the pid is whole
 */
export function parseCutKillLine(text: string): KillLine | undefined {
  const head = CUT_LINE.exec(text);
  if (head === null) return undefined;
  const rest = text.slice(head[0].length);
  const tail = TAIL_START.exec(rest);
  const end = tail?.index ?? TAIL_CUT_SHORT.exec(rest)?.index;
  const line = start(head[1], head[2], end === undefined ? rest : rest.slice(0, end));
  line.truncated = true;
  const isTail = tail !== null && !mayBeName(rest);
  const uid = head[3] ?? (isTail ? tail[1] : undefined);
  if (uid !== undefined) line.uid = Number(uid);
  if (isTail) readTailFields(line, rest.slice(tail.index));
  return line;
}

/** Whether all of the text can be a legal name, and what follows it cut before the first figure. */
function mayBeName(rest: string): boolean {
  if (rest.length <= COMM_BYTES) return true;
  const end = TAIL_CUT_SHORT.exec(rest)?.index;
  return end !== undefined && end <= COMM_BYTES;
}

function readTailFields(line: KillLine, tail: string): void {
  for (const match of tail.matchAll(TAIL_FIELD)) {
    const cutAtEnd = match.index + match[0].length === tail.length && match[1] !== "oom_score_adj";
    if (cutAtEnd) continue;
    const value = Number(match[2]);
    if (match[1] === "total-vm" || match[1] === "vsz") line.totalVmKb = value;
    else if (match[1] === "anon-rss") line.anonRssKb = value;
    else if (match[1] === "file-rss") line.fileRssKb = value;
    else if (match[1] === "shmem-rss") line.shmemRssKb = value;
    else if (match[1] === "UID") line.uid = value;
    else if (match[1] === "pgtables") line.pgtablesKb = value;
  }
}

/** The kernel's own prefixes: `message` of oom_kill_process, and what stood before it in older kernels. */
const PREFIXES: ReadonlyMap<string, Constraint> = new Map([
  ["Memory cgroup out of memory: ", "memcg"],
  ["Out of memory: ", "none"],
  ["Out of Memory: ", "none"],
  ["Out of memory (oom_kill_allocating_task): ", "none"],
  ["", "unknown"],
]);

function start(prefix = "", pid = "", comm = ""): KillLine {
  const line: KillLine = { pid: Number(pid), comm: decodeBytes(comm), constraint: "unknown", truncated: false };
  const constraint = PREFIXES.get(prefix);
  if (constraint !== undefined) {
    line.constraint = constraint;
  } else {
    line.foreignPrefix = prefix;
    if (prefix.endsWith("Memory cgroup out of memory: ")) line.constraint = "memcg";
    else if (prefix.endsWith("Out of memory: ")) line.constraint = "none";
  }
  return line;
}
