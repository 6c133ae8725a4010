/**
 * `Killed process …`: the one line that the kernel prints for every process it kills, never rate limited.
 * Source: mm/oom_kill.c, __oom_kill_process (oom_kill_process, oom_kill_task before).
 *
 * COMM is hostile and may hold anything that the rest of the line holds, so every pattern is anchored at the end and
 * takes the longest COMM that leaves a whole tail.
 */
import { decodeBytes } from "../bytes.ts";
import type { KernelRecord } from "../kernel-record.ts";
import { isComm, LONGEST_COMM } from "./comm.ts";
import { readCount, readPid, readScoreAdj, readUid } from "./figures.ts";
import type { Constraint, Victim } from "./report.ts";
import { isLevel, known, LEVEL, LONGEST_LINE, readWording, type Wording } from "./wording.ts";

/** What a kill line says: the victim without its record, and the constraint that its prefix implies. */
export interface KillLine extends Omit<Victim, "record" | "groupKill" | "reaper"> {
  /** from the message's prefix; `Out of memory` covers none, cpuset and memory_policy */
  constraint: Constraint;
  /** what stands before `Killed process`, where it is not one of the kernel's own prefixes */
  foreignPrefix?: string;
}

/** In every kill line and in hardly any other: what a search for kills looks for. */
export const KILL_MARKER = "Killed process ";
/** The kernel's own prefixes: `message` of oom_kill_process, and what stood before it in older kernels. */
const PREFIX =
  "^(Memory cgroup out of memory: |Out of [Mm]emory(?: \\(oom_kill_allocating_task\\))?: |No available memory (?:\\(MPOL_BIND\\)|in cpuset): |)";
const KILLED = `${PREFIX}Killed process (\\d+)`;
/** Greedy: no tail holds a closing bracket, so the last one ends the name. */
const COMM = "\\(([^]*)\\)";
const SIZES = "anon-rss:(\\d+)kB, file-rss:(\\d+)kB";

export const KILLED_WORDINGS: readonly Wording<KillLine>[] = [
  {
    name: "killed/uid-pgtables-adj",
    since: "5.4",
    source: "mm/oom_kill.c __oom_kill_process",
    level: LEVEL.err,
    example:
      "Memory cgroup out of memory: Killed process 13233 (java) total-vm:67680kB, anon-rss:56796kB, file-rss:4080kB, shmem-rss:0kB, UID:0 pgtables:172kB oom_score_adj:0",
    pattern: new RegExp(
      `${KILLED} ${COMM} total-vm:(\\d+)kB, ${SIZES}, shmem-rss:(\\d+)kB, UID:(\\d+) pgtables:(\\d+)kB oom_score_adj:(-?\\d+)$`,
    ),
    read: ([, prefix, pid, comm, totalVm, anonRss, fileRss, shmemRss, uid, pgtables, oomScoreAdj]) =>
      toLine(prefix, pid, comm, { totalVm, anonRss, fileRss, shmemRss, uid, pgtables, oomScoreAdj }),
  },
  {
    name: "killed/total-vm",
    since: "2.6.36 (shmem-rss since 4.5, prefix since 5.1)",
    source: "mm/oom_kill.c oom_kill_process",
    level: LEVEL.err,
    example: "Killed process 4321 (java) total-vm:67680kB, anon-rss:56796kB, file-rss:4080kB, shmem-rss:0kB",
    pattern: new RegExp(`${KILLED} ${COMM} total-vm:(\\d+)kB, ${SIZES}(?:, shmem-rss:(\\d+)kB)?$`),
    read: ([, prefix, pid, comm, totalVm, anonRss, fileRss, shmemRss]) =>
      toLine(prefix, pid, comm, { totalVm, anonRss, fileRss, shmemRss }),
  },
  {
    name: "killed/rhel7-uid",
    since: "3.10.0-862.el7",
    source: "RHEL 7 mm/oom_kill.c oom_kill_process",
    level: LEVEL.err,
    example: "Killed process 4321 (java), UID 1000, total-vm:67680kB, anon-rss:56796kB, file-rss:4080kB, shmem-rss:0kB",
    pattern: new RegExp(`${KILLED} ${COMM}, UID (\\d+), total-vm:(\\d+)kB, ${SIZES}(?:, shmem-rss:(\\d+)kB)?$`),
    read: ([, prefix, pid, comm, uid, totalVm, anonRss, fileRss, shmemRss]) =>
      toLine(prefix, pid, comm, { uid, totalVm, anonRss, fileRss, shmemRss }),
  },
  {
    name: "killed/rhel6-uid",
    since: "2.6.32-220.el6",
    source: "RHEL 6 mm/oom_kill.c __oom_kill_task",
    level: LEVEL.err,
    example: "Killed process 4321, UID 48, (httpd) total-vm:67680kB, anon-rss:56796kB, file-rss:4080kB",
    pattern: new RegExp(`${KILLED}, UID (\\d+), ${COMM} total-vm:(\\d+)kB, ${SIZES}$`),
    read: ([, prefix, pid, uid, comm, totalVm, anonRss, fileRss]) =>
      toLine(prefix, pid, comm, { uid, totalVm, anonRss, fileRss }),
  },
  {
    name: "killed/rhel5-uid",
    source: "RHEL 5 mm/oom_kill.c __oom_kill_task",
    level: LEVEL.err,
    since: "2.6.18-el5",
    example: "Out of memory: Killed process 2817, UID 27, (mysqld).",
    pattern: new RegExp(`${KILLED}, UID (\\d+), ${COMM}\\.$`),
    read: ([, prefix, pid, uid, comm]) => toLine(prefix, pid, comm, { uid }),
  },
  {
    name: "killed/vsz",
    since: "2.6.35",
    source: "mm/oom_kill.c __oom_kill_task",
    level: LEVEL.err,
    example: "Killed process 4321 (httpd) vsz:67680kB, anon-rss:56796kB, file-rss:4080kB",
    pattern: new RegExp(`${KILLED} ${COMM} vsz:(\\d+)kB, ${SIZES}$`),
    read: ([, prefix, pid, comm, totalVm, anonRss, fileRss]) =>
      toLine(prefix, pid, comm, { totalVm, anonRss, fileRss }),
  },
  {
    name: "killed/name-only",
    since: "2.4 (with a full stop), 2.6.32",
    source: "mm/oom_kill.c __oom_kill_task",
    level: LEVEL.err,
    example: "Out of Memory: Killed process 4321 (httpd).",
    pattern: new RegExp(`${KILLED} ${COMM}\\.?$`),
    read: ([, prefix, pid, comm]) => toLine(prefix, pid, comm, {}),
  },
];

