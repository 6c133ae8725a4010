/** The lines of a group kill (memory.oom.group) as a kernel prints them, for any number of victims. */
import { CONTAINER_CGROUP } from "./kills.ts";

/** The first victim's; the others follow. */
export const FIRST_PID = 1000;

/** The lines of one group kill, with all of its victims in the tasks table. */
export function printGroupKill(victims: number, isReaped = false): string[] {
  const pids = Array.from({ length: victims }, (_, index) => FIRST_PID + index);
  const kill = (pid: number): string =>
    `Memory cgroup out of memory: Killed process ${pid} (java) total-vm:1600kB, anon-rss:1200kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:40kB oom_score_adj:0`;
  const reaped = (pid: number): string =>
    `oom_reaper: reaped process ${pid} (java), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB`;
  return [
    "java invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
    `CPU: 0 PID: ${FIRST_PID} Comm: java Not tainted 6.1.0 #1`,
    "memory: usage 49152kB, limit 49152kB, failcnt 20",
    "Tasks state (memory values in pages):",
    "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name",
    ...pids.map((pid) => `[${pid}]     0 ${pid}      400      300    40960        0             0 java`),
    `oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=${CONTAINER_CGROUP},task_memcg=${CONTAINER_CGROUP},task=java,pid=${FIRST_PID},uid=0`,
    kill(FIRST_PID),
    `Tasks in ${CONTAINER_CGROUP} are going to be killed due to memory.oom.group set`,
    ...pids.map(kill),
    ...(isReaped ? pids.map(reaped) : []),
  ];
}
