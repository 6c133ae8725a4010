/** What each cause's file gives: how much speaks for the cause, and the facts that do. */

import type { Fact } from "../diagnosis.ts";
import type { Case } from "../input.ts";

export interface Finding {
  /** 0 to 1 */
  score: number;
  facts: Fact[];
}

/** @returns undefined where nothing speaks for it */
export type WeighCause = (one: Case) => Finding | undefined;

/** A score is told with two digits, and nothing is ever certain. */
export function toScore(sum: number): number {
  return Math.round(Math.min(sum, 0.95) * 100) / 100;
}

/** Whether a limit of a cgroup was hit: what fills it is then a question at all. */
export function isLimitHit({ kill, unreported }: Case): boolean {
  const isHit = kill.report.constraint === "memcg" || unreported === "likely";
  return isHit && kill.report.trigger?.order !== -1;
}
