/** The page of --html as a file: whole, with a policy that names what may run, and names that cannot end their place. */
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildProgram } from "../../scripts/build.ts";
import { toScriptJson } from "../../src/replay/html/page.ts";
import { MAX_KILLS, openReport } from "../../src/replay/html/report.ts";
import type { Sink } from "../../src/replay/sinks.ts";
import { toLogRecord } from "../../src/ship/record.ts";
import { capture, runCli } from "../cli-process.ts";
import { makeKill } from "../kills.ts";

const STORM = capture("v1-6.18/06-storm-200-kills.kmsg");
const ATTACK = "</script><img>";

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "oomscribe-html-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function report(args: string[], program?: string): Promise<string> {
  const path = join(folder, "report.html");
  const { stdout, stderr, status } = await runCli(["replay", "--html", path, ...args], program ? { program } : {});
  expect(stderr).toMatch(/^oomscribe replay: wrote [\d,]+ kills? to .*report\.html\n$/);
  expect({ stdout, status }).toEqual({ stdout: "", status: 0 });
  return readFileSync(path, "utf8");
}

function dataOf(page: string) {
  const text = /<script type="application\/json" id="data">([^<]*)<\/script>/.exec(page)?.[1];
  return JSON.parse(text ?? "");
}

const hashOf = (text = "") => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

describe("a report", () => {
  test("has every kill and the summary of the table", async () => {
    const data = dataOf(await report([STORM]));
    expect(data.kills).toHaveLength(200);
    expect(data.sentences[0]).toBe("200 kills in 1 capture: 40 at a container's limit, 160 for an unknown limit.");
  });

  test("lets only its own script and style run, and loads nothing", async () => {
    const page = await report([STORM]);
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1];
    expect(policy?.split("; ")).toEqual([
      "default-src 'none'",
      `script-src ${hashOf(/<script>([^]*?)<\/script>/.exec(page)?.[1])}`,
      `style-src ${hashOf(/<style>([^]*?)<\/style>/.exec(page)?.[1])}`,
      "base-uri 'none'",
      "form-action 'none'",
    ]);
    expect(page).not.toMatch(/<(?:link|img|iframe|object)\b|\bsrc=|\bon\w+="/);
  });

  test("holds what --since and --filter choose", async () => {
    const page = await report(["--filter", "pid=503", capture("v2-6.1/08-node-out-of-memory.kmsg"), STORM]);
    expect(
      dataOf(page).kills.map(({ attributes }: { attributes: Record<string, unknown> }) => attributes["process.pid"]),
    ).toEqual([503]);
  });

  test("is the same from the program in one file, where there is no esbuild", async () => {
    const program = join(folder, "oomscribe.mjs");
    await buildProgram(program);
    const withoutTime = (page: string) => page.replace(/"madeAt":"[^"]*"/, "");
    expect(withoutTime(await report([STORM], program))).toBe(withoutTime(await report([STORM])));
  });
});

test("a name cannot end the element of the data", () => {
  const json = toScriptJson({ name: `${ATTACK}<!--<script>` });
  expect(json).not.toContain("<");
  expect(JSON.parse(json)).toEqual({ name: `${ATTACK}<!--<script>` });
});

describe("a report of more kills than a page holds", () => {
  const MORE = 5000;
  const FACTS = { captures: 1, unreadable: 0, duplicates: 0 };
  const kill = toLogRecord(makeKill(), { resource: {} });

  async function fill(sink: Sink, kills: number): Promise<void> {
    for (let second = 0; second < kills; second++) {
      await sink.write({ ...kill, timestampUs: 1.7e15 + second * 1e6 });
    }
  }

  test("shows the first, counts the others by time and place, and says so", async () => {
    const path = join(folder, "many.html");
    const said: string[] = [];
    const sink = await openReport(path, (message) => said.push(message));
    await fill(sink, MAX_KILLS + MORE);
    expect(await sink.end(FACTS)).toBe(true);
    const { kills, others, sentences } = dataOf(readFileSync(path, "utf8"));
    expect(kills).toHaveLength(MAX_KILLS);
    expect(sentences[0]).toContain("15,000 kills in 1 capture");
    expect(others.count).toBe(MORE);
    expect(others.places).toEqual([{ place: expect.any(String), kills: MORE }]);
    const seconds = others.times.map((time: { seconds: number }) => time.seconds);
    expect(seconds.length).toBeLessThanOrEqual(4096);
    expect(Math.min(...seconds)).toBeGreaterThan(1.7e9 + MAX_KILLS - 10);
    expect(others.times.reduce((sum: number, time: { kills: number }) => sum + time.kills, 0)).toBe(MORE);
    expect(said).toEqual([
      `wrote 10,000 kills to ${path}; 5,000 more kills are only counted in it: --since, --until and --filter choose which are shown`,
    ]);
  });

  test("is written as the kills come, and has its name when it is whole", async () => {
    const path = join(folder, "replaced.html");
    writeFileSync(path, "the page before", { mode: 0o600 });
    const sink = await openReport(path, () => {});
    await fill(sink, 1000);
    expect(statSync(`${path}.part`).size).toBeGreaterThan(1e6);
    expect(readFileSync(path, "utf8")).toBe("the page before");
    await sink.end(FACTS);
    expect(dataOf(readFileSync(path, "utf8")).kills).toHaveLength(1000);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder).filter((name) => name.endsWith(".part"))).toEqual([]);
  });

  test("what cannot be written leaves nothing behind, and nothing more is read for it", async () => {
    const said: string[] = [];
    // A device is written to as it is; this one is always full.
    const sink = await openReport("/dev/full", (message) => said.push(message));
    await fill(sink, 1000);
    expect(sink.broken).toBe(true);
    expect(await sink.end(FACTS)).toBe(false);
    expect(said).toEqual([expect.stringContaining("cannot write /dev/full: ENOSPC")]);
    expect(existsSync("/dev/full.part")).toBe(false);
  });
});

test("without a kill it says so, beside what was read", async () => {
  const path = join(folder, "none.html");
  const { stderr, status } = await runCli([
    "replay",
    "--html",
    path,
    capture("v2-6.1/06-user-space-spoof-no-kill.kmsg"),
  ]);
  expect(stderr).toContain("wrote 0 kills to");
  expect(dataOf(readFileSync(path, "utf8")).sentences).toEqual(["No OOM kill in 1 capture."]);
  expect(status).toBe(0);
});

test("a file that cannot be written: what to do, status 1", async () => {
  const { stderr, status } = await runCli(["replay", "--html", join(folder, "no", "report.html"), STORM]);
  expect(stderr).toMatch(/cannot write .*report\.html: ENOENT.*name a file in a folder that you may write to/);
  expect(status).toBe(1);
});
