/** A kill of which the log has no line, in the shape of one that it has: with a report in which nothing stands. */
import type { UnloggedKill } from "../correlate/kill.ts";
import type { CaseKill } from "./input.ts";

export function toUnreportedKill(kill: UnloggedKill): CaseKill {
  const { victim = {}, scope = "unknown", isLimit, evidence, victimCgroup, limitCgroup, identity, pid1 } = kill;
  return {
    victim,
    report: { constraint: isLimit === true ? "memcg" : "unknown" },
    scope,
    evidence,
    ...(victimCgroup === undefined ? {} : { victimCgroup }),
    ...(limitCgroup === undefined ? {} : { limitCgroup }),
    ...(identity === undefined ? {} : { identity }),
    ...(pid1 === undefined ? {} : { pid1 }),
  };
}
