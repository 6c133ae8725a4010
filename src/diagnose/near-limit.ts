/** Memory that is nearly used up, told before anybody is killed: once when it passes the mark, and not again until it has been well below. */
import { heldOf, workingSetOf } from "../../parsers/cgroup/memory-stat.ts";
import type { MemorySample } from "../sources/memory-history/sample.ts";

export interface NearLimit {
  cgroup: string;
  /** CLOCK_MONOTONIC in milliseconds */
  atMs: number;
  /** bytes: what the kubelet counts, used memory without the page cache that is reclaimed first */
  workingSet: number;
  limit: number;
  percent: number;
  /** of what cannot be reclaimed, over the last minute; absent: it has not been watched for long enough */
  bytesPerSecond?: number;
  /** until the limit at that speed; absent where it does not grow */
  secondsToLimit?: number;
}

export interface NearLimitWatch {
  /** @returns what is to be told */
  see(cgroup: string, sample: MemorySample, limit: number | undefined): NearLimit | undefined;
  gone(cgroup: string): void;
}

/** Points below the mark at which it may be told again: a collector's saw around the mark is one story. */
const REARM_POINTS = 10;
/** … and not before so long: what goes up and down in minutes is one story too. */
const REST_MS = 600_000;
/** The speed is that of so long. */
const SLOPE_MS = 60_000;
/** Less says nothing: the next request, a thread's stack. */
const MIN_SLOPE_MS = 1000;
/** Of each cgroup. */
const MAX_SAMPLES = 64;
/** As many as have a history, and those that are gone and come again. */
const MAX_CGROUPS = 2000;

interface Watched {
  /** of the last minute, oldest first */
  recent: { atMs: number; held: number }[];
  isArmed: boolean;
  toldMs: number;
}

/** @param percent of the limit, above which it is told; 0: never */
export function createNearLimitWatch(percent: number): NearLimitWatch {
  const watched = new Map<string, Watched>();

  return {
    see(cgroup, sample, limit) {
      if (percent === 0 || limit === undefined || limit === 0) return undefined;
      const one = watched.get(cgroup) ?? { recent: [], isArmed: true, toldMs: Number.NEGATIVE_INFINITY };
      if (!watched.has(cgroup)) {
        const [oldest] = watched.keys();
        if (watched.size >= MAX_CGROUPS && oldest !== undefined) watched.delete(oldest);
        watched.set(cgroup, one);
      }
      remember(one, sample);
      const workingSet = workingSetOf(sample);
      const share = (workingSet / limit) * 100;
      if (share < percent - REARM_POINTS) one.isArmed = true;
      if (share < percent || !one.isArmed || sample.atMs - one.toldMs < REST_MS) return undefined;
      one.isArmed = false;
      one.toldMs = sample.atMs;
      return { cgroup, atMs: sample.atMs, workingSet, limit, percent: share, ...speedOf(one, limit) };
    },
    gone: (cgroup) => watched.delete(cgroup),
  };
}

function remember({ recent }: Watched, sample: MemorySample): void {
  recent.push({ atMs: sample.atMs, held: heldOf(sample) });
  // One from before the minute stays, so that there is one to compare with at any pace.
  while (recent.length > MAX_SAMPLES || (recent[1]?.atMs ?? Number.POSITIVE_INFINITY) <= sample.atMs - SLOPE_MS)
    recent.shift();
}

function speedOf({ recent }: Watched, limit: number): Pick<NearLimit, "bytesPerSecond" | "secondsToLimit"> {
  const [first, last] = [recent[0], recent.at(-1)];
  if (first === undefined || last === undefined || last.atMs - first.atMs < MIN_SLOPE_MS) return {};
  const bytesPerSecond = ((last.held - first.held) * 1000) / (last.atMs - first.atMs);
  if (bytesPerSecond <= 0) return { bytesPerSecond };
  return { bytesPerSecond, secondsToLimit: Math.max(0, limit - last.held) / bytesPerSecond };
}
