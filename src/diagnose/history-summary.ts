/** A cgroup's history before a kill in so few points that they travel with the record. */
import type { MemoryHistory, MemorySample } from "../sources/memory-history/sample.ts";
import type { HistoryPoint, HistorySummary } from "./diagnosis.ts";
import type { Trend } from "./trend.ts";

/**
 * Seconds before the kill, each twice the one before as far as it is: the last moments closely, hours by a point or
 * two. Sixteen points reach half a day back.
 */
const MARKS = Array.from({ length: 16 }, (_, index) => 2 ** index);

/** @returns undefined where nothing was read before the kill */
export function summarizeHistory(
  history: MemoryHistory,
  killMs: number,
  trend: Trend | undefined,
): HistorySummary | undefined {
  const samples = history.samples.filter(({ atMs }) => atMs <= killMs);
  const [first] = samples;
  if (first === undefined) return undefined;
  const summary: HistorySummary = {
    seconds: (killMs - first.atMs) / 1000,
    peak: history.peak,
    points: choose(samples, killMs).map((sample) => toPoint(sample, killMs)),
  };
  if (trend?.growth !== undefined) summary.bytesPerSecond = trend.growth.bytesPerSecond;
  return summary;
}

/** The first, the last, and of those between the one nearest after each mark. */
function choose(samples: readonly MemorySample[], killMs: number): MemorySample[] {
  const chosen = new Set<MemorySample>();
  for (const mark of MARKS) {
    const sample = samples.find(({ atMs }) => killMs - atMs <= mark * 1000);
    if (sample !== undefined) chosen.add(sample);
  }
  for (const end of [samples[0], samples.at(-1)]) if (end !== undefined) chosen.add(end);
  return [...chosen].sort((a, b) => a.atMs - b.atMs);
}

function toPoint({ atMs, usage, anon, file, shmem, kernel }: MemorySample, killMs: number): HistoryPoint {
  return {
    seconds: (killMs - atMs) / 1000,
    usage,
    ...(anon === undefined ? {} : { anon }),
    ...(file === undefined ? {} : { file }),
    ...(shmem === undefined ? {} : { shmem }),
    ...(kernel === undefined ? {} : { kernel }),
  };
}
