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
 * 5. A line is no proof where the node's kills are counted: with more kills in the log than counts at its time, those
 *    for which least speaks are unverified. Of several that nothing tells apart each is, and their steps are reported
 *    by rule 4: a step is never claimed by a line that may be forged. The tracepoint speaks most for a kill, then a
 *    report that names a cgroup whose count moved, then a line alone: /proc says where a process is, and not that it
 *    was killed.
 */
import type { MarkVictim } from "../../parsers/oom/mark-victim.ts";
import type { OomReport, Victim } from "../../parsers/oom/report.ts";
import type { CounterReading } from "../sources/cgroup-counters.ts";
import type { NodeReading } from "../sources/node-oom-kills.ts";
import type { VictimProc } from "../sources/victim-proc.ts";
import { createDoubleCounts, type DoubleCount, type DoubleCountsState } from "./double-counts.ts";
import { toKills } from "./from-report.ts";
import { addEvidence, type Kill, placeIn, type UnloggedKill } from "./kill.ts";
import { createLasting } from "./lasting.ts";
import { createLedger, type LedgerState, type OpenStep } from "./ledger.ts";
import {
  fits,
  isLikely,
  isPlace,
  type LineWindow,
  type Matching,
  matchSteps,
  meets,
  type Seeker,
  type Step,
} from "./match.ts";
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
  report(report: OomReport, windowOf: (victim: Victim) => LineWindow): void;
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
  /** the log's own text says exactly where it was */
  isReported?: boolean;
  /** the tracepoint has marked its process */
  isTraced?: boolean;
  /** the double count of the group kill that its report tells of */
  double?: DoubleCount | undefined;
}

/** A cgroup's step, with when it was made as far as the node's count tells that better; a hidden one has no source. */
interface MatchedStep extends Step {
  source?: OpenStep;
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
/** A process is marked just before its line is printed; the tracepoint has a clock of its own. */
const MARK_SLACK_MS = 50;
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

  function onReport(report: OomReport, windowOf: (victim: Victim) => LineWindow): void {
    const kills = toKills(report);
    const [first] = kills;
    let double: DoubleCount | undefined;
    if (report.groupKillCgroup !== undefined && first !== undefined && report.victimsBefore === undefined) {
      double = doubles.logged(report.groupKillCgroup, windowOf(first.victim));
    }
    for (const kill of kills) {
      if (kill.record.seq !== undefined && toldBefore.has(kill.record.seq)) continue;
      const isReported = kill.attribution === "exact";
      if (marks.of(kill.victim.pid) !== undefined) addEvidence(kill, "tracepoint");
      addProc(kill, procs.of(kill.victim.pid));
      const window = windowOf(kill.victim);
      const isHistoric = window.untilMs < began.fromMs;
      if (!hasCounters || isHistoric || unlogged.claim(kill, window)) tell(kill);
      else {
        const isOptional = window.afterMs < began.untilMs;
        const isLoose = window.afterMs < startMs;
        const { victimCgroup: cgroup, victim } = kill;
        entries.push({ ...window, cgroup, isGroup: victim.groupKill, isOptional, isLoose, isReported, double, kill });
      }
    }
  }

  /** All kills and steps of the last seconds, matched. */
  function match(): Matching<Seeker, MatchedStep> {
    const timed = ledger.timed();
    const shown = ledger.open.map((source): MatchedStep => {
      const { cgroup, of } = source;
      return { cgroup, of, ...timed.windowOf(source), wide: source, source };
    });
    const hiddenSteps = timed.hidden.map((window): MatchedStep => ({ cgroup: "", ...window, of: "hidden" }));
    const seekers: Seeker[] = [...entries, ...doubles.open];
    return matchSteps(seekers, [...shown, ...hiddenSteps], (seeker) => rankOf(seeker, shown));
  }

  /** What has been reported stands; after that it counts how much speaks for a kill beside a line of the log. */
  function rankOf(seeker: Seeker, shown: readonly Step[]): number {
    const { kill, isReported, isTraced, isUnverified }: Entry = seeker;
    // What has a step comes before what may have none.
    if (!isSure(seeker)) return 4;
    if (isUnverified) return 3;
    if (kill === undefined) return 0;
    if (isTraced) return 1;
    return isReported && shown.some((step) => step.cgroup === seeker.cgroup && fits(seeker, step)) ? 2 : 3;
  }

  /** A mark is of one kill: of the first that is in the log. */
  function noteTraced(): void {
    for (const entry of entries) {
      if (entry.kill === undefined || entry.isTraced) continue;
      const { pid } = entry.kill.victim;
      const atMs = marks.atMsOf(pid);
      if (atMs === undefined || entries.some((one) => one.isTraced && one.kill?.victim.pid === pid)) continue;
      if (atMs < entry.afterMs - MARK_SLACK_MS || atMs > entry.untilMs + MARK_SLACK_MS) continue;
      entry.isTraced = true;
      addEvidence(entry.kill, "tracepoint");
    }
  }

  function decide(nowMs: number): void {
    noteTraced();
    const matching = match();
    for (const entry of entries) {
      if (entry.kill !== undefined) decideKill(entry, entry.kill, matching, nowMs - entry.untilMs);
    }
    settleOld(matching, nowMs);
    explainLeft(matching, nowMs);
  }

