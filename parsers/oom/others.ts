/**
 * The report's other lines, each a row: limits up to 4.18, group kill, reaper, ends without a kill, dropped reports.
 */
import { decodeBytes } from "../bytes.ts";
import type { Reaper } from "./report.ts";
import { readWording, type Wording } from "./wording.ts";

export type OtherLine =
  | { kind: "limit"; victimCgroup?: string; limitCgroup?: string }
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
    example: "Task in /docker/ab killed as a result of limit of /docker/ab",
    pattern: /^(?:Task in ([^]*?))? ?killed as a result of limit of ([^]*)$/,
    read: (m) => ({
      kind: "limit",
      limitCgroup: decodeBytes(m[2] ?? ""),
      ...(m[1] === undefined || m[1] === "" ? {} : { victimCgroup: decodeBytes(m[1]) }),
    }),
  },
  {
    name: "limit/task-in-alone",
    since: "3.15 to 3.18: the sentence is three records",
    source: "mm/memcontrol.c mem_cgroup_print_oom_info",
    example: "Task in /system.slice/redis.service",
    pattern: /^Task in (\/[^]*)$/,
    read: (m) => ({ kind: "limit", victimCgroup: decodeBytes(m[1] ?? "") }),
  },
  {
    name: "limit/reached",
    since: "3.18 to 4.18",
    source: "mm/memcontrol.c mem_cgroup_print_oom_info, no task",
    example: "Memory limit reached of cgroup /docker/ab",
    pattern: /^Memory limit reached of cgroup ([^]*)$/,
    read: (m) => ({ kind: "limit", limitCgroup: decodeBytes(m[1] ?? "") }),
  },
  {
    name: "group-kill",
    since: "4.19",
    source: "mm/memcontrol.c mem_cgroup_print_oom_group",
    example: "Tasks in /a are going to be killed due to memory.oom.group set",
    pattern: /^Tasks in ([^]*) are going to be killed due to memory\.oom\.group set$/,
    read: (m) => ({ kind: "group_kill", cgroup: decodeBytes(m[1] ?? "") }),
  },
  {
    name: "reaper/reaped",
    since: "4.6",
    source: "mm/oom_kill.c oom_reap_task_mm",
    example: "oom_reaper: reaped process 4321 (java), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB",
    pattern:
      /^oom_reaper: reaped process (\d+) \([^]*\),? now anon-rss:(\d+)kB, file-rss:(\d+)kB, shmem-rss:(\d+)l?kB$/,
    read: (m) => ({
      kind: "reaper",
      pid: Number(m[1]),
      reaper: { outcome: "reaped", anonRssKb: Number(m[2]), fileRssKb: Number(m[3]), shmemRssKb: Number(m[4]) },
    }),
  },
  {
    name: "reaper/unable",
    since: "4.6",
    source: "mm/oom_kill.c oom_reap_task",
    example: "oom_reaper: unable to reap pid:4321 (java)",
    pattern: /^oom_reaper: unable to reap pid:(\d+) \(/,
    read: (m) => ({ kind: "reaper", pid: Number(m[1]), reaper: { outcome: "unable" } }),
  },
  {
    name: "already-exiting",
    since: "6.0",
    source: "mm/oom_kill.c __oom_kill_process",
    example: "Memory cgroup out of memory: OOM victim 4321 (java) is already exiting. Skip killing the task",
    pattern: /^[^]*?: OOM victim (\d+) \([^]*\) is already exiting\. Skip killing the task$/,
    read: (m) => ({ kind: "already_exiting", pid: Number(m[1]) }),
  },
  {
    name: "no-killable-process",
    since: "2.6.32 (as a panic), 4.19 as a warning",
    source: "mm/oom_kill.c out_of_memory",
    example: "Out of memory and no killable processes...",
    pattern: /^(?:Memory cgroup out of memory and no killable|Out of memory and no killable) process(?:es)?\.*/,
    read: () => ({ kind: "no_killable_process" }),
  },
  {
    name: "panic",
    since: "2.6",
    source: "mm/oom_kill.c check_panic_on_oom, out_of_memory",
    example: "Kernel panic - not syncing: System is deadlocked on memory",
    pattern:
      /^Kernel panic - not syncing: (?:System is deadlocked on memory|[Oo]ut of memory|Memory cgroup out of memory)/,
    read: () => ({ kind: "panic" }),
  },
  {
    name: "sacrifice",
    since: "2.6.32 to 5.2",
    source: "mm/oom_kill.c oom_kill_process: names the task that was chosen, which need not be the one killed",
    example: "Memory cgroup out of memory: Kill process 4321 (java) score 1000 or sacrifice child",
    pattern: /^(Memory cgroup out|Out) of memory(?: \(oom_kill_allocating_task\))?: [Kk]ill process \d+ \(/,
    read: (m) => ({ kind: "sacrifice", constraint: m[1] === "Out" ? "none" : "memcg" }),
  },
  {
    name: "suppressed",
    since: "3.0 (with the function's name)",
    source: "lib/ratelimit.c ___ratelimit",
    example: "oom_kill_process: 71 callbacks suppressed",
    pattern: /^(?:oom_kill_process|dump_header|out_of_memory): (\d+) callbacks suppressed$/,
    read: (m) => ({ kind: "suppressed", count: Number(m[1]) }),
  },
];

/** Reads a line of this table. */
export function parseOtherLine(text: string): OtherLine | undefined {
  return readWording(OTHER_WORDINGS, text);
}
