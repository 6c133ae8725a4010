/** Files and pipes, compressed or not, whole or cut: the same kills come out of each. */
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CliOptions, capture, runCli } from "../cli-process.ts";

// Captures of one kill each; the pids stand in their lines "Killed process".
const JAVA = { file: capture("v1-6.18/01-container-limit.kmsg"), pid: 13233 };
const CHILD = { file: capture("v1-6.18/02-child-killed-parent-lives.kmsg"), pid: 13296 };

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "oomscribe-inputs-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function put(name: string, ...contents: (Buffer | string)[]): string {
  const path = join(folder, name);
  writeFileSync(path, Buffer.concat(contents.map((content) => Buffer.from(content as string))));
  return path;
}

async function replay(args: string[], options: CliOptions = {}) {
  const { stdout, stderr, status } = await runCli(["replay", "--output", "ndjson", ...args], options);
  const records = stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
  const kills = records.filter(({ eventName }) => eventName === "oom.kill");
  return { kills, pids: kills.map(({ attributes }) => attributes["process.pid"]), stderr, status };
}

/** Bytes that do not compress: what is cut off then is far from what is kept. */
function noise(lines: number): string {
  let state = 1;
  const next = (): string => {
    state = (state * 48271) % 2147483647;
    return state.toString(36);
  };
  return Array.from({ length: lines }, (_, n) => `6,${n},${n},-;noise ${next()}${next()}${next()}\n`).join("");
}

const java = readFileSync(JAVA.file);
const child = readFileSync(CHILD.file);
const SKIPPABLE = Buffer.from("\x50\x2a\x4d\x18\x04\0\0\0abcd", "latin1");

const WHOLE: [what: string, ...contents: (Buffer | string)[]][] = [
  ["plain", java, child],
  ["gzip", gzipSync(Buffer.concat([java, child]))],
  ["gzip of two members", gzipSync(java), gzipSync(child)],
  ["gzip with zeros after it", gzipSync(Buffer.concat([java, child])), Buffer.alloc(512)],
  ["zstd", zstdCompressSync(Buffer.concat([java, child]))],
  ["zstd of two frames", zstdCompressSync(java), zstdCompressSync(child)],
  ["zstd with skippable frames", SKIPPABLE, zstdCompressSync(java), SKIPPABLE, zstdCompressSync(child), SKIPPABLE],
  ["gzip of many blocks", gzipSync(Buffer.concat([java, Buffer.from(noise(100_000)), child]))],
  ["zstd of many blocks", zstdCompressSync(Buffer.concat([java, Buffer.from(noise(100_000)), child]))],
  ["plain of many blocks", java, noise(100_000), child],
];

describe.each(WHOLE)("%s", (what, ...contents) => {
  test("as a file, whatever its name", async () => {
    const result = await replay([put(`${what}.txt`, ...contents)]);
    expect(result).toMatchObject({ pids: [JAVA.pid, CHILD.pid], stderr: "", status: 0 });
  });

  test("from a pipe", async () => {
    const result = await replay(["-"], { input: contents });
    expect(result).toMatchObject({ pids: [JAVA.pid, CHILD.pid], stderr: "", status: 0 });
  });
});

test("a pipe that begins byte by byte", async () => {
  const bytes = zstdCompressSync(java);
  const input = [...Array.from({ length: 20 }, (_, at) => bytes.subarray(at, at + 1)), bytes.subarray(20)];
  expect(await replay(["-"], { input })).toMatchObject({ pids: [JAVA.pid], status: 0 });
});

test.each([
  ["gzip", gzipSync(`${java}${noise(5000)}`), /\.cut: the gzip data ends too early/],
  ["zstd", zstdCompressSync(`${java}${noise(50_000)}`), /\.cut: the zstd data ends too early/],
])("%s that is cut off: what could be read, and a warning", async (kind, bytes, warning) => {
  const { pids, stderr, status } = await replay([put(`${kind}.cut`, bytes.subarray(0, bytes.length - 1000))]);
  expect(stderr).toMatch(warning);
  expect({ pids, status }).toEqual({ pids: [JAVA.pid], status: 0 });
});

