/** The figures of a kill's record as a few characters: how full, what the victim held, what filled the memory. */

import { readableSize } from "../../record/format.ts";
import type { Attributes } from "../../record/log-record.ts";

const COUNTERS = [
  ["oom.memory.usage", "oom.memory.limit", ""],
  ["oom.memsw.usage", "oom.memsw.limit", " +swap"],
  ["oom.kmem.usage", "oom.kmem.limit", " kmem"],
] as const;

/** `47.9/48 MiB`: the counter that was full, on cgroup v1 one of three; of a node what was not free of its RAM. */
export function fullestCounter(attributes: Attributes): string | undefined {
  if (attributes["oom.scope"] === "node") return nodeUse(attributes);
  let best: string | undefined;
  let fullest = -1;
  for (const [usageKey, limitKey, suffix] of COUNTERS) {
    const usage = bytesOf(attributes, usageKey);
    const limit = bytesOf(attributes, limitKey);
    if (usage === undefined) continue;
    const filling = limit === undefined || limit === 0 ? 0 : usage / limit;
    if (filling <= fullest) continue;
    fullest = filling;
    best = `${ofLimit(usage, limit)}${suffix}`;
  }
  return best;
}

function nodeUse(attributes: Attributes): string | undefined {
  const total = bytesOf(attributes, "oom.node.total");
  const free = bytesOf(attributes, "oom.node.free");
  return total === undefined || free === undefined || free > total ? undefined : ofLimit(total - free, total);
}

/** The unit is said once where both have the same. */
function ofLimit(usage: number, limit: number | undefined): string {
  const used = readableSize(usage);
  if (limit === undefined) return used;
  const whole = readableSize(limit);
  const [number = "", unit] = used.split(" ");
  return whole.endsWith(` ${unit}`) ? `${number}/${whole}` : `${used}/${whole}`;
}

/** `46.8 MiB anon`: the largest part of what the victim itself held. */
export function victimHolds(attributes: Attributes): string | undefined {
  const largest = largestOf([
    ["anon", bytesOf(attributes, "oom.victim.anon_rss")],
    ["file", bytesOf(attributes, "oom.victim.file_rss")],
    ["shmem", bytesOf(attributes, "oom.victim.shmem_rss")],
  ]);
  return largest === undefined ? undefined : `${readableSize(largest.bytes)} ${largest.name}`;
}

/** Bytes of the victim's resident memory, of every kind; 0 where the log does not tell. */
export function heldBytes(attributes: Attributes): number {
  return sum(attributes, "oom.victim.", ["anon_rss", "file_rss", "shmem_rss"]) ?? 0;
}

export interface TopTask {
  name: string;
  pid: number;
  /** bytes */
  rss: number;
}

/** The largest tasks. Each is `name pid rss`, read from the right: a name may hold anything. */
export function readTopTasks({ "oom.tasks.top": top }: Attributes): TopTask[] {
  if (!Array.isArray(top)) return [];
  return top.flatMap((text) => {
    const [, name, pid, rss] = /^(.*) (\d+) (\d+)$/s.exec(text) ?? [];
    return name === undefined ? [] : [{ name, pid: Number(pid), rss: Number(rss) }];
  });
}

/** What the memory that ran out was filled with, largest first. */
export interface Filling {
  /** bytes: the limit, a node's RAM, or where there is no limit what was used */
  whole: number;
  /** bytes */
  used: number;
  parts: { name: string; bytes: number }[];
}

/** undefined: the log does not tell. Parts are the kernel's statistics, which may run ahead of its counter. */
export function readFilling(attributes: Attributes): Filling | undefined {
  const isNode = attributes["oom.scope"] === "node";
  const total = bytesOf(attributes, isNode ? "oom.node.total" : "oom.memory.usage");
  if (total === undefined || total === 0) return undefined;
  const used = isNode ? (minus(total, bytesOf(attributes, "oom.node.free")) ?? total) : total;
  const limit = isNode ? total : bytesOf(attributes, "oom.memory.limit");
  const parts: Filling["parts"] = [];
  for (const [name, bytes] of isNode ? nodeParts(attributes) : cgroupParts(attributes)) {
    if (bytes !== undefined) parts.push({ name, bytes });
  }
  return { whole: Math.max(limit ?? used, used), used, parts: parts.sort((a, b) => b.bytes - a.bytes) };
}

/**
 * `shmem 93%`: what filled the memory that ran out. It need not be what the victim held: a tmpfs outlives whoever
 * wrote to it, and its memory is not freed by the kill.
 */
export function biggestUse(attributes: Attributes): string | undefined {
  const filling = readFilling(attributes);
  const largest = filling?.parts[0];
  if (filling === undefined || largest === undefined) return undefined;
  const isNode = attributes["oom.scope"] === "node";
  const percent = Math.round((largest.bytes / (isNode ? filling.whole : filling.used)) * 100);
  // Statistics are batched per CPU and may run ahead of the counter.
  return `${largest.name} ${Math.min(percent, 100)}%`;
}

type Part = readonly [name: string, bytes: number | undefined];

function nodeParts(attributes: Attributes): Part[] {
  const part = (...names: string[]): number | undefined => sum(attributes, "oom.node.", names);
  return [
    ["anon", part("active_anon", "inactive_anon")],
    ["file", part("active_file", "inactive_file")],
    ["shmem", part("shmem")],
    ["slab", part("slab_reclaimable", "slab_unreclaimable")],
    ["unevictable", part("unevictable")],
  ];
}

/** On cgroup v1 the plain names are of the cgroup alone, total_ of what is below it as well: as the limit is. */
function cgroupParts(attributes: Attributes): Part[] {
  const part = (...names: string[]): number | undefined => sum(attributes, "oom.memcg.stats.", names);
  const shmem = part("total_shmem") ?? part("shmem");
  return [
    ["anon", part("anon") ?? part("total_rss") ?? part("rss")],
    // tmpfs is counted as file (v2) and cache (v1) too.
    ["file", minus(part("file") ?? part("total_cache") ?? part("cache"), shmem)],
    ["shmem", shmem],
    ["kernel", part("kernel") ?? part("slab", "kernel_stack", "pagetables", "percpu", "vmalloc")],
    ["sock", part("sock")],
  ];
}

function sum(attributes: Attributes, prefix: string, names: readonly string[]): number | undefined {
  let total: number | undefined;
  for (const name of names) {
    const bytes = bytesOf(attributes, `${prefix}${name}`);
    if (bytes !== undefined) total = (total ?? 0) + bytes;
  }
  return total;
}

function minus(bytes: number | undefined, less: number | undefined): number | undefined {
  return bytes === undefined ? undefined : Math.max(bytes - (less ?? 0), 0);
}

function largestOf(parts: readonly Part[]): { name: string; bytes: number } | undefined {
  let largest: { name: string; bytes: number } | undefined;
  for (const [name, bytes] of parts) {
    if (bytes !== undefined && (largest === undefined || bytes > largest.bytes)) largest = { name, bytes };
  }
  return largest;
}

function bytesOf(attributes: Attributes, key: string): number | undefined {
  const value = attributes[key];
  return typeof value === "number" ? value : undefined;
}
