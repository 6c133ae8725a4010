/** What /proc and the tracepoint said of a victim, added to its kill where it is the same process. */
import type { MarkVictim } from "../../parsers/oom/mark-victim.ts";
import type { VictimProc } from "../sources/proc/victim.ts";
import { addEvidence, type Kill, placeIn, type UnloggedKill } from "./kill.ts";
import { isWithin, type Window } from "./matching.ts";
import type { Remembered } from "./recent-by-pid.ts";

/** Adds what /proc said, where it is the same process: a pid is used again. */
export function addProc(kill: Kill, proc: VictimProc | undefined): void {
  if (proc === undefined || (proc.comm !== undefined && proc.comm !== kill.victim.comm)) return;
  if (proc.pid1 !== undefined) kill.pid1 = proc.pid1;
  const { cgroup, seenCgroup } = proc;
  if (cgroup === undefined) {
    if (kill.victimCgroup === undefined && seenCgroup !== undefined) {
      placeIn(kill, seenCgroup, "inferred");
      addEvidence(kill, "proc");
    }
    return;
  }
  // A group kill's member: the log tells the group's cgroup, /proc its own in it.
  const isMore = kill.attribution !== "exact" || kill.victim.groupKill;
  if (kill.victimCgroup === undefined || (isMore && isWithin(cgroup, kill.victimCgroup)))
    placeIn(kill, cgroup, "exact");
  if (kill.victimCgroup === cgroup) addEvidence(kill, "proc");
}

/**
 * Adds whether the victim was its container's own process, where /proc was gone too soon to say so.
 * @param ownProcessOf a container's own process, seen while it lived
 */
export function addOwnProcess(
  kill: Kill | UnloggedKill,
  ownProcessOf: (container: string) => number | undefined,
): void {
  const { victim, victimCgroup, identity } = kill;
  if (kill.pid1 !== undefined || victim === undefined || victimCgroup === undefined) return;
  if (identity?.kind !== "container") return;
  const container = victimCgroup.slice(0, victimCgroup.length - (identity.nested?.length ?? 0));
  const own = ownProcessOf(container);
  if (own === undefined) return;
  kill.pid1 = own === victim.pid;
}

/** Between the tracepoint's clock and the looks at the counters. */
const SLACK_MS = 50;

/**
 * Adds the tracepoint's word to a kill whose line is lost: the only process that was marked at that time, where no
 * other kill without a line can be its own, or the one that /proc showed in that cgroup.
 * @param others all other kills that have no line: of a process that is not among the marks, as its mark was lost, or
 *   made when nobody read them, one may be
 * @returns the process's pid
 */
export function addTracepoint(
  kill: UnloggedKill,
  marks: Remembered<MarkVictim>,
  procs: Remembered<VictimProc>,
  others: readonly Window[],
): number | undefined {
  const near = marks.between(kill.afterMs - SLACK_MS, kill.untilMs + SLACK_MS).filter(({ pid }) => {
    const cgroup = procs.of(pid)?.cgroup;
    return cgroup === undefined || kill.victimCgroup === undefined || isWithin(cgroup, kill.victimCgroup);
  });
  const placed = near.filter(({ pid }) => kill.victimCgroup !== undefined && procs.of(pid)?.cgroup !== undefined);
  const isOther = ({ atMs }: { atMs: number }): boolean =>
    others.some(({ afterMs, untilMs }) => afterMs - SLACK_MS <= atMs && atMs <= untilMs + SLACK_MS);
  const [mark] = placed.length > 0 ? placed : near.length === 1 && !near.some(isOther) ? near : [];
  if (mark === undefined) return undefined;
  const { atUs: _, ...victim } = mark.value;
  kill.victim = victim;
  kill.evidence.push("tracepoint");
  const proc = procs.of(mark.pid);
  if (proc?.pid1 !== undefined) kill.pid1 = proc.pid1;
  if (proc?.cgroup !== undefined) {
    placeIn(kill, proc.cgroup, "exact");
    kill.evidence.push("proc");
  }
  return mark.pid;
}
