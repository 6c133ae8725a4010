/**
 * What a memcg report says of the cgroup whose limit was hit: usage lines and `Memory cgroup stats`.
 * Source: mm/memcontrol.c mem_cgroup_print_oom_meminfo, mm/memcontrol-v1.c memcg1_stat_format.
 */
import { decodeBytes } from "../bytes.ts";
import { readCount } from "./figures.ts";
import type { MemcgStats, MemcgUsage } from "./report.ts";
import { isLevel, known, LEVEL, LONGEST_LINE, readWording, type Wording } from "./wording.ts";

/** PAGE_COUNTER_MAX in kB: no limit. With 64 KiB pages the kernel prints 9007199254740928. */
const NO_LIMIT_KB = 9007199254740928;

export interface UsageLine {
  counter: "memory" | "swap" | "memsw" | "kmem";
  usage: MemcgUsage;
}

const COUNTERS: Readonly<Record<string, UsageLine["counter"]>> = {
  memory: "memory",
  "memory+swap": "memsw",
  kmem: "kmem",
  swap: "swap",
};

export const USAGE_WORDINGS: readonly Wording<UsageLine>[] = [
  {
    name: "memcg/usage",
    since: "2.6.30 (kmem since 3.8, swap on cgroup v2)",
    source: "mm/memcontrol.c mem_cgroup_print_oom_meminfo",
    level: LEVEL.info,
    example: "memory: usage 49152kB, limit 49152kB, failcnt 73",
    pattern: /^(memory|memory\+swap|kmem|swap): usage (\d+)kB, limit (\d+)kB, failcnt (\d+)$/,
    read([, name = "", usage, limit, failcnt]) {
      const counter = COUNTERS[name];
      const usageKb = readCount(usage);
      // Without its usage the line says nothing.
      if (counter === undefined || usageKb === undefined) return undefined;
      const limitKb = readCount(limit);
      const isLimit = limitKb !== undefined && limitKb < NO_LIMIT_KB;
      const values = { usageKb, limitKb: isLimit ? limitKb : undefined, failcnt: readCount(failcnt) };
      return { counter, usage: known<MemcgUsage>(values) };
    },
  },
];

/** Reads `memory: usage NkB, limit NkB, failcnt N` and its kin. @param level the record's, where it is known */
export function parseUsage(text: string, level?: number): UsageLine | undefined {
  return readWording(USAGE_WORDINGS, text, level);
}

const STATS_HEAD = "Memory cgroup stats for ";
const KB_PAIR = /^([a-z_]+):(\d+)KB$/;
/** A pair and the colon that ends the path before it. */
const FIRST_PAIR = /: ?[a-z_]+:\d+KB/;
const BYTES_LINE = /^([a-z_0-9]+) (\d+)$/;

/**
 * Reads the head of the stats: alone on its line since 5.0, with the cgroup's own figures in kB on the same line
 * before. A head inside a longer record carries its figures as further lines.
 * @param level the record's, where it is known
 */
export function parseStatsHead(line: string, level?: number): MemcgStats | undefined {
  if (!line.startsWith(STATS_HEAD) || line.length > LONGEST_LINE || !isLevel(level, LEVEL.info)) return undefined;
  // Up to 5.0: `Memory cgroup stats for PATH: cache:0KB rss:…KB`, one line for each cgroup of the tree. The root's
  // path is empty there: `Memory cgroup stats for : cache:…`.
  const figures = line.search(FIRST_PAIR);
  if (figures !== -1) {
    const stats: MemcgStats = { path: decodeBytes(line.slice(STATS_HEAD.length, figures)), values: {} };
    for (const pair of line.slice(figures + 1).split(" ")) {
      const [, key, kb] = KB_PAIR.exec(pair) ?? [];
      setBytes(stats, key, readCount(kb), 1024);
    }
    return stats;
  }
  if (!line.endsWith(":")) return undefined;
  return { path: decodeBytes(line.slice(STATS_HEAD.length, -1)), values: {} };
}

function setBytes(stats: MemcgStats, key: string | undefined, value: number | undefined, unit = 1): void {
  if (key !== undefined && value !== undefined && Number.isSafeInteger(value * unit)) stats.values[key] = value * unit;
}

/** Adds a `key value` line to stats. @returns whether the text was one, or several in one record */
export function addStatsLine(stats: MemcgStats, text: string): boolean {
  if (text.includes("\n")) {
    let added = false;
    for (const line of text.split("\n")) added = addStatsLine(stats, line) || added;
    return added;
  }
  const match = BYTES_LINE.exec(text);
  if (match === null) return false;
  setBytes(stats, match[1], readCount(match[2]));
  return true;
}

/** Adds another cgroup's figures: up to 5.0 each line holds one cgroup's own share, so the tree's is their sum. */
export function addStats(into: MemcgStats, more: MemcgStats): void {
  for (const [key, value] of Object.entries(more.values)) into.values[key] = (into.values[key] ?? 0) + value;
}
