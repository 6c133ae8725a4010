/**
 * Passing over noise changes nothing: mutated captures, read with and without it, give the same records.
 *
 * A run is a seed, from 1 on: the same in every run, so that a failure is a change's and not the day's. Every failure
 * names its seed. OOMSCRIBE_TEST_FUZZ_SECONDS=60 tries as many as a minute allows (CI does), OOMSCRIBE_TEST_FUZZ_SEED=7
 * only that one, both together as many from that one on.
 */
import { describe, expect, test } from "vitest";
import { createCaptureReader } from "../../../../parsers/captures/reader.ts";
import { findBody, mayBeginReport, searchMarkers } from "../../../../parsers/captures/skim.ts";
import { makeRecord } from "../../../../parsers/kernel-record.ts";
import { createOomAssembler } from "../../../../parsers/oom/assemble.ts";
import { INVOKED_WORDINGS } from "../../../../parsers/oom/invoked.ts";
import { KILLED_WORDINGS } from "../../../../parsers/oom/killed.ts";
import { USAGE_WORDINGS } from "../../../../parsers/oom/memcg.ts";
import { OTHER_WORDINGS } from "../../../../parsers/oom/others.ts";
import { SUMMARY_WORDINGS } from "../../../../parsers/oom/summary.ts";
import { createPipeline } from "../../../../src/pipeline/replay-pipeline.ts";
import type { LogRecord } from "../../../../src/record/log-record.ts";
import { readBytes, readCapture, readCorpus } from "../../../corpus.ts";

const RUNS = 200;
/** Longer captures make slow runs and find nothing else. */
const MAX_CAPTURE = 256 * 1024;

/**
 * journalctl prints a message that is not UTF-8 as an array of numbers, in which no marker stands. It is read where JSON
 * came before, as in every capture of its own, but not behind thousands of lines of another format.
 */
