/** Kills that a count alone tells, until their lines can come no more: a line that does is the same kill, told better. */
import type { MarkVictim } from "../../parsers/oom/mark-victim.ts";
import type { VictimProc } from "../sources/victim-proc.ts";
import { addEvidence, type Kill, placeIn, type UnloggedKill } from "./kill.ts";
import { meets, type Window } from "./match.ts";
import type { Remembered } from "./remembered.ts";
import { addTracepoint } from "./witnesses.ts";

/** A count that no line explains. */
export interface Unexplained extends Window {
  /** what it stands at */
  value: number;
  /** cgroups of which one's count it is, the likeliest first; undefined: any; none: the node's */
  choices: readonly (string | undefined)[];
  /** the victim was in that very one */
  isOwn: boolean;
  /** counts of kills without a line besides */
  others: readonly Window[];
}

export interface UnloggedKills {
  /** A kill of it, with the tracepoint's word where there is one: that is used up then. */
  add(count: Unexplained): UnloggedKill;
  /** A line has come: is it one of them? @returns whether it is; the kill then says as what it was told before */
  claim(kill: Kill, window: Window): boolean;
  /** Those that were counted by then: no line of theirs comes any more. */
  forget(untilMs: number): void;
}

/** Between the looks at the log and those at the counters. */
const SLACK_MS = 1000;

export function createUnloggedKills(marks: Remembered<MarkVictim>, procs: Remembered<VictimProc>): UnloggedKills {
  let told: UnloggedKill[] = [];

  return {
    add({ afterMs, untilMs, value, choices, isOwn, others }) {
      const [cgroup] = choices;
      const kill: UnloggedKill = {
        counter: cgroup ?? "node",
        value,
        afterMs,
        untilMs,
        evidence: ["counter"],
        attribution: "unknown",
      };
      if (choices.length > 1) kill.candidates = choices.filter((choice) => choice !== undefined);
      else if (cgroup !== undefined) placeIn(kill, cgroup, isOwn ? "exact" : "inferred");
      const nameless = told.filter(({ victim }) => victim === undefined);
      const pid = addTracepoint(kill, marks, procs, [...others, ...nameless]);
      if (pid !== undefined) marks.remove(pid);
      told.push(kill);
      return kill;
    },
    claim(kill, window) {
      const found = told.find((one) =>
        one.victim === undefined
          ? kill.victimCgroup !== undefined && one.victimCgroup === kill.victimCgroup && meets(one, window)
          : one.victim.pid === kill.victim.pid && meets(around(one), window),
      );
      if (found === undefined) return false;
      told = told.filter((other) => other !== found);
      kill.toldBefore = found;
      addEvidence(kill, "counter");
      return true;
    },
    forget(untilMs) {
      told = told.filter((kill) => kill.untilMs > untilMs);
    },
  };
}

/** A pid is used again, and a line that may be forged can name any. */
function around({ afterMs, untilMs }: Window): Window {
  return { afterMs: afterMs - SLACK_MS, untilMs: untilMs + SLACK_MS };
}
