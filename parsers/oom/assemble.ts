/**
 * Kernel records in, OOM reports out: puts the lines of a report together and keeps reports apart.
 *
 * The kernel prints a report under oom_lock, so reports come one after another; other lines come between, lines get
 * lost, and with `caller=` even reports that interleave are told apart. What ties a kill line to a report is, in
 * this order: the pid of its `oom-kill:` line, the pid in its tasks table, being the only report under way. A report
 * whose pid is another's never lends its fields: the kill then stands alone, with what its own line says.
 *
 * A report takes no line that may be another's: none after a gap in the sequence numbers but the kill that it names,
 * none that the kernel prints before what the report has already, and none at all where the heads of two reports
 * came with no caller to tell their lines apart.
 */
import { decodeBytes } from "../bytes.ts";
import type { KernelRecord } from "../kernel-record.ts";
import {
  addVictim,
  type Draft,
  finishDraft,
  keepKeyRecord,
  keepRecord,
  keepTask,
  MAX_RECORDS,
  MAX_TASKS,
  openDraft,
  removeLastVictim,
  STAGE,
  takePart,
} from "./draft.ts";
import { findTask } from "./find-task.ts";
import { INVOKED_MARKER, parseTriggerTask, readInvoked } from "./invoked.ts";
import {
  KILL_MARKER,
  type KillLine,
  parseCutKillLine,
  parseKillLine,
  readCutKillLine,
  readKillLine,
} from "./killed.ts";
import { addStats, addStatsLine, parseStatsHead, parseUsage } from "./memcg.ts";
import { addNodeMemoryLine } from "./node-memory.ts";
import { type OtherLine, parseOtherLine, parseTaskIn } from "./others.ts";
import type { OomKillSummary, OomReport, SuppressedReports } from "./report.ts";
import { isSummaryStart, parseCutSummary, parseSummary } from "./summary.ts";
import { isTableLevel, parseTaskRow, parseTasksHeader } from "./tasks.ts";
import { isLevel, LEVEL, LONGEST_LINE } from "./wording.ts";

export type OomObservation =
  | { kind: "report"; report: OomReport }
  | { kind: "suppressed"; suppressed: SuppressedReports };

export interface OomAssembler {
  /** @param now the driver's clock in milliseconds; a replay passes the log's own time */
  push(record: KernelRecord, now: number): readonly OomObservation[];
  /** Closes what has waited long enough. */
  tick(now: number): readonly OomObservation[];
  /** Closes everything: the input has ended. */
  flush(): readonly OomObservation[];
  /** true while no report is under way: lines without a marker of their own would change nothing */
  readonly idle: boolean;
  /** smallest sequence number of the reports under way: what comes after it may have to be read again */
  readonly oldestSeq: number | undefined;
}

/** Reports under way at once; more means lost ends. */
const MAX_DRAFTS = 16;
/** A killed report closes after so many other records: group line and reaper come sooner. */
const HOLD_RECORDS = 16;
/** … or so many milliseconds. */
const HOLD_MS = 300;
/** A report without its kill closes after so many records that are not its own: a call trace and Mem-Info of a large
 * NUMA machine fit. */
const OPEN_RECORDS = 1024;
/** … or so many milliseconds: a slow serial console prints a long tasks table at a few lines a second. */
const OPEN_MS = 10_000;
/** Heads closer together than this may be two CPUs' interleaved reports. */
const INTERLEAVE_MS = 1_000;

const NOTHING: readonly OomObservation[] = [];

