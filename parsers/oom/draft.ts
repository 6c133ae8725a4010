/** A report while its lines still come: what it holds so far, and how it is finished. */
import type { KernelRecord } from "../kernel-record.ts";
import { findTask } from "./find-task.ts";
import type { MissingPart, OomReport, Victim } from "./report.ts";
import type { SummaryLine } from "./summary.ts";
import type { TaskColumns } from "./tasks.ts";

/** Records of one report that are kept for people; a tasks table alone can have tens of thousands. */
export const MAX_RECORDS = 512;
/** Rows of a tasks table that are kept; pid_max allows four million. */
export const MAX_TASKS = 65_536;
/** Victims of a part of a report: a group kill of more is handed on in parts, and those at its end are always kept. */
export const MAX_VICTIMS = 256;

export interface Draft {
  report: OomReport;
  /** those of `report.victims`, and the first of all: a group kill names it twice */
  victimByPid: Map<number, Victim>;
  /** `caller=` of its lines, where the kernel prints it */
  caller: string | undefined;
  /** the text of the record before the head: the first half of a COMM with a line break, in some formats */
  beforeHead: string | undefined;
  /** a tasks table is being read */
  columns: TaskColumns | undefined;
  /** stats lines may follow */
  inStats: boolean;
  summaryLine: SummaryLine | undefined;
  /** a line that waits for its rest: a line break in a name, or printk's own split */
  pending: { kind: "kill" | "summary"; text: string; record: KernelRecord; age: number } | undefined;
  /** the group line has been seen: kill lines without a report of their own are members */
  inGroup: boolean;
  /** records since its last line */
  quiet: number;
  /** when its last line came, in the caller's milliseconds */
  lastAt: number;
  killed: boolean;
  /** how far it has come: Stage of its last line; a line of an earlier one is another report's */
  stage: number;
  /** records were lost since its last line: what comes now may be another report's, whatever it looks like */
  cut: boolean;
  /** two heads came with no caller to tell their lines apart: what it holds may be the other's */
  shared: boolean;
}

/** The order in which the kernel prints a report's lines (mm/oom_kill.c dump_header, mem_cgroup_print_oom_meminfo). */
export const STAGE = {
  head: 0,
  limit: 1,
  memory: 2,
  swap: 3,
  memsw: 3,
  kmem: 4,
  stats: 5,
  nodeMemory: 5,
  tasks: 6,
  /** `oom-kill:`, or up to 5.0 `Kill process … or sacrifice child`: only the kill is still to come */
  done: 7,
} as const;

export function openDraft(caller: string | undefined, now: number): Draft {
  return {
    report: { victims: [], constraint: "unknown", outcome: "incomplete", missing: [], records: [] },
    victimByPid: new Map(),
    caller,
    beforeHead: undefined,
    columns: undefined,
    inStats: false,
    summaryLine: undefined,
    pending: undefined,
    inGroup: false,
    quiet: 0,
    lastAt: now,
    killed: false,
    stage: STAGE.head,
    cut: false,
    shared: false,
  };
}

/** Notes that a record belongs to the report. */
export function keepRecord(draft: Draft, record: KernelRecord, now: number): void {
  draft.quiet = 0;
  draft.lastAt = now;
  if (draft.report.records.length < MAX_RECORDS) draft.report.records.push(record);
}

/** Notes a line that people are always shown, however long the report is. */
export function keepKeyRecord(draft: Draft, record: KernelRecord, now: number): void {
  keepRecord(draft, record, now);
  const { records } = draft.report;
  if (records.length === MAX_RECORDS && records[MAX_RECORDS - 1] !== record) records[MAX_RECORDS - 1] = record;
}

export function keepTask(report: OomReport, row: NonNullable<OomReport["tasks"]>[number]): void {
  report.tasks ??= [];
  if (report.tasks.length < MAX_TASKS) report.tasks.push(row);
}

