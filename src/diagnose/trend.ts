/**
 * How memory moved before a kill: how steady it was, how fast it grew, how suddenly it rose.
 *
 * What is looked at is what cannot be reclaimed (`held`: private memory, tmpfs, kernel memory): page cache fills every
 * limit in time and says nothing. A garbage collector makes a saw of it, so growth is read from the teeth's feet: the
 * least of each of a few equal spans of time.
 */
import { heldOf } from "../../parsers/cgroup/memory-stat.ts";
import type { MemoryHistory, MemorySample } from "../sources/memory-history/sample.ts";
import type { MemoryUse } from "./memory-use.ts";

interface TrendPoint {
  /** seconds before the kill, 0 at it */
  before: number;
  held: number;
}

interface Line {
  bytesPerSecond: number;
  /** 0 to 1: how much of the movement the line explains */
  fit: number;
  /** bytes from its beginning to its end */
  growth: number;
  seconds: number;
}

interface Rise {
  /** it took at most that long */
  seconds: number;
  bytes: number;
  /** before it; bytes a second */
  slopeBefore: number;
  secondsBefore: number;
  /** most that was held before it, bytes */
  mostBefore: number;
}

interface Plateau {
  /** up to the kill */
  seconds: number;
  /** bytes: what it held in the middle of it */
  held: number;
  /** the line through it */
  line: Line;
}

export interface Trend {
  limit: number;
  isFromStart: boolean;
  peak: number;
  /** growth of the feet, from the first to the kill; undefined: too few samples */
  growth?: Line & { /** of each third, bytes */ thirds: readonly [number, number, number] };
  /** the last time that it rose by a quarter of its limit */
  rise?: Rise;
  /** time up to the kill in which it held three quarters of its limit or more */
  plateau?: Plateau;
  /** percent, the last PSI that was read */
  pressure?: number;
  /** page cache at the kill, or last before it, bytes */
  cache?: number;
}

/**
 * A quarter of the limit: less is what a busy program needs more from one moment to the next. Above three quarters of
 * the limit no such rise fits any more, so that what happens there is a question of the limit: the two meet.
 */
const RISE_SHARE = 0.25;
/** Enough to see a bend, few enough that each has a collection in it. */
const SPANS = 24;
const MIN_SAMPLES = 6;
/** Of a plateau's samples. */
const PLATEAU_SHARE = 0.5;

/** @param atKill what the report says of that cgroup, or nothing @returns undefined where there is no limit or nothing was read before the kill */
export function readTrend(history: MemoryHistory, atKill: MemoryUse, killMs: number): Trend | undefined {
  const limit = atKill.whole ?? history.limit;
  const samples = history.samples.filter(({ atMs }) => atMs <= killMs);
  const [first] = samples;
  const last = samples.at(-1);
  if (limit === undefined || limit === 0 || first === undefined || last === undefined) return undefined;
  const points = samples.map((sample) => toPoint(sample, killMs));
  if (atKill.used !== undefined) points.push({ before: 0, held: heldOf({ ...atKill, usage: atKill.used }) });
  const trend: Trend = {
    limit,
    isFromStart: history.isFromStart,
    peak: Math.max(history.peak, atKill.used ?? 0),
  };
  const feet = feetOf(points);
  if (samples.length >= MIN_SAMPLES && feet.length >= MIN_SAMPLES) {
    trend.growth = { ...fitLine(feet), thirds: thirdsOf(feet) };
  }
  const rise = findRise(points, limit);
  if (rise !== undefined) trend.rise = rise;
  const plateau = findPlateau(points, limit);
  if (plateau !== undefined) trend.plateau = plateau;
  if (last.pressure !== undefined) trend.pressure = last.pressure;
  const cache = atKill.file ?? last.file;
  if (cache !== undefined) trend.cache = cache;
  return trend;
}

function toPoint(sample: MemorySample, killMs: number): TrendPoint {
  return { before: (killMs - sample.atMs) / 1000, held: heldOf(sample) };
}

/**
 * The least of each span; spans without a sample are left out. It makes a minute count as much as any other, too: of a
 * cgroup near its limit there are samples by the dozen.
 */
function feetOf(points: readonly TrendPoint[]): TrendPoint[] {
  const seconds = points[0]?.before ?? 0;
  const feet: (TrendPoint | undefined)[] = new Array(SPANS).fill(undefined);
  for (const point of points) {
    const span = Math.min(SPANS - 1, Math.floor(((seconds - point.before) / (seconds || 1)) * SPANS));
    const foot = feet[span];
    if (foot === undefined || point.held < foot.held) feet[span] = point;
  }
  return feet.filter((foot) => foot !== undefined);
}

/** Least squares. */
function fitLine(points: readonly TrendPoint[]): Line {
  const n = points.length;
  const meanT = points.reduce((sum, { before }) => sum - before, 0) / n;
  const meanY = points.reduce((sum, { held }) => sum + held, 0) / n;
  let tt = 0;
  let ty = 0;
  let yy = 0;
  for (const { before, held } of points) {
    tt += (-before - meanT) ** 2;
    ty += (-before - meanT) * (held - meanY);
    yy += (held - meanY) ** 2;
  }
  const bytesPerSecond = tt === 0 ? 0 : ty / tt;
  const seconds = (points[0]?.before ?? 0) - (points.at(-1)?.before ?? 0);
  return {
    bytesPerSecond,
    fit: tt === 0 || yy === 0 ? 0 : ty ** 2 / (tt * yy),
    growth: bytesPerSecond * seconds,
    seconds,
  };
}

/** How much was gained in each third of the time. */
function thirdsOf(feet: readonly TrendPoint[]): [number, number, number] {
  const at = (share: number): number => feet[Math.round(share * (feet.length - 1))]?.held ?? 0;
  const [start, one, two, end] = [at(0), at(1 / 3), at(2 / 3), at(1)];
  return [one - start, two - one, end - two];
}

/** Backwards from the kill to where a quarter of the limit less was held. */
function findRise(points: readonly TrendPoint[], limit: number): Rise | undefined {
  const end = points.at(-1);
  const low = points.findLastIndex(({ held }) => held <= (end?.held ?? 0) - RISE_SHARE * limit);
  const from = points[low];
  if (from === undefined || end === undefined) return undefined;
  const earlier = points.slice(0, low + 1);
  const line = fitLine(feetOf(earlier));
  return {
    seconds: from.before,
    bytes: end.held - from.held,
    slopeBefore: earlier.length < 3 ? 0 : line.bytesPerSecond,
    secondsBefore: (points[0]?.before ?? 0) - from.before,
    mostBefore: Math.max(...earlier.map(({ held }) => held)),
  };
}

/** As far back as it was high for most of the time: the teeth of a collector's saw go below for a while. */
function findPlateau(points: readonly TrendPoint[], limit: number): Plateau | undefined {
  const isHigh = ({ held }: TrendPoint): boolean => held >= (1 - RISE_SHARE) * limit;
  let start = points.length;
  let high = 0;
  for (const [index, point] of [...points.entries()].reverse()) {
    if (!isHigh(point)) continue;
    high++;
    if (high / (points.length - index) >= PLATEAU_SHARE) start = index;
  }
  const within = points.slice(start);
  const [first] = within;
  if (first === undefined || within.length < 3) return undefined;
  const sorted = within.map(({ held }) => held).sort((a, b) => a - b);
  return { seconds: first.before, held: sorted[Math.floor(sorted.length / 2)] ?? 0, line: fitLine(feetOf(within)) };
}
