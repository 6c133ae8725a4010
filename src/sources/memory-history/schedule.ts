/** When a cgroup's memory is looked at again: seldom while nothing can happen, often when it is about to. */
import { heldOf, workingSetOf } from "../../../parsers/cgroup/memory-stat.ts";
import type { MemorySample } from "./sample.ts";

/** Without a limit, not even its pod's, it can only be one of those that use up the node. */
const UNLIMITED_MS = 30_000;
/**
 * By the share of the limit that its working set takes. Half a limit is not used up in ten seconds by much that is no
 * spike, and of a spike the last sample before it and the report itself are enough.
 */
const PACES: readonly [share: number, everyMs: number][] = [
  [0.9, 1000],
  [0.75, 2500],
  [0.5, 5000],
  [0, 10_000],
];
/** A start is a program's steepest time, and the one that a limit that is too low shows in. */
const START_MS = 60_000;
const START_PACE_MS = 2000;
/** So many samples more before the limit, at its present speed. */
const MORE = 10;
const LEAST_MS = 250;

/**
 * @param before the sample before the latest
 * @param ageMs how long it has been there; Infinity: longer than we look
 * @returns milliseconds until the next one
 */
export function nextLookMs(
  latest: MemorySample,
  before: MemorySample | undefined,
  limit: number | undefined,
  ageMs: number,
): number {
  if (limit === undefined || limit === 0) return UNLIMITED_MS;
  const share = workingSetOf(latest) / limit;
  const usual = PACES.find(([from]) => share >= from)?.[1] ?? UNLIMITED_MS;
  const pace = ageMs < START_MS ? Math.min(usual, START_PACE_MS) : usual;
  const seconds = secondsToLimit(latest, before, limit);
  return Math.max(LEAST_MS, seconds === undefined ? pace : Math.min(pace, (seconds * 1000) / MORE));
}

/** At the speed of what cannot be reclaimed between the two; undefined where it does not grow. */
function secondsToLimit(latest: MemorySample, before: MemorySample | undefined, limit: number): number | undefined {
  if (before === undefined || latest.atMs <= before.atMs) return undefined;
  const grown = heldOf(latest) - heldOf(before);
  if (grown <= 0) return undefined;
  return ((limit - heldOf(latest)) * (latest.atMs - before.atMs)) / 1000 / grown;
}
