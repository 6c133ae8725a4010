/**
 * Every kill that the kernel counted becomes exactly one kill told: joins the kernel's log with its counters, with what
 * /proc said of the victim, and with the tracepoint. Pure: the driver reads, and passes the time in.
 *
 * The rules, in their order:
 * 1. A kill whose own lines, or /proc, tell its cgroup is told at once when its step is there (exact); so is one whose
 *    process was seen in a cgroup up to two seconds before (inferred: the pid could be another's by now).
 * 2. A kill line alone is in the cgroup of the only steps that it can be, all kills and steps near being matched
 *    together (match.ts): inferred. Where several are possible, its cgroup is unknown and those are named.
 *    One that was printed about when counting began may have no step: it is placed nowhere, and takes nobody's.
 * 3. A kill is told within two seconds, step or no step; the step that comes later is its own.
 * 4. A step that no kill can be, nor a group kill's double count, is a kill of which the log has no line: it is told
 *    with the tracepoint's word, where there is one. So is what only the node's count has.
 */
import type { MarkVictim } from "../../parsers/oom/mark-victim.ts";
import type { OomReport, Victim } from "../../parsers/oom/report.ts";
import type { CounterReading } from "../sources/cgroup-counters.ts";
import type { NodeReading } from "../sources/node-oom-kills.ts";
import type { VictimProc } from "../sources/victim-proc.ts";
import { createDoubleCounts, type DoubleCountsState } from "./double-counts.ts";
import { toKills } from "./from-report.ts";
import { addEvidence, type Kill, placeIn, type UnloggedKill } from "./kill.ts";
import { createLasting } from "./lasting.ts";
import { createLedger, type LedgerState, type OpenStep } from "./ledger.ts";
import { isPlace, type Matching, matchSteps, meets, type Seeker, type Step, type Window } from "./match.ts";
import { createRemembered } from "./remembered.ts";
import { createUnloggedKills, type Unexplained } from "./unlogged-kills.ts";
import { addProc } from "./witnesses.ts";

export type ToldKill = { kind: "logged"; kill: Kill } | { kind: "unlogged"; kill: UnloggedKill };

/** What has to outlive a restart. */
export interface CorrelatorState {
  began: Began;
  ledger: LedgerState;
  doubles: DoubleCountsState;
  /** kills that are told and whose steps are not settled */
  unsettled: readonly Seeker[];
  /** sequence numbers of kill lines after the read position whose kills are told */
  told: readonly number[];
  /** below these not all cgroups were watched; absent: they all were */
  unwatched?: readonly string[];
}

/** When counting began in this boot, CLOCK_MONOTONIC in milliseconds: what was counted before is in no step. */
interface Began {
  /** before the first look at any counter */
  fromMs: number;
  /** after the first look at each that there was; of what was printed in between nobody knows whether it has a step */
  untilMs: number;
}

export interface CorrelatorOptions {
  /** CLOCK_MONOTONIC in milliseconds: counts found at the start are of what was before */
  startMs: number;
  /** of the last run, where that was of this boot */
  restored?: CorrelatorState | undefined;
  /** false: there are no counters to be read, so nothing is waited for */
  hasCounters: boolean;
}

/** All times are CLOCK_MONOTONIC in milliseconds. */
export interface Correlator {
  /** @param windowOf between which two looks at the log a victim's kill line was printed */
  report(report: OomReport, windowOf: (victim: Victim) => Window): void;
  /** /proc of a victim, read when its kill line or the tracepoint's entry came */
  proc(pid: number, proc: VictimProc, nowMs: number): void;
  mark(victim: MarkVictim, atMs: number): void;
  counter(reading: CounterReading): void;
  node(reading: NodeReading): void;
  /** Below these not all cgroups are watched now. */
  unwatched(owners: readonly string[]): void;
  /** Every cgroup's counters have been looked at since `atMs`. */
  allRead(atMs: number): void;
  /** All that was printed, counted and marked until `nowMs` has been passed in. @returns what is decided */
  tick(nowMs: number): ToldKill[];
  /** Tells all that is left, as far as it is known. Steps that are open stay so, for the next run. */
  flush(nowMs: number): ToldKill[];
  /** smallest sequence number of a kill line whose kill is not told yet */
  readonly oldestSeq: number | undefined;
  /** @param position sequence number up to which the log need not be read again */
  state(position: number | undefined, nowMs: number): CorrelatorState;
}

/** A kill until its step is settled. */
interface Entry extends Seeker {
  /** absent: it is told */
  kill?: Kill;
}

const DECIDE_EVERY_MS = 50;
/** Until then the kill lines of one moment have all come: a report is held for its reaper line so long. */
const DECIDE_MS = 600;
/** A kill is told within two seconds, with what is known. */
const TELL_MS = 1900;
/** A step is given so long to find its kill line. */
const UNLOGGED_MS = 2500;
/** What only the node's count tells is given so long to be told otherwise. */
const HIDDEN_MS = 3000;
/** The same of a kill and a step that can be nothing else but one another. */
const PLAIN_MS = 2000;
/** Kills and steps older than this are settled among themselves: nothing that comes can be theirs. */
const SETTLED_MS = 6000;

