/** One kill with all that is known of it, in bytes and under one set of names whatever the kernel calls them. */

import { heldOf } from "../../parsers/cgroup/memory-stat.ts";
import type { KernelRecord } from "../../parsers/kernel-record.ts";
import { largestTasks } from "../../parsers/oom/largest-tasks.ts";
import type { MemcgStats, NodeMemory, OomReport, TaskRow, Victim } from "../../parsers/oom/report.ts";
import type { Kill } from "../correlate/kill.ts";
import type { Surroundings } from "../identify/surroundings.ts";
import type { Who } from "../identify/who.ts";
import type { MemoryHistory, MemorySample } from "../sources/memory-samples.ts";
import { readTrend, type Trend } from "./trend.ts";

/** What was watched before the kill. */
export interface KillHistory {
  /** CLOCK_MONOTONIC in milliseconds */
  killMs: number;
  /** of the cgroup that ran out, else the victim's */
  own?: MemoryHistory;
  /** others that shared the memory that ran out, the victim's own among them: containers of the pod, or of the node */
  members?: readonly Member[];
}

export interface Member {
  cgroup: string;
  /** bytes, the last before the kill */
  usage: number;
  who?: Who;
}

export interface Background extends Partial<Surroundings> {
  /** who was killed */
  who?: Who | undefined;
  history?: KillHistory | undefined;
  /** bytes; default 4096 */
  pageSize?: number | undefined;
  /** milliseconds since the Unix epoch; default: what the kill's line says */
  atMs?: number | undefined;
}

/** What filled the memory that ran out. Bytes; what is not known is absent. */
export interface Use {
  /** the limit, or of a node its RAM */
  whole?: number;
  used?: number;
  anon?: number;
  /** page cache, without tmpfs */
  file?: number;
  /** of it what was not on disk yet */
  dirty?: number;
  shmem?: number;
  kernel?: number;
  /** page cache that was thrown out and had to be read again, since the cgroup began */
  refaulted?: number;
}

/** What is looked at of a kill: that of one that a counter alone tells is nearly empty. */
export interface CaseKill
  extends Pick<Kill, "scope" | "evidence" | "victimCgroup" | "limitCgroup" | "identity" | "pid1"> {
  victim: Partial<Victim>;
  report: Pick<OomReport, "constraint"> & Partial<OomReport>;
  record?: Pick<KernelRecord, "origin" | "wallTimeUs">;
}

export interface Case extends Background {
  kill: CaseKill;
  /** by the report's figures; without one by the last look, where it was that limit */
  use: Use;
  /**
   * There is no report. Whether a limit was hit: `told` by the kill line or by a count, `likely` where it was near.
   * Absent: there is a report.
   */
  unreported?: "told" | "likely" | "unknown";
  /** of a kill without a report */
  lastLook?: LastLook;
  /** resident memory of the victim's process */
  victimRss?: number;
  /** the largest, largest first */
  tasks: readonly SizedTask[];
  trend?: Trend;
  /** how long the container had run */
  ageSeconds?: number;
}

/** The last that was read before a kill, of a cgroup with a limit. */
interface LastLook {
  /** before the kill */
  seconds: number;
  /** bytes */
  limit: number;
  held: number;
  sample: MemorySample;
}

interface SizedTask {
  pid: number;
  comm: string;
  rss: number;
  scoreAdj?: number;
}

const KB = 1024;
export const DEFAULT_PAGE_SIZE = 4096;

export function toCase(kill: CaseKill, known: Background): Case {
  const { report, victim, scope } = kill;
  const pageSize = known.pageSize ?? DEFAULT_PAGE_SIZE;
  const { anonRssKb, fileRssKb, shmemRssKb } = victim;
  const rssKb = addKnown(anonRssKb, fileRssKb, shmemRssKb);
  const reported = scope === "node" ? nodeUse(report.nodeMemory, pageSize) : cgroupUse(report, pageSize);
  const found: Case = { ...known, kill, use: reported, tasks: sizeTasks(report.tasks, pageSize) };
  if (rssKb !== undefined) found.victimRss = rssKb * KB;
  const age = ageOf(kill, known);
  if (age !== undefined) found.ageSeconds = age;
  const { own, killMs = 0 } = known.history ?? {};
  // The figures end the history of the cgroup that they are of, and no other's.
  let isOwn = own?.cgroup === kill.limitCgroup;
  if (!kill.evidence.includes("report")) {
    const last = own === undefined ? undefined : lastLook(own, killMs);
    const isNear = last !== undefined && last.held >= NEAR * last.limit;
    found.unreported = limitHit(kill, isNear);
    isOwn = found.unreported !== "unknown" && (isOwn || (kill.limitCgroup === undefined && isNear));
    if (last !== undefined) found.lastLook = last;
    if (last !== undefined && isOwn) found.use = useAtLimit(last);
  }
  const trend = own === undefined ? undefined : readTrend(own, isOwn ? found.use : {}, killMs);
  if (trend !== undefined) found.trend = trend;
  return found;
}

/** Of the limit: what held less of its own a moment before may as well have met another's. */
const NEAR = 0.75;

function limitHit({ report, scope }: CaseKill, isNear: boolean): "told" | "likely" | "unknown" {
  if (report.constraint === "memcg") return "told";
  return report.constraint === "unknown" && scope === "unknown" && isNear ? "likely" : "unknown";
}