export function createOomAssembler(): OomAssembler {
  let drafts: Draft[] = [];
  let out: OomObservation[] = [];
  let previous: KernelRecord | undefined;
  let previousSeq: number | undefined;

  function take(): readonly OomObservation[] {
    if (out.length === 0) return NOTHING;
    const taken = out;
    out = [];
    return taken;
  }

  function close(draft: Draft): void {
    if (draft.pending?.kind === "kill") finishPendingKill(draft, draft.pending);
    drafts = drafts.filter((other) => other !== draft);
    out.push({ kind: "report", report: finishDraft(draft) });
  }

  function open(record: KernelRecord, now: number): Draft {
    const oldest = drafts.length >= MAX_DRAFTS ? drafts[0] : undefined;
    if (oldest !== undefined) close(oldest);
    const draft = openDraft(record.caller, now);
    drafts.push(draft);
    return draft;
  }

  /** The youngest report under way that a line of this caller can belong to: killed, or one whose body still comes. */
  function current(record: KernelRecord, killed: boolean): Draft | undefined {
    for (let index = drafts.length - 1; index >= 0; index--) {
      const draft = drafts[index];
      if (draft === undefined || draft.killed !== killed || draft.cut || !sameCaller(draft, record)) continue;
      if (killed || draft.stage < STAGE.done) return draft;
    }
    return undefined;
  }

  /** The report that a line of its body belongs to; where it is further on already, this is a report without a head. */
  function bodyOf(record: KernelRecord, now: number, part: keyof typeof STAGE): Draft {
    let draft = current(record, false);
    const stage = STAGE[part];
    if (draft === undefined || (!draft.shared && (stage < draft.stage || isTwice(draft, part)))) {
      if (draft !== undefined) draft.stage = STAGE.done;
      draft = open(record, now);
    }
    if (draft.stage < stage) draft.stage = stage;
    return draft;
  }

  /** The lines of its report have come to an end, or its kill has come: one of those that cannot be told apart less. */
  function closeShared(record: KernelRecord): void {
    const oldest = drafts.find((draft) => draft.shared && sameCaller(draft, record));
    if (oldest !== undefined) close(oldest);
  }

  /** A gap in the sequence numbers may hold a report's end and the next one's head. */
  function noteSequence({ seq }: KernelRecord): void {
    if (seq === undefined) return;
    if (previousSeq !== undefined && seq !== previousSeq + 1 && seq !== previousSeq) {
      for (const draft of drafts) draft.cut = true;
    }
    previousSeq = seq;
  }

  function age(now: number): void {
    for (const draft of drafts) {
      draft.quiet++;
      const waited = now - draft.lastAt;
      // A clock that runs backwards means another boot or another file.
      const limitMs = draft.killed ? HOLD_MS : OPEN_MS;
      const limit = draft.killed ? HOLD_RECORDS : OPEN_RECORDS;
      if (draft.quiet > limit || waited > limitMs || waited < -OPEN_MS) close(draft);
      else if (draft.pending !== undefined && ++draft.pending.age > HOLD_RECORDS) settlePending(draft);
    }
  }

  function settlePending(draft: Draft, kind = draft.pending?.kind): void {
    const { pending } = draft;
    if (pending === undefined || pending.kind !== kind) return;
    if (pending.kind === "kill") finishPendingKill(draft, pending);
    draft.pending = undefined;
  }

  function finishPendingKill(draft: Draft, pending: NonNullable<Draft["pending"]>): void {
    draft.pending = undefined;
    const line = parseCutKillLine(pending.text);
    if (line !== undefined) addKill(draft, line, pending.record);
  }

  /** @returns whether the record was a report's head */
  function onHead(record: KernelRecord, now: number): boolean {
    const trigger = readInvoked(record);
    if (trigger === undefined) return false;
    const before = current(record, false);
    const draft = open(record, now);
    draft.report.trigger = trigger;
    draft.beforeHead = previous?.text;
    keepKeyRecord(draft, record, now);
    if (before === undefined || record.caller !== undefined) return true;
    if (Math.abs(now - before.lastAt) > INTERLEAVE_MS) {
      close(before);
    } else if (before.report.trigger === undefined) {
      // Its head was lost, so its end may be as well; only two heads tell that two reports are under way.
      before.stage = STAGE.done;
    } else {
      // Which of the two the coming lines belong to cannot be told.
      before.shared = true;
      draft.shared = true;
    }
    return true;
  }

  function onKill(line: KillLine, record: KernelRecord, now: number): void {
    const group = drafts.findLast((draft) => draft.inGroup && !draft.cut && sameCaller(draft, record));
    const own = ownReport(line, record, group !== undefined);
    if (own === undefined && group !== undefined && isMember(group, line.pid)) {
      keepKeyRecord(group, record, now);
      if (isVictim(group, line.pid)) return;
      addKill(group, line, record);
      const part = takePart(group);
      if (part !== undefined) out.push({ kind: "report", report: part });
      return;
    }
    // A group kill names its first victim twice; the line between the two may be lost.
    if (own === undefined && drafts.some((draft) => isVictim(draft, line.pid))) return;
    if (own === undefined) closeShared(record);
    const draft = own ?? open(record, now);
    keepKeyRecord(draft, record, now);
    addKill(draft, line, record);
  }

  /** The report under way that names this pid, or that is alone and names none. */
  function ownReport(line: KillLine, record: KernelRecord, inGroup: boolean): Draft | undefined {
    const under = drafts.filter((draft) => !draft.killed && sameCaller(draft, record));
    const named = under.findLast((draft) => draft.report.summary?.pid === line.pid);
    if (named !== undefined) return named;
    const unnamed = under.filter(
      (draft) => draft.report.summary === undefined && !draft.cut && !draft.shared && agrees(draft.report, line),
    );
    const listed = unnamed.findLast((draft) => findTask(draft.report.tasks, line.pid) !== undefined);
    if (listed !== undefined) return listed;
    const bare = unnamed.filter((draft) => draft.report.tasks === undefined);
    return bare.length === 1 && !inGroup ? bare[0] : undefined;
  }

  function onGroup(cgroup: string, record: KernelRecord, now: number): void {
    let draft = current(record, true);
    if (draft?.inGroup) {
      // A group's first victim is named just before this line: what was taken for the last group's member begins
      // a group of its own.
      const last = draft.report.victims.at(-1);
      const first = draft.report.victims.length > 1 && draft.report.records.at(-1) === last?.record ? last : undefined;
      if (first !== undefined) {
        removeLastVictim(draft);
        draft.report.records.pop();
      }
      draft = open(record, now);
      if (first !== undefined) {
        keepKeyRecord(draft, first.record, now);
        addVictim(draft, first);
        draft.report.constraint = "memcg";
      }
    }
    if (draft?.report.victimCgroup !== undefined && !isWithin(draft.report.victimCgroup, cgroup)) draft = undefined;
    draft ??= named(record, cgroup) ?? open(record, now);
    draft.inGroup = true;
    draft.killed = true;
    draft.report.groupKillCgroup = cgroup;
    for (const victim of draft.report.victims) victim.groupKill = true;
    keepKeyRecord(draft, record, now);
  }

  /** The report whose victim is in the group, and whose own kill line is lost. */
  function named(record: KernelRecord, cgroup: string): Draft | undefined {
    return drafts.findLast(
      ({ report: { summary }, killed, cut, ...draft }) =>
        !killed && !cut && draft.caller === record.caller && isWithin(summary?.taskMemcg, cgroup),
    );
  }

  function onOther(line: OtherLine, record: KernelRecord, now: number): void {
    switch (line.kind) {
      case "limit": {
        const draft = bodyOf(record, now, "limit");
        const taskIn = line.victimCgroup === undefined ? readTaskIn(record) : undefined;
        const victimCgroup = line.victimCgroup ?? taskIn?.cgroup;
        draft.report.limitCgroup ??= line.limitCgroup;
        if (victimCgroup !== undefined) draft.report.victimCgroup ??= victimCgroup;
        if (taskIn !== undefined) keepKeyRecord(draft, taskIn.record, now);
        if (draft.report.constraint === "unknown") draft.report.constraint = "memcg";
        keepKeyRecord(draft, record, now);
        return;
      }
      case "group_kill":
        onGroup(line.cgroup, record, now);
        return;
      case "reaper": {
        for (const draft of drafts) {
          const victim = draft.victimByPid.get(line.pid);
          if (victim === undefined) continue;
          victim.reaper = line.reaper;
          // Does not keep the report waiting: reports leave in the order of their kills.
          if (draft.report.records.length < MAX_RECORDS) draft.report.records.push(record);
          return;
        }
        return;
      }
      case "sacrifice": {
        const draft = bodyOf(record, now, "done");
        if (draft.report.constraint === "unknown") draft.report.constraint = line.constraint;
        keepRecord(draft, record, now);
        return;
      }
      case "suppressed":
        out.push({ kind: "suppressed", suppressed: { count: line.count, record } });
        return;
      case "already_exiting":
      case "no_killable_process":
      case "panic": {
        const draft = endedBy(line, record);
        if (draft === undefined) return;
        keepKeyRecord(draft, record, now);
        draft.report.outcome = line.kind;
        close(draft);
        return;
      }
    }
  }

  /** The first part of the sentence that a record ends, in the record before. */
  function readTaskIn(record: KernelRecord): { cgroup: string; record: KernelRecord } | undefined {
    if (previous === undefined || previous.caller !== record.caller) return undefined;
    const cgroup = parseTaskIn(previous.text, previous.level);
    return cgroup === undefined ? undefined : { cgroup, record: previous };
  }

  /** The report that ends without a kill: the youngest under way, or the one that names the task. */
  function endedBy(line: OtherLine, record: KernelRecord): Draft | undefined {
    const under = drafts.filter((draft) => !draft.killed && !draft.cut && sameCaller(draft, record));
    if (line.kind !== "already_exiting") return under.at(-1);
    return under.findLast(({ report }) => report.summary === undefined || report.summary.pid === line.pid);
  }

  /** @param level of the record in which the text begins */
  function onSummary(record: KernelRecord, text: string, level: number | undefined, now: number): boolean {
    const line = parseSummary(text, level);
    if (line === undefined) return false;
    const { summary } = line;
    const before = current(record, false);
    closeShared(record);
    const isOwn = before !== undefined && !before.shared && isReportOf(before, summary, record);
    if (before !== undefined && !isOwn && !before.shared) before.stage = STAGE.done;
    const draft = isOwn ? before : open(record, now);
    const { report } = draft;
    draft.stage = STAGE.done;
    draft.summaryLine = line;
    draft.pending = undefined;
    draft.columns = undefined;
    report.summary = summary;
    report.constraint = summary.constraint;
    if (summary.taskMemcg !== undefined) report.victimCgroup = summary.taskMemcg;
    if (summary.oomMemcg !== undefined) report.limitCgroup = summary.oomMemcg;
    keepKeyRecord(draft, record, now);
    return true;
  }

  /** Tries to complete a line that was split; true where the record was its rest. */
  function onPending(record: KernelRecord, now: number): boolean {
    for (const draft of drafts) {
      const { pending } = draft;
      if (pending === undefined || draft.cut || !sameCaller(draft, record)) continue;
      // printk's own pieces join as they are; a line break in a name was a byte of the name. /dev/kmsg tells which
      // records are pieces, and breaks no line.
      const isPiece = record.flag === undefined ? /^[,/]/.test(record.text) : isContinuation(record.flag);
      if (record.flag !== undefined && !isPiece) continue;
      const text = pending.text + (pending.kind === "summary" && isPiece ? "" : "\n") + record.text;
      if (pending.kind === "summary") {
        if (onSummary(record, text, pending.record.level, now)) return true;
        if (isPiece && text.length <= LONGEST_LINE) {
          pending.text = text;
          pending.age = 0;
          keepKeyRecord(draft, record, now);
          noteCutSummary(draft, text);
          return true;
        }
      } else {
        const line = parseKillLine(text);
        if (line !== undefined) {
          draft.pending = undefined;
          keepKeyRecord(draft, record, now);
          addKill(draft, line, pending.record);
          return true;
        }
      }
    }
    return false;
  }

  function onKillMarker(record: KernelRecord, now: number): boolean {
    const line = readKillLine(record);
    if (line !== undefined) {
      // The rest of a line that was cut has not come before this one, so it will not.
      for (const draft of drafts) settlePending(draft, "kill");
      onKill(line, record, now);
      return true;
    }
    const cut = readCutKillLine(record);
    if (cut === undefined) return false;
    // A whole tail that ends in nothing known is a wording of its own; otherwise the rest may be the next record.
    const draft = ownReport(cut, record, false) ?? open(record, now);
    keepKeyRecord(draft, record, now);
    if (cut.totalVmKb !== undefined) addKill(draft, cut, record);
    else draft.pending = { kind: "kill", text: record.text, record, age: 0 };
    return true;
  }

  /** A line of a report's body. @returns whether the record was one */
  function onBody(record: KernelRecord, now: number): boolean {
    const { text } = record;
    switch (text.charCodeAt(0)) {
      case 91: // [
        return onTableLine(record, now);
      case 67: // CPU:
      case 80: // Pid:
        return onTriggerTask(record, now);
      case 109: // memory:
      case 115: // swap:
      case 107: {
        // kmem:
        const usage = parseUsage(text, record.level);
        if (usage === undefined) return onStatsOrNodeMemory(record, now);
        const draft = bodyOf(record, now, usage.counter);
        draft.report[usage.counter] = usage.usage;
        if (draft.report.constraint === "unknown") draft.report.constraint = "memcg";
        keepKeyRecord(draft, record, now);
        return true;
      }
      case 77: // Memory cgroup stats, Mem-Info
        return onStatsHead(record, now) || onMemInfo(record, now) || onOtherLine(record, now);
      case 32: // 3.15 to 3.18: the rest of `Task in`
        return (text.charCodeAt(1) === 107 && onOtherLine(record, now)) || onStatsOrNodeMemory(record, now);
      case 79: // Out of memory
      case 75: // Kernel panic
      case 84: // Task in, Tasks in, Tasks state, Total swap
      case 111: // oom_reaper, oom_kill_process
        return onOtherLine(record, now) || onStatsOrNodeMemory(record, now);
      default:
        return onStatsOrNodeMemory(record, now);
    }
  }

  function onOtherLine(record: KernelRecord, now: number): boolean {
    const line = parseOtherLine(record.text, record.level);
    if (line === undefined) return false;
    onOther(line, record, now);
    return true;
  }

  function onTriggerTask(record: KernelRecord, now: number): boolean {
    const draft = current(record, false);
    if (draft?.report.trigger === undefined || draft.report.trigger.pid !== undefined) return false;
    const task = parseTriggerTask(record.text);
    const { trigger } = draft.report;
    if (task === undefined) return false;
    if (task.comm !== trigger.comm) {
      // A line break in COMM: some formats print its halves as lines of their own.
      const whole = `${task.comm}\n${trigger.comm}`;
      if (draft.beforeHead !== undefined && decodeBytes(draft.beforeHead) === task.comm) trigger.comm = whole;
      else return false;
    }
    trigger.pid = task.pid;
    if (task.uid !== undefined) trigger.uid = task.uid;
    if (task.kernelRelease !== undefined) draft.report.kernelRelease = task.kernelRelease;
    keepRecord(draft, record, now);
    return true;
  }

  function onStatsHead(record: KernelRecord, now: number): boolean {
    const newline = record.text.indexOf("\n");
    const stats = parseStatsHead(newline === -1 ? record.text : record.text.slice(0, newline), record.level);
    if (stats === undefined) return false;
    const draft = bodyOf(record, now, "stats");
    if (newline !== -1) addStatsLine(stats, record.text.slice(newline + 1));
    const { report } = draft;
    if (report.memcgStats === undefined) report.memcgStats = stats;
    else addStats(report.memcgStats, stats);
    draft.inStats = true;
    keepRecord(draft, record, now);
    return true;
  }

  function onMemInfo(record: KernelRecord, now: number): boolean {
    const draft = MEM_INFO.test(record.text) ? current(record, false) : undefined;
    // A page allocation failure prints a Mem-Info block too: only a global report under way has one of its own.
    if (draft?.report.trigger === undefined || draft.report.memory !== undefined) return false;
    draft.report.nodeMemory ??= { pages: {} };
    draft.stage = STAGE.nodeMemory;
    keepRecord(draft, record, now);
    return true;
  }

  function onTableLine(record: KernelRecord, now: number): boolean {
    if (!isTableLevel(record.level)) return false;
    const draft = current(record, false);
    const columns = record.text.charCodeAt(record.text.length - 1) === 101 ? parseTasksHeader(record.text) : undefined;
    if (columns !== undefined) {
      const owner = bodyOf(record, now, "tasks");
      owner.columns = columns;
      owner.inStats = false;
      keepRecord(owner, record, now);
      return true;
    }
    if (draft?.columns === undefined) return false;
    const row = parseTaskRow(record.text, draft.columns);
    if (row === undefined) return false;
    keepTask(draft.report, row);
    keepRecord(draft, record, now);
    return true;
  }

  function onStatsOrNodeMemory(record: KernelRecord, now: number): boolean {
    const draft = current(record, false);
    if (draft === undefined) return false;
    const { report } = draft;
    const mayBeStats = draft.inStats && isLevel(record.level, LEVEL.info);
    if (mayBeStats && report.memcgStats !== undefined && addStatsLine(report.memcgStats, record.text)) {
      keepRecord(draft, record, now);
      return true;
    }
    if (report.nodeMemory === undefined || draft.columns !== undefined) return false;
    if (!addNodeMemoryLine(report.nodeMemory, record.text)) return false;
    keepRecord(draft, record, now);
    return true;
  }

  function consume(record: KernelRecord, now: number): void {
    const { text } = record;
    if (text.length > LONGEST_LINE) return;
    // Most lines of a report are its statistics, too short for either marker.
    if (text.length > KILL_MARKER.length) {
      if (text.includes(INVOKED_MARKER) && onHead(record, now)) return;
      if (text.includes(KILL_MARKER) && onKillMarker(record, now)) return;
    }
    if (drafts.length > 0 && onPending(record, now)) return;
    if (isSummaryStart(text) && isLevel(record.level, LEVEL.info)) {
      if (onSummary(record, text, record.level, now)) return;
      const draft = current(record, false) ?? open(record, now);
      draft.pending = { kind: "summary", text, record, age: 0 };
      noteCutSummary(draft, text);
      keepKeyRecord(draft, record, now);
      return;
    }
    onBody(record, now);
  }

  return {
    push(record, now) {
      noteSequence(record);
      if (record.origin === "user") return NOTHING;
      if (drafts.length > 0) age(now);
      consume(record, now);
      previous = record;
      return take();
    },
    tick(now) {
      for (const draft of drafts) {
        const waited = now - draft.lastAt;
        if (waited > (draft.killed || draft.pending?.kind === "kill" ? HOLD_MS : OPEN_MS)) close(draft);
      }
      return take();
    },
    flush() {
      for (const draft of drafts) close(draft);
      return take();
    },
    get idle() {
      return drafts.length === 0;
    },
    get oldestSeq() {
      const seqs = drafts.flatMap(({ report }) => report.records[0]?.seq ?? []);
      return seqs.length === 0 ? undefined : Math.min(...seqs);
    },
  };
}

