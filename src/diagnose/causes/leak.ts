/** A leak: what it holds grows, and goes on growing, until the limit. */
import type { Case } from "../input.ts";
import { type Finding, isLimitHit, toScore } from "./cause.ts";

/** Less than a fifth of the limit may be anything: a cache that warms up, a busier hour. */
const MIN_GROWTH = 0.2;
/**
 * How much of the movement a straight line must explain. A single step, the commonest growth that is no leak,
 * reaches 0.75 at most; what grows evenly with a collector's noise on its feet stays above 0.9.
 */
const MIN_FIT = 0.85;
/** Of the growth, in each third of the time: what levels off fills up, and does not leak. */
const MIN_THIRD = 0.12;
/** Below that nobody can tell a leak from a start. */
const MIN_SECONDS = 20;
/** From here on more time adds no certainty. */
const LONG_SECONDS = 3600;

export function weighLeak(one: Case): Finding | undefined {
  const { trend } = one;
  if (trend?.growth === undefined || !isLimitHit(one)) return undefined;
  const { growth, fit, bytesPerSecond, seconds, thirds } = trend.growth;
  const least = Math.min(...thirds);
  if (seconds < MIN_SECONDS || growth < MIN_GROWTH * trend.limit || fit < MIN_FIT || least < MIN_THIRD * growth)
    return undefined;
  const length = Math.min(1, Math.log(seconds / MIN_SECONDS) / Math.log(LONG_SECONDS / MIN_SECONDS));
  const says = trend.isFromStart
    ? "what cannot be reclaimed grew all the time: by {growth} in {seconds} ({slope}), from its start to the limit"
    : "what cannot be reclaimed grew all the time that it was watched: by {growth} in {seconds} ({slope})";
  return {
    score: toScore(0.6 + (0.15 * (fit - MIN_FIT)) / (1 - MIN_FIT) + 0.2 * length),
    facts: [
      {
        says,
        figures: {
          growth: { bytes: growth },
          seconds: { seconds },
          slope: { bytesPerSecond },
        },
        source: "history",
      },
      {
        says: "a straight line explains {fit} of it, and no third of the time has less than {third} of the growth",
        figures: { fit: { percent: fit * 100 }, third: { percent: (least / growth) * 100 } },
        source: "history",
      },
    ],
  };
}