  function decideKill(entry: Entry, kill: Kill, matching: Matching<Seeker, MatchedStep>, waitedMs: number): void {
    const step = matching.stepOf(entry);
    const isLate = waitedMs >= TELL_MS;
    if (isInDoubt(entry, matching)) {
      // Rule 5.
      if (isLate) tellUnverified(entry, kill);
      return;
    }
    const isCounted = step?.source !== undefined;
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
    // Once it is reported one of the node's increments is its own, whichever the bookkeeping has left for it.
    if (step === undefined) entry.isUncounted = true;
    else entry.isLoose = true;
    tell(kill);
    delete entry.kill;
  }

  /** The node has counted too few kills at its time, and nothing else speaks for this one. */
  function isInDoubt(entry: Entry, matching: Matching<Seeker, MatchedStep>): boolean {
    if (!isSure(entry) || entry.isTraced || !matching.isDoubtful(entry)) return false;
    // Of one that was printed before this run a count may be there which its stamp misses.
    if (entry.isLoose) return ledger.hasCounted(entry) && !matching.left.some((left) => isPlace(entry, left));
    return ledger.hasCounted(entry);
  }

  function tellUnverified(entry: Entry, kill: Kill): void {
    kill.attribution = "unverified";
    delete kill.candidates;
    entry.isUnverified = true;
    // A group kill that was none has no double count. Where the counter has that, it is another group's.
    const { double } = entry;
    if (double !== undefined && !double.counter) doubles.close(double);
    tell(kill);
    delete entry.kill;
    delete entry.double;
  }

  /** Pairs that are told and old are done with. */
  function settleOld(matching: Matching<Seeker, MatchedStep>, nowMs: number): void {
    entries = entries.filter((entry) => {
      const ageMs = nowMs - entry.untilMs;
      // While there is a step that it could be, it keeps those in doubt that could be it as well.
      if (entry.isUnverified) return ageMs < SETTLED_MS && matching.hasAny(entry);
      // In a storm only what is in doubt is kept long: the others are many.
      if (entry.kill !== undefined || ageMs < PLAIN_MS || (ageMs < SETTLED_MS && !matching.isForced(entry)))
        return true;
      const source = matching.stepOf(entry)?.source;
      if (source !== undefined) ledger.close(source, entry);
      else if (matching.stepOf(entry) === undefined && !isSure(entry)) return false;
      else {
        if (entry.cgroup !== undefined) ledger.owe(entry.cgroup, entry.untilMs);
        if (!entry.isUncounted) ledger.closeHidden(entry);
      }
      return false;
    });
    for (const double of doubles.open) {
      if (nowMs - double.untilMs < SETTLED_MS) continue;
      const step = matching.stepOf(double);
      if (step?.source !== undefined) ledger.close(step.source, double);
      doubles.close(double);
    }
  }

  /** Rule 4. */
  function explainLeft(matching: Matching<Seeker, MatchedStep>, nowMs: number): void {
    const isAwaited = (step: Step): boolean => entries.some((one) => one.kill !== undefined && meets(one, step));
    // Lines in doubt are not waited for: who forges one after the other would hold up what the node counts.
    const isWaiting = entries.some((one) => one.kill !== undefined && !matching.isDoubtful(one));
    // A line that is not confirmed claims nothing.
    const claimed = entries.filter(({ isUnverified }) => isUnverified).flatMap((one) => matching.stepOf(one) ?? []);
    const all = [...matching.left, ...claimed];
    const hiddenLeft: Step[] = [];
    for (const step of all) {
      const { source } = step;
      if (source === undefined) {
        // The node's count moves first: a kill that is not reported yet may have it.
        if (!isWaiting && !isAwaited(step)) hiddenLeft.push(step);
        continue;
      }
      if (nowMs - source.untilMs < UNLOGGED_MS || isAwaited(step)) continue;
      const choices = matching.choicesOfLeft(step);
      ledger.close(source, step);
      if (takeStepless(source, matching)) continue;
      const others = all.flatMap((other) => (other === step ? [] : [other.source ?? other]));
      tellUnlogged({
        afterMs: source.afterMs,
        untilMs: source.untilMs,
        value: source.value,
        choices,
        isOwn: source.of === "own",
        others,
      });
    }
    // What the node's count alone has is a kill only if that lasts.
    const lasted = hidden.update(hiddenLeft.length, nowMs);
    if (lasted === undefined) return;
    const { count, sinceMs: untilMs } = lasted;
    for (const [index, step] of hiddenLeft.slice(0, count).entries()) {
      ledger.closeHidden(step);
      tellUnlogged({
        afterMs: untilMs - HIDDEN_MS,
        untilMs,
        value: ledger.nodeCount - count + index + 1,
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
  function takeStepless(step: OpenStep, matching: Matching<Seeker, MatchedStep>): boolean {
    const entry = entries.find((one) => {
      if (one.kill !== undefined || one.isUnverified || !isSure(one) || !isPlace(one, step)) return false;
      // One that has an increment of the node's is a kill of that time.
      const own = matching.stepOf(one);
      return own === undefined || (own.source === undefined && meets(one, step) && isLikely(one, step));
    });
    entries = entries.filter((other) => other !== entry);
    return entry !== undefined;
  }

  function tellUnlogged(count: Unexplained): void {
    out.push({ kind: "unlogged", kill: unlogged.add(count) });
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
      noteTraced();
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
    return entries.length > 0 || ledger.isOpen || doubles.open.length > 0;
  }
}

/** It has a step somewhere, seen or not. */
function isSure({ isOptional }: Seeker): boolean {
  return isOptional !== true;
}
