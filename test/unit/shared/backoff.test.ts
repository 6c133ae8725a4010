/** How long a sender waits: doubling up to a bound, spread out, and never less than the backend asks for. */
import { expect, test } from "vitest";
import { createBackoff } from "../../../src/shared/backoff.ts";

const HOUR_MS = 3_600_000;

/** The longest and the shortest of `count` failures in a row. */
function waits(count: number, askedMs?: number): { low: number[]; high: number[] } {
  const [low, high] = [0, 1 - Number.EPSILON].map((value) => {
    const backoff = createBackoff({ firstMs: 1000, maxMs: 60_000, random: () => value });
    return Array.from({ length: count }, () => Math.round(backoff.afterFailure(askedMs)));
  });
  return { low: low ?? [], high: high ?? [] };
}

test("it doubles up to its bound, and is half of that at least", () => {
  expect(waits(8)).toEqual({
    low: [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000],
    high: [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000],
  });
});

test("it begins again when something got through", () => {
  const backoff = createBackoff({ random: () => 0 });
  for (let index = 0; index < 2000; index++) backoff.afterFailure();
  expect(backoff.afterFailure()).toBe(30_000);
  backoff.reset();
  expect(backoff.afterFailure()).toBe(500);
});

test("what the backend asks for is the least, with a little on top", () => {
  expect(waits(1, 120_000)).toEqual({ low: [120_000], high: [132_000] });
  expect(waits(1, 0)).toEqual({ low: [500], high: [1000] });
});

test("nobody waits for a year", () => {
  expect(waits(1, 365 * 24 * HOUR_MS)).toEqual({ low: [HOUR_MS], high: [HOUR_MS + HOUR_MS / 10] });
});

test("what somebody has to mend is tried now and then", () => {
  const backoff = createBackoff({ random: () => 0 });
  expect([backoff.afterBlock(), backoff.afterBlock()]).toEqual([30_000, 30_000]);
});
