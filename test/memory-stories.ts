/** Lives of containers that end in a kill, each with the cause that it was made from, sampled as the agent samples. */
import type { Kill } from "../src/correlate/kill.ts";
import type { Cause } from "../src/diagnose/diagnosis.ts";
import type { KillHistory } from "../src/diagnose/input.ts";
import { createMemoryRing } from "../src/sources/memory-history/ring-buffer.ts";
import type { MemorySample } from "../src/sources/memory-history/sample.ts";
import { nextLookMs } from "../src/sources/memory-history/schedule.ts";
import { CONTAINER_CGROUP, makeKill } from "./kills.ts";

export interface Story {
  /** what it was made as: more than one cause has such a shape */
  name: string;
  cause: Cause;
  kill: Kill;
  history: KillHistory;
}

/** From 0 to below 1. */
export type Random = () => number;

const MIB = 1024 ** 2;
/** The agent looks four times a second at most. */
const TICK_MS = 250;

/** A share of the limit, at a time in seconds. */
type Level = (second: number) => number;

interface Shape {
  cause: Cause;
  seconds: number;
  level: Level;
  /** the agent has seen it from its start */
  isFromStart: boolean;
}

/** By name: `stairs`, `warm-up` and `walk` are growth that is neither a leak nor a spike. */
export const SHAPES: Readonly<Record<string, (random: Random) => Shape>> = {
  leak(random) {
    const seconds = logBetween(random, 30, 3 * 86_400);
    const base = between(random, 0.1, 0.45);
    // Heavier load leaks faster: it need not be a straight line.
    const bend = between(random, 0.85, 1.25);
    return {
      cause: "leak",
      seconds,
      isFromStart: random() < 0.7,
      level: (at) => base + (1 - base) * (at / seconds) ** bend,
    };
  },
  "leak after a start"(random) {
    const seconds = logBetween(random, 120, 86_400);
    const start = between(random, 0.02, 0.06) * seconds;
    const base = between(random, 0.2, 0.5);
    const level: Level = (at) =>
      at < start ? (base * at) / start : base + ((1 - base) * (at - start)) / (seconds - start);
    return { cause: "leak", seconds, isFromStart: true, level };
  },
  spike(random) {
    const seconds = logBetween(random, 60, 86_400);
    const base = between(random, 0.1, 0.6);
    const rise = logBetween(random, 0.3, 15);
    const from = seconds - rise;
    return {
      cause: "spike",
      seconds,
      isFromStart: random() < 0.5,
      level: (at) => (at < from ? base : base + ((1 - base) * (at - from)) / rise),
    };
  },
  "limit too low"(random) {
    const seconds = logBetween(random, 30, 86_400);
    const base = between(random, 0.84, 0.96);
    const start = Math.min(between(random, 1, 20), seconds / 4);
    const level: Level = (at) => (at < start ? (base * at) / start : at < seconds - 0.5 ? base : 1);
    return { cause: "limit_too_low", seconds, isFromStart: random() < 0.7, level };
  },
  "collector at its limit"(random) {
    // A heap that is allowed all of the limit: it is collected when it is nearly full, and once too late.
    const seconds = logBetween(random, 300, 86_400);
    const depth = between(random, 0.2, 0.4);
    const period = seconds / between(random, 20, 60);
    const level: Level = (at) => (at < seconds - 1 ? 0.97 - depth + depth * ((at % period) / period) : 1);
    return { cause: "limit_too_low", seconds, isFromStart: random() < 0.7, level };
  },
  stairs(random) {
    const seconds = logBetween(random, 900, 86_400);
    const step = between(random, 0.3, 0.7) * seconds;
    const [low, high] = [between(random, 0.1, 0.25), between(random, 0.45, 0.6)];
    const last = seconds - between(random, 60, 180);
    const level: Level = (at) =>
      at < step ? low : at < last ? high : high + ((1 - high) * (at - last)) / (seconds - last);
    return { cause: "unknown", seconds, isFromStart: true, level };
  },
  "warm-up"(random) {
    const seconds = logBetween(random, 900, 86_400);
    const full = between(random, 0.5, 0.68);
    const last = seconds - between(random, 60, 120);
    const level: Level = (at) => {
      const warm = full * (1 - Math.exp((-8 * at) / seconds));
      return at < last ? warm : warm + ((1 - warm) * (at - last)) / (seconds - last);
    };
    return { cause: "unknown", seconds, isFromStart: true, level };
  },
  "day and night"(random) {
    const seconds = between(random, 2, 6) * 86_400;
    const [mean, swing] = [between(random, 0.35, 0.45), between(random, 0.1, 0.2)];
    const last = seconds - between(random, 120, 600);
    const level: Level = (at) => {
      const usual = mean + swing * Math.sin((at / 86_400) * 2 * Math.PI);
      return at < last ? usual : usual + ((1 - usual) * (at - last)) / (seconds - last);
    };
    return { cause: "unknown", seconds, isFromStart: true, level };
  },
};

/** @param name of a shape */
export function tellStory(name: string, random: Random): Story {
  const shape = SHAPES[name]?.(random);
  if (shape === undefined) throw new Error(`no story is called ${name}`);
  const limit = Math.round(logBetween(random, 64, 8192)) * MIB;
  const noise = between(random, 0, 0.02);
  // A collector's saw: most of what it frees was taken since.
  const saw = random() < 0.5 ? between(random, 0.02, 0.12) : 0;
  const period = Math.max(2, shape.seconds / between(random, 30, 300));
  const cache = between(random, 0, 0.3);
  const ring = createMemoryRing();
  const killMs = Math.round(shape.seconds * 1000);
  let before: MemorySample | undefined;
  for (let atMs = 0; atMs < killMs; ) {
    const at = atMs / 1000;
    const level = shape.level(at) + saw * ((at % period) / period - 1) + noise * (random() * 2 - 1);
    // Nothing but the end reaches the limit: else that would be the end.
    const held = Math.max(0.01, Math.min(level, 0.985)) * limit;
    const file = Math.min(cache * limit, limit - held);
    const sample = { atMs, usage: held + file, anon: held, file, inactiveFile: file * 0.8, shmem: 0, kernel: 0 };
    ring.push(sample);
    const age = shape.isFromStart ? atMs : Number.POSITIVE_INFINITY;
    atMs += Math.ceil(nextLookMs(sample, before, limit, age) / TICK_MS) * TICK_MS;
    before = sample;
  }
  const own = {
    cgroup: CONTAINER_CGROUP,
    limit,
    isFromStart: shape.isFromStart,
    samples: ring.samples(),
    peak: ring.peak,
  };
  return { name, cause: shape.cause, kill: killAt(limit), history: { killMs, own } };
}

/** The report of a kill at a limit, filled with private memory. */
function killAt(limit: number): Kill {
  const anon = Math.round(limit * 0.99);
  return makeKill({
    report: {
      memory: { usageKb: limit / 1024, limitKb: limit / 1024, failcnt: 9 },
      memcgStats: { path: CONTAINER_CGROUP, values: { anon, file: limit - anon, shmem: 0, kernel: 0 } },
    },
  });
}

function between(random: Random, low: number, high: number): number {
  return low + random() * (high - low);
}

/** As many in each order of magnitude. */
function logBetween(random: Random, low: number, high: number): number {
  return low * (high / low) ** random();
}
