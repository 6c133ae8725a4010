/** What a restart of the agent goes on from, and how it is read: what was saved may be anything. */
import { parseObject } from "../parsers/loose-json.ts";
import { type Check, fields, isCount, isFlag, isMoment, isText, listOf, optional } from "../parsers/shape.ts";
import type { ContainerKillCount } from "./container-kill-counts.ts";
import { isCorrelatorState } from "./correlate/correlator-state.ts";
import type { PressureSeen } from "./identify/memory-pressure.ts";
import type { KillCount } from "./kill-counts.ts";
import type { LiveState } from "./live.ts";

export interface AgentState extends LiveState {
  pressure?: PressureSeen;
  kills?: KillCount[];
  containerKills?: ContainerKillCount[];
}

/** -1: nothing has been read, the first record is number 0 */
const isPosition: Check = (value) => Number.isSafeInteger(value) && Number(value) >= -1;

/** Without one of these the others are worth the same. */
const EXTRAS: Readonly<Record<"pressure" | "kills" | "containerKills", Check>> = {
  pressure: fields({ nodeUid: optional(isText), isTrue: isFlag, sinceMs: isMoment }),
  kills: listOf(fields({ scope: isText, attribution: isText, kills: isCount })),
  containerKills: listOf(fields({ namespace: isText, pod: isText, container: isText, kills: isCount })),
};

/**
 * @param json as it was saved
 * @param onProblem called for each part that cannot be used
 * @returns the parts that can; undefined: there is nothing to go on from
 */
export function readAgentState(json: string, onProblem: (problem: string) => void): AgentState | undefined {
  const value = parseObject(json);
  if (value === undefined) {
    onProblem("is not a JSON object");
    return undefined;
  }
  const { bootId, position, correlator, pressure, kills, containerKills } = value;
  if (typeof bootId !== "string" || !optional(isPosition)(position) || !isCorrelatorState(correlator)) {
    onProblem("bootId, position or correlator is not what the agent saves");
    return undefined;
  }
  const state: Record<string, unknown> = { bootId, position, correlator };
  for (const [name, extra] of Object.entries({ pressure, kills, containerKills })) {
    if (extra === undefined) continue;
    if (EXTRAS[name as keyof typeof EXTRAS](extra)) state[name] = extra;
    else onProblem(`${name} is not what the agent saves`);
  }
  return state as unknown as AgentState;
}
