/** A gigabyte of kernel log through a pipe: the program that is shipped holds little of it at any time. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { succeed, watchPeakMemory } from "../../bench/process.ts";
import { generateCapture } from "../../bench/replay/capture.ts";
import { countRecords } from "../../bench/replay/contenders.ts";
import { buildProgram } from "../../scripts/build.ts";

const GB = 1e9;
/** Measured: 108 to 124 MB, of which 60 are the program's before it has read a line. */
const MAX_PEAK_BYTES = 140e6;

let folder: string;
let program: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "oomscribe-memory-"));
  program = join(folder, "oomscribe.mjs");
  await buildProgram(program);
});
afterAll(() => rmSync(folder, { recursive: true }));

test("1 GB of noise with 4,000 reports takes less than 140 MB", { timeout: 120_000 }, async () => {
  const child = spawn(process.execPath, [program, "replay", "--output", "ndjson", "-"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const capture = generateCapture({ bytes: GB, noiseLines: 2000 });
  const [peak, kills] = await Promise.all([
    watchPeakMemory(child),
    countRecords(child.stdout),
    pipeline(capture, child.stdin),
    succeed(child, "oomscribe"),
  ]);
  // So that it was read to the end.
  expect(kills).toBeGreaterThan(4000);
  expect(peak).toBeGreaterThan(20e6);
  expect(peak).toBeLessThan(MAX_PEAK_BYTES);
});
