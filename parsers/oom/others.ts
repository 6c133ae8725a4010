/**
 * The report's other lines, each a row: limits up to 4.18, group kill, reaper, ends without a kill, dropped reports.
 */
import { decodeBytes } from "../bytes.ts";
import { isComm } from "./comm.ts";
import { readCount, readPid } from "./figures.ts";
import type { Reaper } from "./report.ts";
import { known, LEVEL, readWording, type Wording } from "./wording.ts";

export type OtherLine =
  /** without a victim's cgroup: the record before may hold it, see parseTaskIn */
  | { kind: "limit"; victimCgroup?: string; limitCgroup: string }
  | { kind: "group_kill"; cgroup: string }
  | { kind: "reaper"; pid: number; reaper: Reaper }
  | { kind: "already_exiting"; pid: number }
  | { kind: "no_killable_process" }
  | { kind: "panic" }
  | { kind: "sacrifice"; constraint: "memcg" | "none" }
  | { kind: "suppressed"; count: number };

export const OTHER_WORDINGS: readonly Wording<OtherLine>[] = [
  {
    name: "limit/task-in",
    since: "2.6.30 to 4.18",
    source: "mm/memcontrol.c mem_cgroup_print_oom_info",
    level: LEVEL.info,
    example: "Task in /docker/ab killed as a result of limit of /docker/ab",
    // A path begins with a slash: a process named `Task in /a` begins other messages of the kernel.
    pattern: /^(?:Task in (\/[^]*?)?)? ?killed as a result of limit of (\/[^]*)$/,
    read: ([, victimCgroup, limitCgroup = ""]) => ({
      kind: "limit",
      limitCgroup: decodeBytes(limitCgroup),
      ...(victimCgroup === undefined ? {} : { victimCgroup: decodeBytes(victimCgroup) }),
    }),
  },
  {
    name: "limit/reached",
    since: "3.18 to 4.18",
    source: "mm/memcontrol.c mem_cgroup_print_oom_info, no task",
    level: LEVEL.info,
    example: "Memory limit reached of cgroup /docker/ab",
    pattern: /^Memory limit reached of cgroup (\/[^]*)$/,
    read: (m) => ({ kind: "limit", limitCgroup: decodeBytes(m[1] ?? "") }),
  },
  {
    name: "group-kill",
    since: "4.19",
    source: "mm/memcontrol.c mem_cgroup_print_oom_group",
    level: LEVEL.info,
    example: "Tasks in /a are going to be killed due to memory.oom.group set",
    pattern: /^Tasks in ([^]+) are going to be killed due to memory\.oom\.group set$/,
    read: (m) => ({ kind: "group_kill", cgroup: decodeBytes(m[1] ?? "") }),
  },
  {
    name: "reaper/reaped",
    since: "4.6",
    source: "mm/oom_kill.c oom_reap_task_mm",
    level: LEVEL.info,
    example: "oom_reaper: reaped process 4321 (java), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB",
    pattern:
      /^oom_reaper: reaped process (\d+) \(([^]*)\),? now anon-rss:(\d+)kB, file-rss:(\d+)kB, shmem-rss:(\d+)l?kB$/,
    read: ([, pid, comm, anonRss, fileRss, shmemRss]) =>
      toReaperLine(pid, comm, {
        outcome: "reaped",
        anonRssKb: readCount(anonRss),
        fileRssKb: readCount(fileRss),
        shmemRssKb: readCount(shmemRss),
      }),
  },
  {
    name: "reaper/unable",
    since: "4.6",
    source: "mm/oom_kill.c oom_reap_task",
    level: LEVEL.info,
    example: "oom_reaper: unable to reap pid:4321 (java)",
    pattern: /^oom_reaper: unable to reap pid:(\d+) \(([^]*)\)$/,
    read: ([, pid, comm]) => toReaperLine(pid, comm, { outcome: "unable" }),
  },
  {
    name: "already-exiting",
    since: "6.0",
    source: "mm/oom_kill.c __oom_kill_process",
    level: LEVEL.info,
    example: "Memory cgroup out of memory: OOM victim 4321 (java) is already exiting. Skip killing the task",
    pattern:
      /^(?:Memory cgroup out|Out) of memory(?: \(oom_kill_allocating_task\))?: OOM victim (\d+) \(([^]*)\) is already exiting\. Skip killing the task$/,
    read([, pidDigits, comm = ""]) {
      const pid = readPid(pidDigits);
      return pid === undefined || !isComm(comm) ? undefined : { kind: "already_exiting", pid };
    },
  },
  {
    name: "no-killable-process",
    since: "2.6.32 (as a panic), 4.19 as a warning",
    source: "mm/oom_kill.c out_of_memory",
    level: LEVEL.warning,
    example: "Out of memory and no killable processes...",
    pattern: /^(?:Memory cgroup out|Out) of memory and no killable process(?:es)?\.*$/,
    read: () => ({ kind: "no_killable_process" }),
  },
  {
    name: "panic",
    since: "2.6",
    source: "mm/oom_kill.c check_panic_on_oom, out_of_memory",
    level: LEVEL.emerg,
    example: "Kernel panic - not syncing: System is deadlocked on memory",
    pattern:
      /^Kernel panic - not syncing: (?:System is deadlocked on memory|[Oo]ut of memory|Memory cgroup out of memory)/,
    read: () => ({ kind: "panic" }),
  },
  {
    name: "sacrifice",
    since: "2.6.32 to 5.2",
    source: "mm/oom_kill.c oom_kill_process: names the task that was chosen, which need not be the one killed",
    level: LEVEL.err,
    example: "Memory cgroup out of memory: Kill process 4321 (java) score 1000 or sacrifice child",
    pattern: /^(Memory cgroup out|Out) of memory(?: \(oom_kill_allocating_task\))?: [Kk]ill process \d+ \(/,
    read: (m) => ({ kind: "sacrifice", constraint: m[1] === "Out" ? "none" : "memcg" }),
  },
  {
    name: "suppressed",
    since: "3.0 (with the function's name)",
    source: "lib/ratelimit.c ___ratelimit",
    level: LEVEL.warning,
    example: "oom_kill_process: 71 callbacks suppressed",
    pattern: /^(?:oom_kill_process|dump_header|out_of_memory): (\d+) callbacks suppressed$/,
    read([, digits]) {
      const count = readCount(digits);
      return count === undefined ? undefined : { kind: "suppressed", count };
    },
  },
];

function toReaperLine(
  pidDigits: string | undefined,
  comm = "",
  reaper: { [K in keyof Reaper]: Reaper[K] | undefined },
): OtherLine | undefined {
  const pid = readPid(pidDigits);
  return pid === undefined || !isComm(comm) ? undefined : { kind: "reaper", pid, reaper: known<Reaper>(reaper) };
}

/** Reads a line of this table. @param level the record's, where it is known */
export function parseOtherLine(text: string, level?: number): OtherLine | undefined {
  return readWording(OTHER_WORDINGS, text, level);
}

export const TASK_IN_WORDINGS: readonly Wording<string>[] = [
  {
    name: "limit/task-in-alone",
    since: "3.15 to 3.18: the sentence is three records",
    source: "mm/memcontrol.c mem_cgroup_print_oom_info",
    level: LEVEL.info,
    example: "Task in /system.slice/redis.service",
    pattern: /^Task in (\/[^]*)$/,
    read: ([, victimCgroup = ""]) => decodeBytes(victimCgroup),
  },
];

/**
 * Reads the first third of a sentence, the victim's cgroup. By itself it says nothing: a message that begins with the
 * name of a process, `Task in /a[12]: segfault …`, looks the same. Only the next record tells.
 */
export function parseTaskIn(text: string, level?: number): string | undefined {
  return readWording(TASK_IN_WORDINGS, text, level);
}