/**
 * The whole kill line that a record is. Where the record's beginning is known, the line is the whole text; in text of
 * unknown beginning anything may stand before it.
 */
export function readKillLine({ origin, text, level, textStart }: KernelRecord): KillLine | undefined {
  if (origin === "user" || !text.includes(KILL_MARKER)) return undefined;
  const line = parseKillLine(text, level);
  if (line !== undefined || textStart !== "unknown" || !isLevel(level, LEVEL.err)) return line;
  return parseEmbeddedKillLine(text);
}

/** The kill line without its end that a record is. */
export function readCutKillLine({ origin, text, level, textStart }: KernelRecord): KillLine | undefined {
  if (origin === "user" || !text.includes(KILL_MARKER)) return undefined;
  return parseCutKillLine(text, level, textStart === "unknown");
}

/** Reads a text that is a whole kill line. @param level the record's, where it is known */
export function parseKillLine(text: string, level?: number): KillLine | undefined {
  return text.includes(KILL_MARKER) ? readWording(KILLED_WORDINGS, text, level) : undefined;
}

/**
 * Reads a text that ends in a whole kill line: a wrapper that no format knows may stand before it. A bare name is not
 * enough to believe that: the line must have sizes, and what stands before must end as a prefix does.
 */
export function parseEmbeddedKillLine(text: string): KillLine | undefined {
  if (text.length > LONGEST_LINE) return undefined;
  for (let at = text.indexOf(KILL_MARKER); at !== -1; at = text.indexOf(KILL_MARKER, at + KILL_MARKER.length)) {
    if (text.length - at > LONGEST_KILL) continue;
    const line = parseKillLine(text.slice(at));
    if (line === undefined) continue;
    if (line.totalVmKb === undefined || !/(?:: |\] |\s)$/.test(text.slice(Math.max(0, at - 2), at))) return undefined;
    const foreignPrefix = text.slice(0, at);
    return { ...line, constraint: constraintOf(foreignPrefix), foreignPrefix };
  }
  return undefined;
}

/** Bytes of the longest kill line, further fields of a kernel to come included. */
const LONGEST_KILL = 1024;

const CUT_LINE = new RegExp(`${KILLED}(?:,? UID (\\d+),)? \\(`);
/** The last of these ends the name. */
const TAIL_START = /\)(?:,? UID (\d+),)? (?:total-vm|vsz):/g;
/** Nothing but fields: `name:1kB, name:2 …`, the last one cut anywhere. */
const TAIL = /^\)(?:,? UID \d+,)?(?: [a-zA-Z_-]+:-?\d+(?:kB)?,?)*(?: [a-zA-Z_-]*(?::-?\d*k?)?)?$/;
const TAIL_FIELD = /(total-vm|vsz|anon-rss|file-rss|shmem-rss|UID|pgtables):(\d+)(?=kB|[ ,])/g;
/** The end of a line that was cut between the name and the first figure. */
const TAIL_CUT_SHORT =
  /\)(?:,?(?: (?:U(?:I(?:D(?: \d*,?)?)?)?)?)?)?(?: (?:t|to|tot|tota|total|total-|total-v|total-vm(?::\d*)?|v|vs|vsz(?::\d*)?)?)?$/;

