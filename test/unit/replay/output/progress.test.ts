/** The line that is shown while a long input is read: how far, how fast, how long still; on a terminal only. */
import { performance } from "node:perf_hooks";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openProgress } from "../../../../src/replay/output/progress.ts";

const MIB = 1024 * 1024;

let nowMs = 0;

beforeEach(() => {
  vi.spyOn(performance, "now").mockImplementation(() => nowMs);
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** @param columns undefined: no terminal */
function open(columns: number | undefined) {
  const stream = Object.assign(new PassThrough(), columns === undefined ? {} : { isTTY: true, columns });
  const progress = openProgress("table", stream as unknown as NodeJS.WriteStream);
  return { progress, text: () => String(stream.read() ?? "") };
}

test("nothing in the first second, then bar, size, rate, kills and what is left", () => {
  const { progress, text } = open(120);
  progress.begin("kern.log", 100 * MIB);
  nowMs += 900;
  progress.advance(10 * MIB, 1);
  expect(text()).toBe("");
  nowMs += 1100;
  progress.advance(15 * MIB, 3);
  expect(text()).toBe("\r\u001b[K[██········]  25 % kern.log: 25 MiB of 100 MiB, 12.5 MiB/s, 3 kills, 6 s left");
  progress.clear();
  expect(text()).toBe("\r\u001b[K");
});

test("an input without a size, such as a pipe, has neither bar nor end", () => {
  const { progress, text } = open(120);
  progress.begin("standard input", undefined);
  nowMs += 2000;
  progress.advance(50 * MIB, 0);
  expect(text()).toBe('\r\u001b[K"standard input": 50 MiB, 25 MiB/s, 0 kills');
});

test("it stays in its line, and a long time is in minutes", () => {
  const { progress, text } = open(60);
  progress.begin("kern.log", 10_000 * MIB);
  nowMs += 2000;
  progress.advance(20 * MIB, 0);
  const line = text().slice("\r\u001b[K".length);
  expect(line).toHaveLength(59);
  const wide = open(120);
  wide.progress.begin("kern.log", 10_000 * MIB);
  nowMs += 2000;
  wide.progress.advance(20 * MIB, 0);
  expect(wide.text()).toMatch(/, 17 min left$/);
});

test("nothing where standard error is no terminal", () => {
  const { progress, text } = open(undefined);
  progress.begin("kern.log", 100 * MIB);
  nowMs += 5000;
  progress.advance(10 * MIB, 0);
  progress.clear();
  expect(text()).toBe("");
});
