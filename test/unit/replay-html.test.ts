/** The page of --html as a file: whole, with a policy that names what may run, and names that cannot end their place. */
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildProgram } from "../../scripts/build.ts";
import { toScriptJson } from "../../src/replay/html/page.ts";
import { capture, runCli } from "../cli-process.ts";

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
