/** How many kills that no count confirms have a record of their own, and that all others are counted. */
import { expect, test } from "vitest";
import { createUnverifiedLimit } from "../../../src/correlate/unverified-limit.ts";

const MINUTE_MS = 60_000;

test("a hundred at once, then one in ten seconds; the rest is counted once a minute", () => {
  const limit = createUnverifiedLimit(0);
  let taken = 0;
  let suppressed = 0;
  let reports = 0;
  for (let nowMs = 0; nowMs < 10 * MINUTE_MS; nowMs += 100) {
    if (limit.take(nowMs)) taken++;
    const found = limit.suppressed(nowMs);
    if (found !== undefined) reports++;
    suppressed += found?.count ?? 0;
  }
  const last = limit.suppressed(10 * MINUTE_MS, true);
  expect(taken).toBe(100 + 59);
  expect(reports).toBe(9);
  expect(taken + suppressed + (last?.count ?? 0)).toBe(6000);
});

test("after a quiet time there are a hundred again, and no more", () => {
  const limit = createUnverifiedLimit(0);
  for (let index = 0; index < 150; index++) limit.take(0);
  const later = 100 * MINUTE_MS;
  expect(limit.suppressed(later)).toEqual({ count: 50, fromMs: 0, untilMs: 0 });
  expect(Array.from({ length: 150 }, () => limit.take(later)).filter(Boolean).length).toBe(100);
});

test("a restart does not refill it, nor lose what was left out", () => {
  const first = createUnverifiedLimit(0);
  for (let index = 0; index < 120; index++) first.take(1000);
  const second = createUnverifiedLimit(2000, structuredClone(first.state()));
  expect(second.take(2000)).toBe(false);
  expect(second.suppressed(2000, true)).toEqual({ count: 21, fromMs: 1000, untilMs: 2000 });
});
