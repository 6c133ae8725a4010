/**
 * Reading takes time in proportion to its input, whatever that is: each hostile shape at three sizes, 60 KiB and then
 * 120 KiB apart. What the larger step costs is twice what the smaller costs where it is linear, and four times where it
 * is quadratic. Steps are counted, no time is taken: test/growth/count-steps.ts says which. A process of its own reads,
 * with V8's optimising compiler and its threads off, so that the counts are the same in every run but for a hundredth.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { createCaptureReader } from "../../parsers/captures/reader.ts";
import type { KernelRecord } from "../../parsers/kernel-record.ts";
import { readCapture } from "../corpus.ts";
import type { Steps } from "../growth/count-steps.ts";
import { SHAPES } from "../growth/shapes.ts";

const KIB = 1024;
/** The first is more than the sample by which a capture is judged, the last less than the longest line that is kept. */
const SIZES = [66 * KIB, 126 * KIB, 246 * KIB] as const;
const FLAGS = ["--single-threaded", "--no-opt", "--sampling-heap-profiler-suppress-randomness"];
/** Between 2 and 4. */
const MAX_GROWTH = 3;
/** Steps a byte that are no growth: where a shape is passed over, little is left but chance. */
const FEW = 4;

const program = fileURLToPath(new URL("../growth/read-shapes.ts", import.meta.url));

describe("twice the input takes twice the steps", () => {
  const stepsOf = new Map<string, [Steps, Steps, Steps]>();

  beforeAll(() => {
    const output = execFileSync(process.execPath, [...FLAGS, program, ...SIZES.map(String)], {
      encoding: "utf8",
      // Far beyond what it takes, so that what is exponential fails as well.
      timeout: 240_000,
    });
    for (const { name, steps } of JSON.parse(output)) stepsOf.set(name, steps);
  }, 300_000);

  test.each(SHAPES)("$name", ({ name }) => {
    const [small, medium, large] = stepsOf.get(name) ?? [];
    if (small === undefined || medium === undefined || large === undefined) throw new Error("not read");
    expect(small.blocks).toBeGreaterThan(0);
    for (const unit of ["blocks", "scanned", "allocated"] as const) {
      const first = Math.max(0, medium[unit] - small[unit]);
      const second = large[unit] - medium[unit];
      expect(second, unit).toBeLessThanOrEqual(MAX_GROWTH * first + FEW * SIZES[2]);
    }
  });
});

describe("a long line", () => {
  const FIGURES = "total-vm:4kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB";
  const killOf = (pid: number): string => `[${pid}.000000] Out of memory: Killed process ${pid} (java) ${FIGURES}`;

  test("is cut to the longest that a kernel prints", () => {
    const records: KernelRecord[] = [];
    const reader = createCaptureReader({
      context: { year: undefined, timezone: undefined, referenceUs: undefined },
      onRecord: (record) => records.push(record),
      isIdle: () => false,
    });
    reader.push(Buffer.from(`[    1.000000] ${"x".repeat(200 * KIB)}\n[    2.000000] eth0: up\n`));
    reader.end();
    expect(records.map(({ text, original }) => [text.length, original.length])).toEqual([
      [8 * KIB, 16 * KIB],
      [8, 23],
    ]);
  });

  test("in JSON is read whole, however long the object is", () => {
    const objectOf = (pid: number): object => ({
      kubernetes: { annotations: "x".repeat(100 * KIB) },
      log: `${killOf(pid)}\n`,
      stream: "stdout",
    });
    const kills = (bytes: string): number => readCapture(Buffer.from(bytes)).kills.length;
    expect(kills(JSON.stringify(objectOf(1)))).toBe(1);
    expect(kills(JSON.stringify(objectOf(1), undefined, 2))).toBe(1);
    const items = Array.from({ length: 40 }, (_, index) => objectOf(index + 1));
    expect(kills(JSON.stringify({ items }, undefined, 2))).toBe(40);
  });

  test("of a container's log, in the parts that its runtime splits it into", () => {
    const message = killOf(1);
    const parts = [message.slice(0, 30), message.slice(30)];
    const cri = parts.map((part, index) => `2026-11-24T06:29:38.000000000Z stdout ${index === 0 ? "P" : "F"} ${part}`);
    expect(readCapture(Buffer.from(cri.join("\n"))).kills.length).toBe(1);
  });
});