function lastLook(own: MemoryHistory, killMs: number): LastLook | undefined {
  const sample = own.samples.findLast(({ atMs }) => atMs <= killMs);
  const { limit } = own;
  if (sample === undefined || limit === undefined || limit === 0) return undefined;
  return { seconds: (killMs - sample.atMs) / 1000, limit, held: heldOf(sample), sample };
}

/**
 * What was used as the limit was hit: all of it, and of what cannot be reclaimed no less than the last time that it was
 * read. Page cache is given back before anybody is killed, and how much of the rest was private is not known.
 */
function useAtLimit({ limit, sample }: LastLook): Use {
  const use: Use = { whole: limit, used: limit };
  setKnown(use, "shmem", sample.shmem);
  setKnown(use, "kernel", sample.kernel);
  return use;
}

/** Shares of what was used; statistics are batched per CPU and may run ahead of the counter. */
export function shareOf({ used, whole }: Use, bytes: number | undefined): number | undefined {
  const of = used ?? whole;
  return bytes === undefined || of === undefined || of === 0 ? undefined : Math.min(bytes / of, 1);
}

/** When it was, milliseconds since the Unix epoch. */
export function timeOf({ kill: { record }, atMs }: Pick<Case, "kill" | "atMs">): number | undefined {
  return atMs ?? (record?.wallTimeUs === undefined ? undefined : record.wallTimeUs / 1000);
}

function ageOf(kill: CaseKill, { who, atMs }: Background): number | undefined {
  const now = timeOf({ kill, atMs });
  const started = who?.containerFacts?.state?.startedMs;
  return now === undefined || started === undefined || started > now + 1000
    ? undefined
    : Math.max(0, now - started) / 1000;
}

function cgroupUse({ memory, memsw, kmem, memcgStats }: Partial<OomReport>, pageSize: number): Use {
  const fullest = fullestOf(memory, memsw);
  const use: Use = {};
  if (fullest?.limitKb !== undefined) use.whole = fullest.limitKb * KB;
  if (fullest !== undefined) use.used = fullest.usageKb * KB;
  if (memcgStats !== undefined) Object.assign(use, statsUse(memcgStats, pageSize));
  if (use.kernel === undefined && kmem !== undefined) use.kernel = kmem.usageKb * KB;
  return use;
}

/** cgroup v1 counts memory, and memory and swap together: the one that is nearer its limit ran out. */
function fullestOf(memory: OomReport["memory"], memsw: OomReport["memsw"]): OomReport["memory"] {
  const filling = (of: OomReport["memory"]): number => (of?.limitKb ? of.usageKb / of.limitKb : 0);
  return filling(memsw) > filling(memory) ? memsw : memory;
}

/** On cgroup v1 the plain names are of the cgroup alone, total_ of what is below it as well: as the limit is. */
function statsUse({ values }: MemcgStats, pageSize: number): Use {
  const use: Use = {};
  const first = (...names: string[]): number | undefined =>
    names.map((name) => values[name]).find((value) => value !== undefined);
  const shmem = first("total_shmem", "shmem");
  const file = first("file", "total_cache", "cache");
  const kernel =
    first("kernel") ?? addKnown(...["slab", "kernel_stack", "pagetables", "percpu", "vmalloc"].map((n) => values[n]));
  const refaults = first("workingset_refault_file", "total_workingset_refault_file", "workingset_refault");
  setKnown(use, "anon", first("anon", "total_rss", "rss"));
  setKnown(use, "shmem", shmem);
  // tmpfs is counted as file (v2) and cache (v1) too.
  setKnown(use, "file", file === undefined ? undefined : Math.max(0, file - (shmem ?? 0)));
  setKnown(
    use,
    "dirty",
    addKnown(first("file_dirty", "total_dirty", "dirty"), first("file_writeback", "total_writeback", "writeback")),
  );
  setKnown(use, "kernel", kernel);
  setKnown(use, "refaulted", refaults === undefined ? undefined : refaults * pageSize);
  return use;
}

function nodeUse(memory: NodeMemory | undefined, pageSize: number): Use {
  const use: Use = {};
  if (memory === undefined) return use;
  const { pages, totalPages } = memory;
  const bytes = (...names: string[]): number | undefined => {
    const sum = addKnown(...names.map((name) => pages[name]));
    return sum === undefined ? undefined : sum * pageSize;
  };
  const free = bytes("free");
  setKnown(use, "whole", totalPages === undefined ? undefined : totalPages * pageSize);
  if (use.whole !== undefined && free !== undefined && free <= use.whole) use.used = use.whole - free;
  setKnown(use, "anon", bytes("active_anon", "inactive_anon"));
  setKnown(use, "file", bytes("active_file", "inactive_file"));
  setKnown(use, "shmem", bytes("shmem"));
  setKnown(use, "kernel", bytes("slab_reclaimable", "slab_unreclaimable"));
  return use;
}

function sizeTasks(tasks: readonly TaskRow[] | undefined, pageSize: number): SizedTask[] {
  return largestTasks(tasks ?? []).map(({ task: { pid, comm, oomScoreAdj }, rss }) => ({
    pid,
    comm,
    rss: rss * pageSize,
    ...(oomScoreAdj === undefined ? {} : { scoreAdj: oomScoreAdj }),
  }));
}

/** The sum of those that are known; undefined where none is. */
function addKnown(...values: (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0);
}

function setKnown<K extends keyof Use>(into: Use, key: K, value: number | undefined): void {
  if (value !== undefined) into[key] = value;
}