test("gzip that is damaged: what came before counts, and status 2", async () => {
  const bytes = gzipSync(`${java}${noise(50_000)}`);
  bytes.fill(0xff, bytes.length - 2000, bytes.length - 1000);
  const { pids, stderr, status } = await replay([put("damaged", bytes)]);
  expect(stderr).toMatch(/damaged: the gzip data is damaged, what comes before was read/);
  expect({ pids, status }).toEqual({ pids: [JAVA.pid], status: 2 });
});

test("zstd with something else after it", async () => {
  const { pids, stderr, status } = await replay([put("followed", zstdCompressSync(java), "and more text after it\n")]);
  expect(stderr).toMatch(/something else follows/);
  expect({ pids, status }).toEqual({ pids: [JAVA.pid], status: 0 });
});

describe("what cannot be read: a sentence and status 2, and other files are read", () => {
  const cases: [what: string, make: () => string, sentence: RegExp][] = [
    ["missing", () => join(folder, "nosuch"), /nosuch: there is no such file/],
    ["a directory", () => folder, /is a directory: name the files in it/],
    ["a path through a file", () => join(JAVA.file, "x"), /there is no such file: a part of the path/],
    ["xz", () => put("x", Buffer.from("\xfd7zXZ\0", "latin1"), "rest of it"), /xz -dc .* \| oomscribe replay -/],
    [
      "a journal file",
      () => put("journal", "LPKSHHRH and more"),
      /journalctl --file .* -o export \| oomscribe replay -/,
    ],
    ["bzip2", () => put("bz", "BZh91AY&SY and more"), /bzip2 -dc .* \| oomscribe replay -/],
  ];
  test.each(cases)("%s", async (_, make, sentence) => {
    const { pids, stderr, status } = await replay([make(), JAVA.file]);
    expect(stderr).toMatch(sentence);
    expect({ pids, status }).toEqual({ pids: [JAVA.pid], status: 2 });
  });

  // What is said is pasted.
  test.each([
    ["it's; touch x.log", "xz", "\xfd7zXZ\0", /xz -dc '.*\/it'\\''s; touch x\.log' \| oomscribe replay -\n$/],
    ["a\u001b[201~\rb", "bzip2", "BZh9", /bzip2 -dc FILE \| oomscribe replay -\n$/],
  ])("a file called %j, compressed with %s", async (name, _, magic, command) => {
    const { stderr, status } = await replay([put(name, Buffer.from(magic, "latin1"), "and more")]);
    expect(stderr).toMatch(command);
    expect(stderr.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
    expect(status).toBe(2);
  });

  test.skipIf(process.getuid?.() === 0)("no permission", async () => {
    const path = join(folder, "secret");
    copyFileSync(JAVA.file, path);
    chmodSync(path, 0);
    const { stderr, status } = await replay([path]);
    expect(stderr).toMatch(/secret: you may not read it/);
    expect(status).toBe(2);
  });
});

test("an empty file is no error", async () => {
  expect(await runCli(["replay", put("empty")])).toEqual({
    stdout: "No OOM kill in 1 capture.\n",
    stderr: `${join(folder, "empty")}: is empty\n`,
    status: 0,
  });
});

describe("times that the text does not hold whole", () => {
  const LINE =
    "Mar  3 04:05:06 node-1 kernel: [  100.000001] Out of memory: Killed process 42 (x) total-vm:1kB, anon-rss:1kB, " +
    "file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:1kB oom_score_adj:0\n";

  async function timestampOf(args: string[]): Promise<string> {
    const path = put("kern.log", LINE);
    // The file was closed on 1 February 2024: in its year, March had not come yet.
    utimesSync(path, new Date("2024-02-01T00:00:00Z"), new Date("2024-02-01T00:00:00Z"));
    const { kills } = await replay([...args, path]);
    return kills[0].timestamp.slice(0, 19);
  }

  test.each([
    ["the file's own time gives the year", [], "2023-03-03T04:05:06"],
    ["--year", ["--year", "2019"], "2019-03-03T04:05:06"],
    ["--timezone with a name", ["--timezone", "Europe/Berlin"], "2023-03-03T03:05:06"],
    ["--timezone east of UTC", ["--timezone", "+05:30"], "2023-03-02T22:35:06"],
    ["--timezone west of UTC", ["--timezone", "-08:00"], "2023-03-03T12:05:06"],
  ])("%s", async (_, args, expected) => {
    expect(await timestampOf(args)).toBe(expected);
  });
});