const BYTES_AS_NUMBERS = /"MESSAGE" ?: ?\[/;

const corpus = readCorpus()
  .map(({ name, path }) => {
    const bytes = readBytes(path);
    return { name, bytes, format: [...readCapture(bytes).formats.keys()].find((format) => format !== "unknown") };
  })
  .filter(({ bytes }) => bytes.length > 0 && bytes.length <= MAX_CAPTURE)
  .filter(({ bytes }) => !BYTES_AS_NUMBERS.test(bytes.toString("latin1")));

/** What replay makes of a capture, whole. */
function readRecords(bytes: Buffer, skim: boolean, chunk: number): LogRecord[] {
  const records: LogRecord[] = [];
  const pipeline = createPipeline({ context: { resource: {} }, emit: (record) => records.push(record) });
  const reader = createCaptureReader({
    context: { year: 2026, timezone: undefined, referenceUs: undefined },
    onRecord: pipeline.push,
    isIdle: () => pipeline.idle,
    skim,
  });
  for (let at = 0; at < bytes.length; at += chunk) reader.push(Buffer.from(bytes.subarray(at, at + chunk)));
  reader.end();
  pipeline.flush();
  return records;
}

/** Numbers of one seed: https://en.wikipedia.org/wiki/Linear_congruential_generator, Numerical Recipes' constants. */
function createRandom(seed: number): (below: number) => number {
  let state = (seed * 2_654_435_761) >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

type Mutation = (lines: readonly string[], random: (below: number) => number, format: string | undefined) => string[];

/**
 * Lines of noise that are put in one place. Other programs' lines do not end a report that has lost its end, and so
 * many of them are not looked through for its beginning: reader.ts, LOOK_BACK.
 */
const MAX_NOISE = 6000;
const MAX_USERS_NOISE = 300;

/** A line in a format of its own, or in none. */
const NOISE: readonly ((index: number) => string)[] = [
  (index) => `6,${index},${7_000_000_000 + index},-;usb 1-1: new device number ${index}, skill`,
  (index) => `[ ${(7000 + index / 1e6).toFixed(6)}] eth0: killed, link ${index}`,
  (index) => `[Tue Nov 24 10:37:42 2026] docker0: port ${index} entered a state`,
  (index) => `2026-11-24T10:37:42.000001+00:00 worker-7 kernel: [ 7000.000001] cni0: ${index}`,
  (index) => `Nov 24 10:37:42 worker-7 kernel: cni0: port ${index} entered a state`,
  (index) => `port ${index} entered a state`,
  usersNoise,
];

function usersNoise(index: number): string {
  return `Nov 24 10:37:42 worker-7 app[12]: request ${index} done`;
}

const MUTATIONS: Readonly<Record<string, Mutation>> = {
  drop(lines, random) {
    const at = random(lines.length);
    return [...lines.slice(0, at), ...lines.slice(at + 1 + random(40))];
  },
  "drop lines of one kind": (lines, random) => {
    const kinds = ["invoked oom-killer", "Killed process", "oom-kill:", "usage ", "Tasks state", " name"];
    const kind = kinds[random(kinds.length)] ?? "";
    return lines.filter((line) => !line.includes(kind) || random(3) === 0);
  },
  duplicate(lines, random) {
    const at = random(lines.length);
    return [...lines.slice(0, at + 1 + random(40)), ...lines.slice(at)];
  },
  "cut a line": (lines, random) => {
    const at = random(lines.length);
    const line = lines[at] ?? "";
    return [...lines.slice(0, at), line.slice(0, random(line.length + 1)), ...lines.slice(at + 1)];
  },
  swap(lines, random) {
    const swapped = [...lines];
    const [a, b] = [random(lines.length), random(lines.length)];
    [swapped[a], swapped[b]] = [swapped[b] ?? "", swapped[a] ?? ""];
    return swapped;
  },
  "insert noise": (lines, random) => {
    const at = random(lines.length + 1);
    const line = NOISE[random(NOISE.length)] ?? String;
    const count = random(random(2) === 0 ? 20 : line === usersNoise ? MAX_USERS_NOISE : MAX_NOISE);
    return [...lines.slice(0, at), ...Array.from({ length: count }, (_, index) => line(index)), ...lines.slice(at)];
  },
  /** Of its own format: what a line is that two formats could have printed is told by the lines before it. */
  splice(lines, random, own) {
    const others = corpus.filter(({ format }) => format === own);
    const other = others[random(others.length)];
    const otherLines = other === undefined ? [] : toLines(other.bytes);
    const at = random(lines.length + 1);
    const from = random(otherLines.length);
    return [...lines.slice(0, at), ...otherLines.slice(from, from + 1 + random(400)), ...lines.slice(at)];
  },
};

function toLines(bytes: Buffer): string[] {
  return bytes.toString("latin1").split("\n");
}

interface Mutant {
  /** what was done to which capture */
  name: string;
  bytes: Buffer;
  chunk: number;
}

function mutate(seed: number): Mutant {
  const random = createRandom(seed);
  const capture = corpus[random(corpus.length)];
  let lines = toLines(capture?.bytes ?? Buffer.alloc(0));
  let name = capture?.name ?? "";
  for (let left = 1 + random(8); left > 0; left--) {
    const [kind, mutation] = Object.entries(MUTATIONS)[random(Object.keys(MUTATIONS).length)] ?? [];
    lines = mutation?.(lines, random, capture?.format) ?? lines;
    name += `, ${kind}`;
  }
  const bytes = Buffer.from(lines.join("\n"), "latin1");
  return { name, bytes, chunk: [1 + random(5000), 65_536, 262_144, bytes.length + 1][random(4)] ?? 1 };
}

/** Fails with the seed where the two ways differ. */
function compare(seed: number): void {
  const { name, bytes, chunk } = mutate(seed);
  const mutant = `OOMSCRIBE_TEST_FUZZ_SEED=${seed} (${name}, chunks of ${chunk})`;
  expect(readRecords(bytes, true, chunk), mutant).toEqual(readRecords(bytes, false, bytes.length + 1));
}

function seedsOf(env: NodeJS.ProcessEnv): { first: number; runs: number; seconds: number } {
  const seed = env["OOMSCRIBE_TEST_FUZZ_SEED"];
  const seconds = Number(env["OOMSCRIBE_TEST_FUZZ_SECONDS"] ?? 0);
  return { first: Number(seed ?? 1), runs: seed === undefined ? RUNS : 1, seconds };
}

describe("with and without passing over noise", () => {
  const { first, runs, seconds } = seedsOf(process.env);

  test(`mutated captures from seed ${first} on give the same records`, { timeout: (seconds + 120) * 1000 }, () => {
    const until = performance.now() + seconds * 1000;
    let seed = first;
    while (seed < first + runs || performance.now() < until) compare(seed++);
    process.stderr.write(`captures-skim: seeds ${first} to ${seed - 1}\n`);
  });
});

describe("a message that begins a report, or counts for itself, is not passed over", () => {
  const rows = [INVOKED_WORDINGS, KILLED_WORDINGS, USAGE_WORDINGS, OTHER_WORDINGS, SUMMARY_WORDINGS].flat();
  const examples = [
    ...rows.map(({ example }) => example),
    "Memory cgroup stats for /a:",
    "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name",
  ];

  test.each(examples)("%s", (example) => {
    const assembler = createOomAssembler();
    const record = makeRecord("kernel", example, example);
    const counts = assembler.push(record, 0).length > 0 || !assembler.idle;
    const bytes = Buffer.from(`[    1.000000] ${example}\n`, "latin1");
    const isFound = searchMarkers(bytes).next(0) !== -1 || findBody(bytes) !== -1;
    expect(counts && !(mayBeginReport(example) && isFound)).toBe(false);
  });
});
