/** The attributes of a kill's record: the report's figures under their OTel and `oom.` names, in bytes and seconds. */
import type { KernelRecord } from "../../parsers/kernel-record.ts";
import { largestTasks } from "../../parsers/oom/largest-tasks.ts";
import type { MemcgStats, MemcgUsage, NodeMemory, OomReport, TaskRow, Victim } from "../../parsers/oom/report.ts";
import type { Kill, UnloggedKill } from "../correlate/kill.ts";
import { ATTRIBUTE_GROUPS, type NumberKey, type RecordAttributes, type RecordKey, set } from "./attributes.ts";
import { isTestKill } from "./test-kill.ts";

const BYTES_PER_KB = 1024;
/** Page counters without a limit read PAGE_COUNTER_MAX: 9007199254740988 kB, or …928 with pages of 64 KiB. */
const NO_LIMIT_KB = 9007199254740928;

/** Sets what the kill says. @param pageSize bytes */
export function setKillAttributes(into: RecordAttributes, kill: Kill, pageSize: number): void {
  const { report } = kill;
  setVictim(into, kill.victim);
  setCgroup(into, kill);
  setScope(into, kill);
  setUsage(into, "oom.memory.usage", "oom.memory.limit", "oom.memory.failcnt", report.memory);
  setUsage(into, "oom.swap.usage", "oom.swap.limit", "oom.swap.failcnt", report.swap);
  setUsage(into, "oom.memsw.usage", "oom.memsw.limit", "oom.memsw.failcnt", report.memsw);
  setUsage(into, "oom.kmem.usage", "oom.kmem.limit", "oom.kmem.failcnt", report.kmem);
  setTrigger(into, report);
  if (report.tasks !== undefined) setTasks(into, report.tasks, pageSize);
  if (report.memcgStats !== undefined) setStats(into, report.memcgStats);
  if (report.nodeMemory !== undefined) setNodeMemory(into, report.nodeMemory, pageSize);
  if (report.missing.length > 0) into["oom.report.missing"] = report.missing;
}

/** Sets where in the kernel's log a line stands. @param bootId 32 hex digits */
export function setPosition(into: RecordAttributes, record: KernelRecord, bootId: string | undefined): void {
  into["oom.origin"] = record.origin;
  set(into, "oom.kernel.line_start", record.textStart);
  set(into, "oom.kernel.boot_id", bootId);
  set(into, "oom.kernel.seq", record.seq);
  if (record.monotonicUs !== undefined) into["oom.kernel.monotonic"] = record.monotonicUs / 1e6;
  if (record.timeAssumed !== undefined && record.timeAssumed.length > 0) {
    into["oom.time.assumed"] = [...record.timeAssumed];
  }
}

function setVictim(into: RecordAttributes, victim: Victim): void {
  setProcess(into, victim);
  into["oom.group_kill"] = victim.groupKill;
  if (victim.truncated) into["oom.report.truncated"] = true;
  set(into, "oom.reaper.outcome", victim.reaper?.outcome);
}

type VictimFigures = Partial<Omit<Victim, "record">>;

/** Sets who was killed, as far as it is known. */
export function setProcess(into: RecordAttributes, victim: VictimFigures): void {
  set(into, "process.pid", victim.pid);
  set(into, "process.executable.name", victim.comm);
  set(into, "process.user.id", victim.uid);
  setKb(into, "oom.victim.total_vm", victim.totalVmKb);
  setKb(into, "oom.victim.anon_rss", victim.anonRssKb);
  setKb(into, "oom.victim.file_rss", victim.fileRssKb);
  setKb(into, "oom.victim.shmem_rss", victim.shmemRssKb);
  setKb(into, "oom.victim.pgtables", victim.pgtablesKb);
  set(into, "oom.victim.score_adj", victim.oomScoreAdj);
}

