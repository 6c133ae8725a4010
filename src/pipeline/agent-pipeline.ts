/**
 * The agent's pipeline: what the sources tell, joined to kills, each once, and saved together with how far was read.
 *
 * At a kill line what may still tell the victim's cgroup is read in the order in which it goes: /proc at once,
 * tracepoint and counters when all lines that are there have been read: they would not tell those of one look apart.
 */
import { parseCgroupPath } from "../../parsers/cgroup/path.ts";
import type { KernelRecord } from "../../parsers/kernel-record.ts";
import { createOomAssembler, type OomObservation } from "../../parsers/oom/assemble.ts";
import { KILL_MARKER, readKillLine } from "../../parsers/oom/killed.ts";
import type { MarkVictim } from "../../parsers/oom/mark-victim.ts";
import type { Victim } from "../../parsers/oom/report.ts";
import { type Correlator, type CorrelatorState, createCorrelator, type ToldKill } from "../correlate/correlator.ts";
import { addLimit, addLimitToUnlogged, createLimitHits } from "../correlate/counters/limit-hits.ts";
import type { Kill, UnloggedKill } from "../correlate/kill.ts";
import type { LineWindow } from "../correlate/matching.ts";
import { createUnverifiedLimit, type UnverifiedLimitState } from "../correlate/unverified-limit.ts";
import { addOwnProcess } from "../correlate/victim-evidence.ts";
import { diagnose } from "../diagnose/diagnose.ts";
import type { Diagnosis } from "../diagnose/diagnosis.ts";
import { type Histories, historyOf } from "../diagnose/kill-history.ts";
import { createNearLimitWatch } from "../diagnose/near-limit.ts";
import { toUnreportedKill } from "../diagnose/unreported.ts";
import type { Findings, Names } from "../identify/enricher.ts";
import { nameKill, nameUnlogged } from "../identify/scope.ts";
import type { RecordContext } from "../record/context.ts";
import type { Known } from "../record/enrichment.ts";
import { toUnloggedRecord } from "../record/events/counter-only-kill.ts";
import { toEvictionRecord } from "../record/events/eviction.ts";
import { toFalseKillRecord } from "../record/events/false-oom-killed.ts";
import { toFollowUpRecord } from "../record/events/follow-up.ts";
import { type KernelLogGap, toGapRecord, toSuppressedRecord } from "../record/events/log-gap.ts";
import { toMemoryPressureRecord } from "../record/events/memory-pressure.ts";
import { toNearLimitRecord } from "../record/events/near-limit.ts";
import { toUnverifiedSuppressedRecord } from "../record/events/unverified-suppressed.ts";
import { toLogRecord } from "../record/kill-record.ts";
import type { LogRecord } from "../record/log-record.ts";
import type { MemorySample } from "../sources/memory-history/sample.ts";
import type { VictimProc } from "../sources/proc/victim.ts";

/** What a restart goes on from. */
export interface LiveState {
  bootId: string;
  /** sequence number up to which the kernel's log need not be read again */
  position: number | undefined;
  correlator: CorrelatorState;
  /** absent in states of before */
  unverified?: UnverifiedLimitState;
}

export interface LiveOptions {
  context: RecordContext;
  /** of this boot, from the last run */
  restored: LiveState | undefined;
  /** CLOCK_MONOTONIC in milliseconds */
  now(): number;
  toWallUs(monotonicMs: number): number;
  /** who was killed, and what Kubernetes made of it */
  names: Names;
  /** how memory moved before a kill */
  history: Histories;
  /** percent of a limit: what passes it is told; 0: nothing is */
  nearLimit: number;
  hasCounters: boolean;
  readVictim(pid: number): VictimProc | undefined;
  /** the pid of a container's own process, found while it lived */
  ownProcessOf(container: string): number | undefined;
  /** Reads tracepoint and counters, at once. */
  readSources(): void;
  /** Kill lines that no count confirms were left without a record of their own. */
  onSuppressed?(count: number): void;
  /** Saves records and state, all or nothing. */
  commit(records: readonly LogRecord[], state: LiveState): void;
}

export interface Live extends Pick<Correlator, "counter" | "node" | "allRead" | "unwatched"> {
  /** @param atMs when it was printed, CLOCK_MONOTONIC in milliseconds */
  record(record: KernelRecord, atMs: number): void;
  gap(gap: KernelLogGap): void;
  /** A sample of a cgroup's memory. @param limit bytes; undefined: it has none */
  memory(cgroup: string, sample: MemorySample, limit: number | undefined): void;
  memoryGone(cgroup: string): void;
  mark(victim: MarkVictim, atMs: number): void;
  /** Everything that was printed until `nowMs` has been passed in. */
  tick(nowMs: number): void;
  /** Tells what is left: nothing more comes. */
  flush(): void;
}

