/**
 * The kernel's counters of a memory cgroup, as the text of its files: memory.events and memory.events.local (v2),
 * memory.oom_control (v1).
 * Source: mm/memcontrol.c, __memory_events_show; mm/memcontrol-v1.c, mem_cgroup_oom_control_read.
 */

/** What the file holds; a key that it does not hold is absent, never 0. All count since the cgroup was made. */
export interface MemoryCounters {
  /** times that memory below the cgroup's `memory.low` was reclaimed all the same */
  low?: number;
  /** times that it was throttled at `memory.high` */
  high?: number;
  /** times that it came to its limit */
  max?: number;
  /** times that an allocation was about to fail at its limit */
  oom?: number;
  /** processes killed, by whichever OOM killer; since Linux 4.13. A group kill counts its first victim twice */
  oomKill?: number;
  /** group kills; since Linux 5.17 */
  oomGroupKill?: number;
  /** v1: somebody waits for memory, with nobody killed for it */
  underOom?: boolean;
  /** v1: the OOM killer is switched off here, so that whoever needs memory sleeps */
  oomKillDisabled?: boolean;
}

const ZERO = 48;

/** Reads `key value` lines; keys that are not known and lines that are no such line are passed over. */
export function parseMemoryCounters(text: string): MemoryCounters {
  const counters: MemoryCounters = {};
  let start = 0;
  while (start < text.length) {
    const end = endOfLine(text, start);
    const space = text.indexOf(" ", start);
    if (space !== -1 && space < end) {
      const value = readNumber(text, space + 1, end);
      if (value !== undefined) setCounter(counters, text.slice(start, space), value);
    }
    start = end + 1;
  }
  return counters;
}

function endOfLine(text: string, start: number): number {
  const newline = text.indexOf("\n", start);
  return newline === -1 ? text.length : newline;
}

function readNumber(text: string, from: number, end: number): number | undefined {
  let value = 0;
  for (let at = from; at < end; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return end > from ? value : undefined;
}

function setCounter(counters: MemoryCounters, key: string, value: number): void {
  switch (key) {
    case "low":
    case "high":
    case "max":
    case "oom":
      counters[key] = value;
      return;
    case "oom_kill":
      counters.oomKill = value;
      return;
    case "oom_group_kill":
      counters.oomGroupKill = value;
      return;
    case "under_oom":
      counters.underOom = value !== 0;
      return;
    case "oom_kill_disable":
      counters.oomKillDisabled = value !== 0;
  }
}

/**
 * The value of one key, without reading the others: for /proc/vmstat, whose `oom_kill` (since Linux 4.13) counts the
 * kills of the whole node.
 * Source: mm/vmstat.c, vmstat_show; mm/oom_kill.c, __oom_kill_process, which counts it just before the cgroup's own.
 */
export function parseNodeOomKills(vmstat: string): number | undefined {
  const key = "\noom_kill ";
  const at = vmstat.indexOf(key);
  if (at === -1) return undefined;
  return readNumber(vmstat, at + key.length, endOfLine(vmstat, at + 1));
}