export function createCorrelator({ startMs, restored, hasCounters }: CorrelatorOptions): Correlator {
  const ledger = createLedger(startMs, restored?.ledger, restored?.unwatched);
  const doubles = createDoubleCounts(startMs, restored?.doubles, restored?.unwatched);
  const hidden = createLasting(HIDDEN_MS);
  const procs = createRemembered<VictimProc>();
  const marks = createRemembered<MarkVictim>();
  const toldBefore = new Set(restored?.told);
  let toldSeqs: number[] = [...toldBefore];
  let entries: Entry[] = [...(restored?.unsettled ?? [])];
  const unlogged = createUnloggedKills(marks, procs);
  let out: ToldKill[] = [];
  let decidedMs = startMs;
  let unwatched: readonly string[] = [];
  const began: Began = restored === undefined ? { fromMs: startMs, untilMs: startMs } : { ...restored.began };

  function tell(kill: Kill): void {
    if (kill.record.seq !== undefined) toldSeqs.push(kill.record.seq);
    marks.remove(kill.victim.pid);
    out.push({ kind: "logged", kill });
  }

  function onReport(report: OomReport, windowOf: (victim: Victim) => Window): void {
    const kills = toKills(report);
    const [first] = kills;
    if (report.groupKillCgroup !== undefined && first !== undefined && report.victimsBefore === undefined) {
      doubles.logged(report.groupKillCgroup, windowOf(first.victim));
    }
    for (const kill of kills) {
      if (kill.record.seq !== undefined && toldBefore.has(kill.record.seq)) continue;
      if (marks.of(kill.victim.pid) !== undefined) addEvidence(kill, "tracepoint");
      addProc(kill, procs.of(kill.victim.pid));
      const window = windowOf(kill.victim);
      const isHistoric = window.untilMs < began.fromMs;
      if (!hasCounters || isHistoric || unlogged.claim(kill, window)) tell(kill);
      else {
        const isOptional = window.afterMs < began.untilMs;
        entries.push({ ...window, cgroup: kill.victimCgroup, isGroup: kill.victim.groupKill, isOptional, kill });
      }
    }
  }

  /** All kills and steps of the last seconds, matched; what has a step before what may have none. */
  function match(): Matching<Seeker, Step> {
    const hiddenSteps = Array.from({ length: ledger.hidden }, (): Step => HIDDEN_STEP());
    const seekers: Seeker[] = [...entries, ...doubles.open];
    const inOrder = [...seekers.filter(isSure), ...seekers.filter((seeker) => !isSure(seeker))];
    return matchSteps<Seeker, Step>(inOrder, [...ledger.open, ...hiddenSteps]);
  }

  function decide(nowMs: number): void {
    const matching = match();
    for (const entry of entries) {
      if (entry.kill !== undefined) decideKill(entry, entry.kill, matching, nowMs - entry.untilMs);
    }
    settleOld(matching, nowMs);
    explainLeft(matching, nowMs);
  }

  function decideKill(entry: Entry, kill: Kill, matching: Matching<Seeker, Step>, waitedMs: number): void {
    const step = matching.stepOf(entry);
    const isCounted = step !== undefined && step.of !== "hidden";
    const isLate = waitedMs >= TELL_MS;
    if (entry.cgroup !== undefined) {
      // Rules 1 and 3.
      if (!isCounted && !isLate) return;
      if (isCounted) addEvidence(kill, "counter");
    } else {
      // Rule 2.
      if (waitedMs < DECIDE_MS) return;
      const choices = matching.choicesOf(entry);
      const [only] = choices;
      if (choices.length === 1 && only !== undefined && isSure(entry)) {
        placeIn(kill, only, "inferred");
        entry.cgroup = only;
        addEvidence(kill, "counter");
      } else if (!isLate) return;
      else {
        const candidates = choices.filter((choice) => choice !== undefined);
        if (candidates.length > 0 && isSure(entry)) kill.candidates = candidates;
      }
    }
    tell(kill);
    delete entry.kill;
  }

  /** Pairs that are told and old are done with. */
  function settleOld(matching: Matching<Seeker, Step>, nowMs: number): void {
    entries = entries.filter((entry) => {
      const ageMs = nowMs - entry.untilMs;
      // In a storm only what is in doubt is kept long: the others are many.
      if (entry.kill !== undefined || ageMs < PLAIN_MS || (ageMs < SETTLED_MS && !matching.isForced(entry)))
        return true;
      const step = matching.stepOf(entry);
      if (step !== undefined && isOpen(step)) ledger.close(step);
      else if (step === undefined && !isSure(entry)) return false;
      else if (entry.cgroup !== undefined) ledger.owe(entry.cgroup, entry.untilMs);
      else ledger.closeHidden();
      return false;
    });
    for (const double of doubles.open) {
      if (nowMs - double.untilMs < SETTLED_MS) continue;
      const step = matching.stepOf(double);
      if (step !== undefined && isOpen(step)) ledger.close(step);
      doubles.close(double);
    }
  }

  /** Rule 4. */
  function explainLeft(matching: Matching<Seeker, Step>, nowMs: number): void {
    const isWaiting = entries.some(({ kill }) => kill !== undefined);
    let hiddenLeft = 0;
    for (const step of matching.left) {
      if (!isOpen(step)) {
        hiddenLeft++;
        continue;
      }
      if (nowMs - step.untilMs < UNLOGGED_MS || entries.some((entry) => entry.kill !== undefined && meets(entry, step)))
        continue;
      ledger.close(step);
      if (takeStepless(step, matching)) continue;
      const choices = matching.choicesOfLeft(step);
      const others = matching.left.filter((other) => other !== step);
      tellUnlogged({
        afterMs: step.afterMs,
        untilMs: step.untilMs,
        value: step.value,
        choices: choices.length > 1 ? choices : [step.cgroup],
        isOwn: step.of === "own",
        others,
      });
    }
    // The node's count moves first: what it alone has is a kill only if that lasts, and no kill waits for its step.
    const lasted = hidden.update(isWaiting ? 0 : hiddenLeft, nowMs);
    for (let left = lasted?.count ?? 0; left > 0; left--) {
      const untilMs = lasted?.sinceMs ?? nowMs;
      ledger.closeHidden();
      tellUnlogged({
        afterMs: untilMs - HIDDEN_MS,
        untilMs,
        value: ledger.nodeCount - left + 1,
        choices: [],
        isOwn: false,
        others: ledger.open,
      });
    }
  }

  /**
   * A kill that was told and has no step may have this one, should a clock be wrong: better than one kill told twice.
   * Where the step is another's after all, the node's count still has that kill.
   */
  function takeStepless(step: OpenStep, matching: Matching<Seeker, Step>): boolean {
    const entry = entries.find((one) => {
      const own = matching.stepOf(one);
      return one.kill === undefined && isSure(one) && (own === undefined || !isOpen(own)) && isPlace(one, step);
    });
    entries = entries.filter((other) => other !== entry);
    return entry !== undefined;
  }

  function tellUnlogged(count: Unexplained): void {
    out.push({ kind: "unlogged", kill: unlogged.add(count) });
  }

  function isOpen(step: Step): step is OpenStep {
    return step.of !== "hidden";
  }

  function take(): ToldKill[] {
    const taken = out;
    out = [];
    return taken;
  }

  return {
    report: onReport,
    proc: procs.add,
    mark: (victim, atMs) => marks.add(victim.pid, victim, atMs),
    counter(reading) {
      const isBase = restored === undefined && reading.why === "found" && !reading.fromZero && !reading.isLate;
      if (isBase) began.untilMs = Math.max(began.untilMs, reading.atMs);
      ledger.read(reading);
      doubles.counted(reading);
    },
    node: ledger.readNode,
    unwatched(owners) {
      unwatched = owners;
    },
    allRead(atMs) {
      ledger.allRead(atMs);
      doubles.allRead(atMs);
    },
    tick(nowMs) {
      ledger.settle(nowMs);
      doubles.settle(nowMs);
      // In a storm there are hundreds of kills and steps to match, and nothing is decided in a hurry.
      if (nowMs - decidedMs < DECIDE_EVERY_MS) return take();
      decidedMs = nowMs;
      if (hasWork()) decide(nowMs);
      procs.forget(nowMs);
      marks.forget(nowMs);
      unlogged.forget(nowMs - 2 * SETTLED_MS);
      return take();
    },
    flush(nowMs) {
      const matching = match();
      for (const entry of entries) {
        if (entry.kill !== undefined) decideKill(entry, entry.kill, matching, Number.POSITIVE_INFINITY);
      }
      ledger.settle(nowMs);
      return take();
    },
    get oldestSeq() {
      const seqs = entries.flatMap(({ kill }) => kill?.record.seq ?? []);
      return seqs.length === 0 ? undefined : Math.min(...seqs);
    },
    state(position, nowMs) {
      toldSeqs = toldSeqs.filter((seq) => position !== undefined && seq > position);
      const unsettled = entries.filter(({ kill }) => kill === undefined);
      return {
        began,
        ledger: ledger.state(nowMs),
        doubles: doubles.state(nowMs),
        unsettled,
        told: toldSeqs,
        ...(unwatched.length === 0 ? {} : { unwatched }),
      };
    },
  };

  function hasWork(): boolean {
    return entries.length > 0 || ledger.open.length > 0 || ledger.hidden > 0 || doubles.open.length > 0;
  }
}

const HIDDEN_STEP = (): Step => ({ cgroup: "", afterMs: 0, untilMs: 0, of: "hidden" });

/** It has a step somewhere, seen or not. */
function isSure({ isOptional }: Seeker): boolean {
  return isOptional !== true;
}