/**
 * Reads a kill line that lacks its end, or goes on with fields that no known kernel prints. A figure counts only where
 * its own end is there, and where it cannot be a part of the name: a number that was cut in the middle is not a
 * smaller number, and `(a) total-vm:1kB` may be a name without its bracket.
 * @param level the record's, where it is known
 * @param hasFreeTail a wrapper's own text may follow the fields: for text of unknown beginning
 * @returns undefined where not even the pid is whole, or where something else than fields follows the name
 */
export function parseCutKillLine(text: string, level?: number, hasFreeTail = false): KillLine | undefined {
  if (text.length > LONGEST_KILL || !isLevel(level, LEVEL.err)) return undefined;
  const head = CUT_LINE.exec(text);
  if (head === null) return undefined;
  const rest = text.slice(head[0].length);
  const tail = [...rest.matchAll(TAIL_START)].at(-1);
  if (tail !== undefined && !hasFreeTail && !TAIL.test(rest.slice(tail.index))) return undefined;
  const end = tail?.index ?? TAIL_CUT_SHORT.exec(rest)?.index;
  const isTail = tail !== undefined && !mayBeName(rest);
  const line = toLine(head[1], head[2], end === undefined ? rest : rest.slice(0, end), {
    uid: head[3] ?? (isTail ? tail[1] : undefined),
    ...(isTail ? readTailFields(rest.slice(tail.index)) : {}),
  });
  return line === undefined ? undefined : { ...line, truncated: true };
}

/** Whether all of the text can be a legal name, and what follows it cut before the first figure. */
function mayBeName(rest: string): boolean {
  if (rest.length <= LONGEST_COMM && isComm(rest)) return true;
  const end = TAIL_CUT_SHORT.exec(rest)?.index;
  return end !== undefined && isComm(rest.slice(0, end));
}

const TAIL_FIGURES: Readonly<Record<string, keyof Figures>> = {
  "total-vm": "totalVm",
  vsz: "totalVm",
  "anon-rss": "anonRss",
  "file-rss": "fileRss",
  "shmem-rss": "shmemRss",
  UID: "uid",
  pgtables: "pgtables",
};

function readTailFields(tail: string): Figures {
  const figures: Figures = {};
  for (const [, name = "", value] of tail.matchAll(TAIL_FIELD)) {
    const key = TAIL_FIGURES[name];
    if (key !== undefined) figures[key] = value;
  }
  return figures;
}

/** A line's figures as printed. */
type Figures = Partial<
  Record<"totalVm" | "anonRss" | "fileRss" | "shmemRss" | "uid" | "pgtables" | "oomScoreAdj", string | undefined>
>;

/**
 * The line that the printed parts make. An impossible pid or name makes it none: it is who was killed. Another figure
 * that is impossible is left out, as the process was killed all the same.
 */
function toLine(prefix = "", pidDigits = "", comm = "", figures: Figures): KillLine | undefined {
  const pid = readPid(pidDigits);
  if (pid === undefined || !isComm(comm)) return undefined;
  return known<KillLine>({
    pid,
    comm: decodeBytes(comm),
    constraint: constraintOf(prefix),
    truncated: false,
    totalVmKb: readCount(figures.totalVm),
    anonRssKb: readCount(figures.anonRss),
    fileRssKb: readCount(figures.fileRss),
    shmemRssKb: readCount(figures.shmemRss),
    uid: readUid(figures.uid),
    pgtablesKb: readCount(figures.pgtables),
    oomScoreAdj: readScoreAdj(figures.oomScoreAdj),
  });
}

const CONSTRAINTS: readonly (readonly [prefix: string, constraint: Constraint])[] = [
  ["Memory cgroup out of memory: ", "memcg"],
  ["Out of memory: ", "none"],
  ["Out of Memory: ", "none"],
  ["Out of memory (oom_kill_allocating_task): ", "none"],
  ["No available memory (MPOL_BIND): ", "memory_policy"],
  ["No available memory in cpuset: ", "cpuset"],
];

/** By the end of what stands before `Killed process`, as another program's prefix may stand before the kernel's. */
function constraintOf(prefix: string): Constraint {
  return CONSTRAINTS.find(([own]) => prefix.endsWith(own))?.[1] ?? "unknown";
}
