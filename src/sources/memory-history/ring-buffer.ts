/**
 * A cgroup's memory over all its life in ten kilobytes: the last samples as they are, what is older as the least of
 * each span of time. When there is no room for another span, each two become one of twice the length: hours, days or
 * months fit, more and more coarsely.
 */
import { heldOf } from "../../../parsers/cgroup/memory-stat.ts";
import type { MemorySample } from "./sample.ts";

export interface MemoryRing {
  /** Samples come in the order of their times. */
  push(sample: MemorySample): void;
  /** oldest first */
  samples(): MemorySample[];
  /** the last one that was taken until then */
  lastUntil(ms: number): MemorySample | undefined;
  /** most that was used at any time, bytes */
  readonly peak: number;
}

/** Two minutes at one a second, which is how often a cgroup near its limit is looked at. */
export const FINE = 128;
export const COARSE = 128;
/** The first length of a span. */
const SPAN_MS = 15_000;

/** What of a sample is kept, beside its time. Pages, but for the last, which is percent. */
const FIELDS = ["usage", "anon", "file", "inactiveFile", "shmem", "kernel", "pressure"] as const;
const WIDTH = FIELDS.length;
const PAGE = 4096;
const ABSENT = 0xffffffff;

/** Bytes that the samples of one ring take. */
export const RING_BYTES = (FINE + COARSE) * (Float64Array.BYTES_PER_ELEMENT + WIDTH * Uint32Array.BYTES_PER_ELEMENT);

export function createMemoryRing(): MemoryRing {
  const fine = createSlots(FINE);
  const coarse = createSlots(COARSE);
  /** of fine: where the oldest is, and how many there are */
  let oldest = 0;
  let count = 0;
  let coarseCount = 0;
  let spanMs = SPAN_MS;
  /** when the last span of coarse began */
  let beganMs = 0;
  let peak = 0;

  /** What leaves the fine samples: the least of its span stays. */
  function age(sample: MemorySample): void {
    if (coarseCount > 0 && sample.atMs < beganMs + spanMs) {
      if (heldOf(sample) < heldOf(coarse.get(coarseCount - 1))) coarse.set(coarseCount - 1, sample);
      return;
    }
    if (coarseCount === COARSE) halve();
    beganMs = sample.atMs;
    coarse.set(coarseCount++, sample);
  }

  function halve(): void {
    for (let to = 0; to < COARSE / 2; to++) {
      const [one, other] = [coarse.get(2 * to), coarse.get(2 * to + 1)];
      coarse.set(to, heldOf(other) < heldOf(one) ? other : one);
    }
    coarseCount = COARSE / 2;
    spanMs *= 2;
  }

  return {
    push(sample) {
      peak = Math.max(peak, sample.usage);
      if (count < FINE) {
        fine.set(count++, sample);
        return;
      }
      age(fine.get(oldest));
      fine.set(oldest, sample);
      oldest = (oldest + 1) % FINE;
    },
    samples: () => [
      ...Array.from({ length: coarseCount }, (_, at) => coarse.get(at)),
      ...Array.from({ length: count }, (_, at) => fine.get((oldest + at) % FINE)),
    ],
    lastUntil(ms) {
      for (let at = count - 1; at >= 0; at--) {
        const sample = fine.get((oldest + at) % FINE);
        if (sample.atMs <= ms) return sample;
      }
      return undefined;
    },
    get peak() {
      return peak;
    },
  };
}

interface Slots {
  get(at: number): MemorySample;
  set(at: number, sample: MemorySample): void;
}

function createSlots(length: number): Slots {
  const times = new Float64Array(length);
  const values = new Uint32Array(length * WIDTH);
  return {
    get(at) {
      const sample: MemorySample = { atMs: times[at] ?? 0, usage: 0 };
      for (const [field, name] of FIELDS.entries()) {
        const value = values[at * WIDTH + field] ?? ABSENT;
        if (value !== ABSENT) sample[name] = name === "pressure" ? value : value * PAGE;
      }
      return sample;
    },
    set(at, sample) {
      times[at] = sample.atMs;
      for (const [field, name] of FIELDS.entries()) {
        const value = sample[name];
        values[at * WIDTH + field] =
          value === undefined ? ABSENT : Math.min(ABSENT - 1, Math.round(name === "pressure" ? value : value / PAGE));
      }
    },
  };
}