/** A kill is counted before its line is printed, and another CPU may print in between. */
const PRINT_MS = 100;
/** A record's stamp against CLOCK_MONOTONIC: printk has a clock of its own. */
const STAMP_MS = 200;
/** How often the position is saved while nothing is told. */
const SAVE_MS = 1000;
/** … nor anything is read: only the time moves, between which and the next start new counts are of kills. */
const IDLE_SAVE_MS = 10_000;

export function createLive(options: LiveOptions): Live {
  const { context, restored, now, commit, names, toWallUs } = options;
  const correlator = createCorrelator({
    startMs: now(),
    restored: restored?.correlator,
    hasCounters: options.hasCounters,
  });
  const assembler = createOomAssembler();
  const windows = new WeakMap<KernelRecord, LineWindow>();
  /** of kill lines: when they were printed */
  const printedMs = new WeakMap<KernelRecord, number>();
  const nearLimit = createNearLimitWatch(options.nearLimit);
  const limitHits = createLimitHits();
  const unverified = createUnverifiedLimit(now(), restored?.unverified);
  let readSeq = restored?.position;
  /** when the log was last read to its end; undefined: not yet */
  let drainedMs: number | undefined;
  /** Saved as soon as all has been read: one that ends before it has saved anything leaves the next no counts. */
  let savedMs = Number.NEGATIVE_INFINITY;
  /** the node's count of kills */
  let nodeCount: number | undefined;
  /** something has been read since it was saved */
  let hasNews = true;
  /** a kill line has come since the sources were read */
  let isKillRead = false;
  let waiting: LogRecord[] = [];

  function handOn(observations: readonly OomObservation[]): void {
    for (const seen of observations) {
      if (seen.kind === "report") correlator.report(seen.report, windowOf);
      else waiting.push(toSuppressedRecord(seen.suppressed, context));
    }
  }

  function windowOf({ record }: Victim): LineWindow {
    return windows.get(record) ?? { afterMs: 0, untilMs: now() };
  }

  function onKillLine(record: KernelRecord, atMs: number): void {
    const line = readKillLine(record);
    if (line === undefined) return;
    const nowMs = now();
    printedMs.set(record, atMs);
    // What is read first, after a start, was printed at any time before.
    const afterMs = drainedMs === undefined ? atMs - STAMP_MS : Math.max(drainedMs, atMs - STAMP_MS) - PRINT_MS;
    const untilMs = drainedMs === undefined ? Math.min(nowMs, atMs + STAMP_MS) : nowMs;
    windows.set(record, { afterMs, untilMs, likelyAfterMs: drainedMs });
    const proc = options.readVictim(line.pid);
    if (proc !== undefined) correlator.proc(line.pid, proc, nowMs);
    isKillRead = true;
  }

  /** What no count confirms is nobody's kill: it has no cause, no limit, no follow-up, and is in no count of kills. */
  function toUnverifiedRecord(kill: Kill): LogRecord {
    return toLogRecord(kill, context, { who: nameKill(kill, names.identify) });
  }

  function toRecords(told: readonly ToldKill[], nowMs: number): LogRecord[] {
    return told.flatMap((one) => {
      if (one.kind !== "logged" || one.kill.attribution !== "unverified") return toRecord(one, nowMs);
      // That it was counted is to be saved.
      hasNews = true;
      return unverified.take(nowMs) ? toUnverifiedRecord(one.kill) : [];
    });
  }

  function suppressedRecords(nowMs: number, isLast = false): LogRecord[] {
    const suppressed = unverified.suppressed(nowMs, isLast);
    if (suppressed === undefined) return [];
    options.onSuppressed?.(suppressed.count);
    return [toUnverifiedSuppressedRecord(suppressed, context, toWallUs)];
  }

  function toRecord(told: ToldKill, nowMs: number): LogRecord {
    const isLogged = told.kind === "logged";
    addOwnProcess(told.kill, options.ownProcessOf);
    if (isLogged) addLimit(told.kill, limitHits, windows.get(told.kill.record));
    else addLimitToUnlogged(told.kill, limitHits);
    const who = isLogged ? nameKill(told.kill, names.identify) : nameUnlogged(told.kill, names.identify);
    const killMs = isLogged ? (printedMs.get(told.kill.record) ?? nowMs) : told.kill.untilMs;
    const killWallMs = isLogged ? toMs(told.kill.record.wallTimeUs) : toWallUs(killMs) / 1000;
    const { identity } = told.kill;
    const around = { who, ...names.around({ who, identity, atMs: killMs, atWallMs: killWallMs }) };
    const known = { ...around, diagnosis: diagnoseKill(told.kill, around, killMs) };
    const record = isLogged
      ? toLogRecord(told.kill, context, known)
      : toUnloggedRecord(told.kill, context, toWallUs, known);
    const uid = String(record.attributes["log.record.uid"]);
    const atWallMs = toMs(record.timestampUs);
    names.told({ kill: told.kill, uid, who, atWallMs, repeats: known.repeats }, nowMs);
    return record;
  }

  function diagnoseKill(kill: Kill | UnloggedKill, around: Omit<Known, "diagnosis">, killMs: number): Diagnosis {
    const isLogged = "report" in kill;
    const known = isLogged ? kill : toUnreportedKill(kill);
    const aliveMs = isLogged ? killMs - PRINT_MS : kill.afterMs;
    const history = historyOf(known, { aliveMs, killMs }, options.history, names.identify);
    // A line has the time of its own.
    const atMs = isLogged ? undefined : toWallUs(killMs) / 1000;
    return diagnose(known, { ...around, history, pageSize: context.pageSize, atMs });
  }

  function findingRecords({ followUps, falseKills, evicted, pressure }: Findings, nowMs: number): LogRecord[] {
    const atUs = toWallUs(nowMs);
    return [
      ...followUps.map((found) => toFollowUpRecord(found, context, atUs)),
      ...falseKills.map((found) => toFalseKillRecord(found, names.identify, context, atUs)),
      ...evicted.map((who) => toEvictionRecord(who, context, atUs)),
      ...pressure.map((change) => toMemoryPressureRecord(change, context)),
    ];
  }

  function save(told: readonly ToldKill[], nowMs: number): void {
    const records = [
      ...waiting,
      ...toRecords(told, nowMs),
      ...suppressedRecords(nowMs),
      ...findingRecords(names.tick(nowMs), nowMs),
    ];
    if (records.length === 0 && nowMs - savedMs < (hasNews ? SAVE_MS : IDLE_SAVE_MS)) return;
    waiting = [];
    hasNews = false;
    savedMs = nowMs;
    const position = readPosition();
    commit(records, {
      bootId: context.bootId ?? "",
      position,
      correlator: correlator.state(position, nowMs),
      unverified: unverified.state(),
    });
  }

  /** What is under way has to be read again after a crash. */
  function readPosition(): number | undefined {
    const open = Math.min(
      assembler.oldestSeq ?? Number.POSITIVE_INFINITY,
      correlator.oldestSeq ?? Number.POSITIVE_INFINITY,
    );
    return readSeq === undefined ? undefined : Math.min(readSeq, open - 1);
  }

  return {
    counter(reading) {
      hasNews = true;
      correlator.counter(reading);
      limitHits.counter(reading);
      names.counter(reading);
    },
    node(reading) {
      // That it stands still is only a moment's news.
      if (reading.oomKill !== nodeCount) hasNews = true;
      nodeCount = reading.oomKill;
      correlator.node(reading);
    },
    allRead: correlator.allRead,
    unwatched: correlator.unwatched,
    record(record, atMs) {
      hasNews = true;
      if (record.seq !== undefined) readSeq = record.seq;
      if (record.origin === "kernel" && record.text.includes(KILL_MARKER)) onKillLine(record, atMs);
      handOn(assembler.push(record, atMs));
    },
    gap(gap) {
      waiting.push(toGapRecord(gap, context));
    },
    memory(cgroup, sample, limit) {
      const near = nearLimit.see(cgroup, sample, limit);
      if (near === undefined) return;
      const identity = parseCgroupPath(cgroup);
      const who = names.identify(identity);
      // A pod's limit is as a rule the sum of its containers', which are told of themselves.
      if (identity.kind === "pod" && who?.podFacts?.memory?.limit === undefined) return;
      waiting.push(toNearLimitRecord(near, context, who, Math.round(toWallUs(near.atMs))));
    },
    memoryGone: nearLimit.gone,
    mark(victim, atMs) {
      hasNews = true;
      const proc = options.readVictim(victim.pid);
      if (proc !== undefined) correlator.proc(victim.pid, proc, now());
      correlator.mark(victim, atMs);
    },
    tick(nowMs) {
      if (isKillRead) options.readSources();
      isKillRead = false;
      drainedMs = nowMs;
      handOn(assembler.tick(nowMs));
      save(correlator.tick(nowMs), nowMs);
      limitHits.tick(nowMs);
    },
    flush() {
      const nowMs = now();
      handOn(assembler.flush());
      savedMs = Number.NEGATIVE_INFINITY;
      const told = [...correlator.tick(nowMs), ...correlator.flush(nowMs)];
      waiting.push(...toRecords(told, nowMs), ...suppressedRecords(nowMs, true));
      waiting.push(...findingRecords(names.flush(nowMs), nowMs));
      save([], nowMs);
    },
  };
}

function toMs(us: number | undefined): number | undefined {
  return us === undefined ? undefined : us / 1000;
}