/** Adds a victim, and settles what its kill line decides. */
export function addVictim(draft: Draft, victim: Victim): void {
  const { report } = draft;
  report.victims.push(victim);
  if (!draft.victimByPid.has(victim.pid)) draft.victimByPid.set(victim.pid, victim);
  draft.killed = true;
  report.outcome = "killed";
  fillFromReport(report, victim);
  settleSummary(draft, victim);
  correctPgtables(report, victim);
}

/** Takes back the victim that was added last. */
export function removeLastVictim({ report, victimByPid }: Draft): void {
  const victim = report.victims.pop();
  if (victim !== undefined && victimByPid.get(victim.pid) === victim) victimByPid.delete(victim.pid);
}

/** The first victims as a report of their own, where there are too many to wait for the last of them. */
export function takePart(draft: Draft): OomReport | undefined {
  const { report, victimByPid } = draft;
  if (report.victims.length < 2 * MAX_VICTIMS) return undefined;
  const [first, ...others] = report.victims.splice(0, MAX_VICTIMS) as [Victim, ...Victim[]];
  const part = finishDraft({
    ...draft,
    report: { ...report, victims: [first, ...others], records: [...report.records], isContinued: true },
  });
  for (const { pid } of others) victimByPid.delete(pid);
  if (report.victimsBefore !== undefined) victimByPid.delete(first.pid);
  report.victimsBefore = (report.victimsBefore ?? 0) + MAX_VICTIMS;
  return part;
}

/** The victim's kill line tells its whole COMM, and with it where the path before it ends. */
function settleSummary({ report, summaryLine }: Draft, victim: Victim): void {
  if (summaryLine === undefined || victim.truncated || report.summary?.pid !== victim.pid) return;
  report.summary = summaryLine.settle(victim.comm);
  if (report.summary.taskMemcg !== undefined) report.victimCgroup = report.summary.taskMemcg;
}

/** What a kill line does not hold (kernels before 5.4, cut lines) stands in the summary and in the victim's table row. */
function fillFromReport(report: OomReport, victim: Victim): void {
  if (victim.uid !== undefined && victim.oomScoreAdj !== undefined) return;
  const row = findTask(report.tasks, victim.pid);
  const uid = report.summary?.pid === victim.pid ? report.summary.uid : row?.uid;
  if (uid !== undefined) victim.uid ??= uid;
  if (row?.oomScoreAdj !== undefined) victim.oomScoreAdj ??= row.oomScoreAdj;
}

/**
 * Kernels 5.4 and 5.5 print bytes after `pgtables:` and call them kB (fixed by 941f762bcb27). The tasks table has
 * the same figure in bytes: where both are the same number, it is bytes.
 */
function correctPgtables(report: OomReport, victim: Victim): void {
  if (victim.pgtablesKb === undefined || victim.pgtablesKb === 0) return;
  const row = findTask(report.tasks, victim.pid);
  if (row?.pgtablesBytes === victim.pgtablesKb) victim.pgtablesKb /= 1024;
}

/** The finished report. */
export function finishDraft(draft: Draft): OomReport {
  const report = draft.shared ? withoutBody(draft.report) : draft.report;
  report.missing = missingParts(report);
  return report;
}

/** What of a report is its own for sure although another's lines came between: that there was one. */
function withoutBody({ victims, victimsBefore, isContinued, outcome, records }: OomReport): OomReport {
  const part = { ...(victimsBefore !== undefined && { victimsBefore }), ...(isContinued && { isContinued }) };
  return { victims, ...part, constraint: "unknown", outcome, missing: [], records };
}

function missingParts(report: OomReport): MissingPart[] {
  const missing: MissingPart[] = [];
  if (report.trigger === undefined) missing.push("invoked");
  if (report.constraint === "memcg" && report.memory === undefined) missing.push("usage");
  if (report.tasks === undefined) missing.push("tasks");
  if (report.victimCgroup === undefined) missing.push("summary");
  if (report.victims.length === 0) missing.push("kill_line");
  return missing;
}
