/** A spike: within moments it wanted a good part of its limit more than ever before. */
import type { Case } from "../input.ts";
import { type Finding, isLimitHit, toScore } from "./cause.ts";

/** Slower, and somebody who looks at a graph calls it growth. */
const MAX_SECONDS = 30;
/** The rise against what went before: a leak is as fast in its last minute as in any other. */
const MIN_RATIO = 5;
/** What went before has to be seen for so many times the rise. */
const MIN_BEFORE = 1;
/** Of the limit, below which all stayed before: at what was there before the limit was merely met once more. */
const MOST_BEFORE = 0.85;

export function weighSpike(one: Case): Finding | undefined {
  const { trend } = one;
  if (trend?.rise === undefined || !isLimitHit(one)) return undefined;
  const { seconds, bytes, slopeBefore, secondsBefore, mostBefore } = trend.rise;
  const bytesPerSecond = bytes / Math.max(seconds, 0.001);
  const isSudden = seconds <= MAX_SECONDS && bytesPerSecond >= MIN_RATIO * Math.max(slopeBefore, 0);
  if (!isSudden || secondsBefore < MIN_BEFORE * seconds || mostBefore > MOST_BEFORE * trend.limit) return undefined;
  const isWellSeen = secondsBefore >= 10 * seconds;
  return {
    score: toScore(0.65 + (isWellSeen ? 0.15 : 0) + (seconds <= MAX_SECONDS / 3 ? 0.1 : 0)),
    facts: [
      {
        says: "it rose by {rise} within {seconds} at most ({speed} or more); in {before} before it had never held more than {most}",
        figures: {
          rise: { bytes },
          seconds: { seconds },
          speed: { bytesPerSecond },
          before: { seconds: secondsBefore },
          most: { bytes: mostBefore },
        },
        source: one.unreported === undefined ? "report and history" : "history",
      },
    ],
  };
}