/** Sets where it was killed, and how that is known. */
export function setCgroup(
  into: RecordAttributes,
  { victim, victimCgroup, identity, pid1, evidence, attribution, candidates }: Kill | UnloggedKill,
): void {
  set(into, "oom.victim.cgroup", victimCgroup);
  if (attribution !== "unverified" && isTestKill(victimCgroup, victim?.comm)) into["oom.test"] = true;
  set(into, "oom.container.pid1", pid1);
  into["oom.evidence"] = evidence;
  into["oom.attribution"] = attribution;
  if (candidates !== undefined) into["oom.attribution.candidates"] = [...candidates];
  if (identity === undefined) return;
  into["oom.cgroup.kind"] = identity.kind;
  set(into, "oom.cgroup.driver", identity.driver);
  set(into, "oom.cgroup.qos", identity.qos);
  set(into, "oom.cgroup.unit", identity.unit);
  set(into, "oom.cgroup.nested", identity.nested);
  if (identity.staticPod) into["oom.pod.static"] = true;
}

function setScope(into: RecordAttributes, { scope, report, limitCgroup }: Kill): void {
  into["oom.scope"] = scope;
  into["oom.constraint"] = report.constraint;
  set(into, "oom.limit.cgroup", limitCgroup);
  set(into, "oom.kernel.release", report.kernelRelease);
}

type Counter = "memory" | "swap" | "memsw" | "kmem";

/** Keys are passed whole: put together here, each would be a new string to look up, a tenth of a record's time. */
function setUsage<C extends Counter>(
  into: RecordAttributes,
  usageKey: `oom.${C}.usage`,
  limitKey: `oom.${C}.limit`,
  failcntKey: `oom.${C}.failcnt`,
  usage: MemcgUsage | undefined,
): void {
  if (usage === undefined) return;
  setKb(into, usageKey, usage.usageKb);
  if (usage.limitKb !== undefined && usage.limitKb < NO_LIMIT_KB) setKb(into, limitKey, usage.limitKb);
  set(into, failcntKey, usage.failcnt);
}

function setTrigger(into: RecordAttributes, { trigger }: OomReport): void {
  if (trigger === undefined) return;
  into["oom.trigger.comm"] = trigger.comm;
  set(into, "oom.trigger.pid", trigger.pid);
  set(into, "oom.trigger.gfp_flags", trigger.gfpFlags);
  set(into, "oom.trigger.order", trigger.order);
}

function setTasks(into: RecordAttributes, tasks: readonly TaskRow[], pageSize: number): void {
  into["oom.tasks.count"] = tasks.length;
  const largest = largestTasks(tasks);
  if (largest.length > 0) {
    into["oom.tasks.top"] = largest.map(({ task, rss }) => `${task.comm} ${task.pid} ${rss * pageSize}`);
  }
}

function setStats(into: RecordAttributes, { values }: MemcgStats): void {
  for (const [name, key] of STATS_KEYS) {
    const bytes = values[name];
    if (bytes !== undefined) set(into, key, bytes);
  }
}

function setNodeMemory(into: RecordAttributes, memory: NodeMemory, pageSize: number): void {
  if (memory.totalPages !== undefined) into["oom.node.total"] = memory.totalPages * pageSize;
  if (memory.reservedPages !== undefined) into["oom.node.reserved"] = memory.reservedPages * pageSize;
  setKb(into, "oom.node.swap.total", memory.swapTotalKb);
  setKb(into, "oom.node.swap.free", memory.swapFreeKb);
  for (const [name, key] of NODE_KEYS) {
    const pages = memory.pages[name];
    if (pages !== undefined) set(into, key, pages * pageSize);
  }
}

/** Names of memory.stat and Mem-Info that have a key, from the list of keys: which ones, is decided there. */
const STATS_KEYS = keysBelow("oom.memcg.stats.");
const NODE_KEYS = keysBelow("oom.node.");

function keysBelow<P extends string>(prefix: P): [name: string, key: Extract<RecordKey, `${P}${string}`>][] {
  const keys = ATTRIBUTE_GROUPS.flatMap((group) => Object.keys(group.keys)).filter((key) => key.startsWith(prefix));
  return keys.map((key) => [key.slice(prefix.length), key as Extract<RecordKey, `${P}${string}`>]);
}

function setKb(into: RecordAttributes, key: NumberKey, kb: number | undefined): void {
  if (kb !== undefined) into[key] = kb * BYTES_PER_KB;
}