function sameCaller(draft: Draft, record: KernelRecord): boolean {
  return draft.caller === undefined || record.caller === undefined || draft.caller === record.caller;
}

/** The head of a Mem-Info block is a record of its own, or begins one: nothing else stands on its line. */
const MEM_INFO = /^Mem-Info: ?(?:\n|$)/;

/** The flag of a record of /dev/kmsg that goes on with the one before. */
function isContinuation(flag: string): boolean {
  return flag === "c" || flag === "+";
}

/** Whether a report and a kill line can be one: the prefix says which kind of limit it was. */
function agrees(report: OomReport, line: KillLine): boolean {
  if (line.constraint === "unknown" || report.constraint === "unknown") return true;
  return (line.constraint === "memcg") === (report.constraint === "memcg");
}

/** A line that a report has once has come before. */
function isTwice({ report, columns }: Draft, part: keyof typeof STAGE): boolean {
  switch (part) {
    case "memory":
    case "swap":
    case "memsw":
    case "kmem":
      return report[part] !== undefined;
    case "tasks":
      return columns !== undefined;
    default:
      return false;
  }
}

/** Whether what a report holds already can be of the one that the summary ends. */
function isReportOf({ report }: Draft, summary: OomKillSummary, record: KernelRecord): boolean {
  const { memcgStats, tasks } = report;
  if (report.summary !== undefined) return false;
  // The stats are those of the cgroup whose limit was hit; either path may be cut short.
  const { oomMemcg } = summary;
  if (memcgStats !== undefined && oomMemcg !== undefined) {
    if (!memcgStats.path.startsWith(oomMemcg) && !oomMemcg.startsWith(memcgStats.path)) return false;
  }
  // With sequence numbers nothing was lost between; without, the table at least must know the victim. Its rows may
  // be of threads, where a leader has exited already.
  if (record.seq !== undefined || tasks === undefined || tasks.length === MAX_TASKS) return true;
  return tasks.some(({ pid, tgid }) => pid === summary.pid || tgid === summary.pid);
}

function isVictim({ victimByPid }: Draft, pid: number): boolean {
  return victimByPid.has(pid);
}

/** Whether a path is a cgroup or one below it. */
function isWithin(path: string | undefined, cgroup: string): boolean {
  return path !== undefined && (path === cgroup || cgroup === "/" || path.startsWith(`${cgroup}/`));
}

/** A member of a group kill is a task of the table, where there is one. */
function isMember(group: Draft, pid: number): boolean {
  const { tasks } = group.report;
  return tasks === undefined || findTask(tasks, pid) !== undefined;
}

function noteCutSummary(draft: Draft, text: string): void {
  const { constraint, oomMemcg } = parseCutSummary(text);
  if (constraint !== undefined) draft.report.constraint = constraint;
  if (oomMemcg !== undefined) draft.report.limitCgroup = oomMemcg;
}

function addKill(draft: Draft, line: KillLine, record: KernelRecord): void {
  const { constraint, foreignPrefix: _, ...victim } = line;
  if (draft.report.constraint === "unknown") draft.report.constraint = constraint;
  addVictim(draft, { ...victim, record, groupKill: draft.inGroup });
}
