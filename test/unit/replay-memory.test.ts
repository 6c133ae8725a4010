/** Long kernel logs through a pipe: the program that is shipped holds little of them at any time. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { succeed, watchPeakMemory } from "../../bench/process.ts";
import { type CaptureOptions, generateCapture } from "../../bench/replay/capture.ts";
import { countRecords } from "../../bench/replay/contenders.ts";
import { buildProgram } from "../../scripts/build.ts";
import { printGroupKill } from "../group-kill-lines.ts";

const MB = 1e6;
/** What the README says of any input. Measured: 88 to 124 MB, of which 65 are the program's before it reads a line. */
const MAX_PEAK_BYTES = 150 * MB;
/** How much the peak of one run differs from that of another with the same input. */
const SPREAD_BYTES = 16 * MB;

let folder: string;
let program: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "oomscribe-memory-"));
  program = join(folder, "oomscribe.mjs");
  await buildProgram(program);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Replays a generated capture. @returns the peak of resident memory in bytes */
async function measurePeak(
  capture: CaptureOptions,
  args: readonly string[],
  readOutput: (output: Readable) => Promise<unknown>,
): Promise<number> {
  const child = spawn(process.execPath, [program, "replay", ...args, "-"], { stdio: ["pipe", "pipe", "ignore"] });
  const [peak] = await Promise.all([
    watchPeakMemory(child),
    readOutput(child.stdout),
    pipeline(generateCapture(capture), child.stdin),
    succeed(child, "oomscribe"),
  ]);
  expect(peak).toBeGreaterThan(20 * MB);
  return peak;
}

test("1 GB of noise with 4,000 reports takes less than 140 MB", { timeout: 120_000 }, async () => {
  let kills = 0;
  const peak = await measurePeak({ bytes: 1000 * MB, noiseLines: 2000 }, ["--output", "ndjson"], async (output) => {
    kills = await countRecords(output);
  });
  // So that it was read to the end.
  expect(kills).toBeGreaterThan(4000);
  expect(peak).toBeLessThan(140 * MB);
});

const outputs: [what: string, args: string[]][] = [
  ["as ndjson", ["--output", "ndjson"]],
  ["as a table", []],
  ["as a table of groups", ["--group-by", "container"]],
  ["as a page", ["--html", "page.html"]],
];

test.each(outputs)("nothing but reports, %s: 120 MB take no more than 60", { timeout: 120_000 }, async (_, args) => {
  const paths = args.map((arg) => (arg.endsWith(".html") ? join(folder, arg) : arg));
  const peakOf = (bytes: number): Promise<number> =>
    measurePeak({ bytes, noiseLines: 0 }, paths, (output) => text(output));
  const [half, whole] = [await peakOf(60 * MB), await peakOf(120 * MB)];
  expect(whole).toBeLessThan(MAX_PEAK_BYTES);
  expect(whole - half).toBeLessThan(SPREAD_BYTES);
});

test("a group kill of 20,000 processes, 200 MB of records, and a slow reader of them", {
  timeout: 120_000,
}, async () => {
  const lines = printGroupKill(20_000).map((line, at) => `[${(1 + at / 1e6).toFixed(6).padStart(12)}] ${line}\n`);
  const child = spawn(process.execPath, [program, "replay", "--output", "ndjson", "-"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  // The log has been read long before its records have, unless it waits for them.
  const slowly = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      await wait(1);
      yield chunk;
    }
  };
  const [peak, kills] = await Promise.all([
    watchPeakMemory(child),
    countRecords(slowly(child.stdout)),
    pipeline(lines, child.stdin),
    succeed(child, "oomscribe"),
  ]);
  expect(kills).toBe(20_000);
  expect(peak).toBeLessThan(MAX_PEAK_BYTES);
});
