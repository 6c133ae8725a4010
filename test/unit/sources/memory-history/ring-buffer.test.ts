/** The ring: bounded whatever comes, exact about the last samples, and of what is older the least of each span. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { heldOf, workingSetOf } from "../../../../parsers/cgroup/memory-stat.ts";
import { COARSE, createMemoryRing, FINE, RING_BYTES } from "../../../../src/sources/memory-history/ring-buffer.ts";
import type { MemorySample } from "../../../../src/sources/memory-history/sample.ts";
import { nextLookMs } from "../../../../src/sources/memory-history/schedule.ts";

const PAGE = 4096;
const MIB = 1024 ** 2;

const pages = fc.integer({ min: 0, max: 2 ** 30 }).map((count) => count * PAGE);
const sample = fc.record({
  gapMs: fc.integer({ min: 1, max: 100_000 }),
  usage: pages,
  anon: fc.option(pages, { nil: undefined }),
});

function fill(parts: readonly { gapMs: number; usage: number; anon: number | undefined }[]): MemorySample[] {
  let atMs = 0;
  return parts.map(({ gapMs, usage, anon }) => {
    atMs += gapMs;
    return { atMs, usage, ...(anon === undefined ? {} : { anon }) };
  });
}

test("the last ones as they were, older ones thinned, all in order, never more than there is room for", () => {
  fc.assert(
    fc.property(fc.array(sample, { maxLength: 1500 }), (parts) => {
      const ring = createMemoryRing();
      const pushed = fill(parts);
      for (const one of pushed) ring.push(one);
      const kept = ring.samples();
      const fine = pushed.slice(-FINE);
      expect(kept.slice(-fine.length || kept.length)).toEqual(fine);
      expect(kept.length).toBeLessThanOrEqual(FINE + COARSE);
      expect(kept.map(({ atMs }) => atMs)).toEqual(kept.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
      for (const one of kept) expect(pushed).toContainEqual(one);
      expect(ring.lastUntil(Number.POSITIVE_INFINITY)).toEqual(pushed.at(-1));
      expect(ring.lastUntil((pushed.at(-1)?.atMs ?? 0) - 1)).toEqual(pushed.at(-2));
      expect(ring.peak).toBe(Math.max(0, ...pushed.map(({ usage }) => usage)));
    }),
    { numRuns: 30 },
  );
});

test("of what is older the least is never lost", () => {
  fc.assert(
    fc.property(fc.array(sample, { minLength: FINE + 1, maxLength: 1500 }), (parts) => {
      const ring = createMemoryRing();
      const pushed = fill(parts);
      for (const one of pushed) ring.push(one);
      const old = pushed.slice(0, -FINE).map(heldOf);
      expect(Math.min(...ring.samples().slice(0, -FINE).map(heldOf))).toBe(Math.min(...old));
    }),
    { numRuns: 30 },
  );
});

test("a month of a look every ten seconds is there from its first day", () => {
  const ring = createMemoryRing();
  const MONTH_MS = 30 * 86_400_000;
  for (let atMs = 0; atMs <= MONTH_MS; atMs += 10_000) ring.push({ atMs, usage: atMs - (atMs % PAGE) });
  const kept = ring.samples();
  expect(kept[0]?.atMs).toBe(0);
  const gaps = kept.slice(0, -FINE).map(({ atMs }, index) => atMs - (kept[index - 1]?.atMs ?? 0));
  expect(Math.max(...gaps)).toBeLessThan(MONTH_MS / (COARSE / 4));
  expect(kept.length).toBeGreaterThan(FINE + COARSE / 2 - 1);
});

test("what it takes", () => {
  expect(RING_BYTES).toBe(9216);
});

test.each<[string, number, number | undefined, number, number, number]>([
  ["idle", 100, undefined, 1000, Number.POSITIVE_INFINITY, 10_000],
  ["half full", 500, undefined, 1000, Number.POSITIVE_INFINITY, 5000],
  ["near", 900, undefined, 1000, Number.POSITIVE_INFINITY, 1000],
  ["in its first minute", 100, undefined, 1000, 3000, 2000],
  ["a second before at half of it: a tenth of the second that is left", 400, 200, 1000, Number.POSITIVE_INFINITY, 300],
  ["… and at its limit", 990, 500, 1000, Number.POSITIVE_INFINITY, 250],
  ["falling", 400, 800, 1000, Number.POSITIVE_INFINITY, 10_000],
  ["slowly rising", 400, 399, 1000, Number.POSITIVE_INFINITY, 10_000],
  ["without a limit", 400, 200, 0, Number.POSITIVE_INFINITY, 30_000],
])("%s", (_, usage, before, limit, ageMs, everyMs) => {
  const earlier = before === undefined ? undefined : { atMs: 0, usage: before * MIB };
  const own = limit === 0 ? undefined : limit * MIB;
  expect(nextLookMs({ atMs: 1000, usage: usage * MIB }, earlier, own, ageMs)).toBe(everyMs);
});

test("page cache that is reclaimed first is not near any limit", () => {
  expect(workingSetOf({ usage: 100, inactiveFile: 40 })).toBe(60);
  expect(nextLookMs({ atMs: 1, usage: 1000, inactiveFile: 900 }, undefined, 1000, Number.POSITIVE_INFINITY)).toBe(
    10_000,
  );
});
