/** The command line: what it understands, and the sentences for what it does not. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { capture, runCli } from "../cli-process.ts";

const ONE = capture("v1-6.18/01-container-limit.kmsg");

describe("help and version", () => {
  test.each([[["--help"]], [["-h"]]])("oomscribe %s names every command", async (args) => {
    const { stdout, stderr, status } = await runCli(args);
    expect(stdout).toMatch(/^ {2}agent .*\n/m);
    expect(stdout).toMatch(/^ {2}replay .*\n/m);
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  });

  test.each([
    ["agent", ["--since", "--stdout", "--otlp", "--kmsg", "--backend", "--config", "--print-config"]],
    [
      "replay",
      [
        "--output",
        "--otlp",
        "--protocol",
        "--year",
        "--timezone",
        "--page-size",
        "--node",
        "--group-by",
        "--since",
        "--explain",
      ],
    ],
  ])("oomscribe %s --help names every option, in 80 columns", async (command, options) => {
    for (const flag of ["--help", "-h"]) {
      const { stdout, status } = await runCli([command, flag]);
      for (const option of options) expect(stdout).toContain(`${option} `);
      expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(90);
      expect(status).toBe(0);
    }
  });

  test("--version is package.json's", async () => {
    const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    expect(await runCli(["--version"])).toEqual({ stdout: `${manifest.version}\n`, stderr: "", status: 0 });
  });
});

const MISTAKES: [args: string[], sentence: RegExp][] = [
  [[], /which command\? replay, diff, agent/],
  [["replai", ONE], /unknown command replai, did you mean replay\?/],
  [["agnet"], /unknown command agnet, did you mean agent\?/],
  [["a\u001b[2J\nb"], /unknown command a\\x1b\[2J\\x0ab, did you mean/],
  [["--hlep"], /unknown option --hlep, did you mean --help\?/],
  [[ONE], /is a file: oomscribe replay /],
  [["replay"], /which file\? - reads standard input/],
  [["replay", "--ouput", "json", ONE], /unknown option --ouput, did you mean --output\?/],
  [["replay", "-x", ONE], /unknown option -x/],
  [["replay", "--output", "jsno", ONE], /--output jsno: did you mean json\? There are table, json, ndjson/],
  [["replay", ONE, "--output"], /--output needs a value: --output FORMAT/],
  [["replay", "--output", "--otlp", "http://localhost", ONE], /--output needs a value/],
  [["replay", "--help=1"], /--help takes no value/],
  [["replay", "--year", "26", ONE], /--year 26: write four digits/],
  [["replay", "--year", "next", ONE], /--year next: write four digits/],
  [["replay", "--timezone", "Europe/Berlim", ONE], /--timezone Europe\/Berlim: write an IANA name/],
  [["replay", "--timezone", "+99:00", ONE], /--timezone \+99:00: write an IANA name/],
  [["replay", "--page-size", "5000", ONE], /--page-size 5000: write bytes/],
  [["diff", ONE], /it compares two captures, not 1: oomscribe diff before\.log after\.log/],
  [["diff", ONE, "/nonexistent/b"], /there is no such file/],
  [["completion", "bsh"], /for which shell \(bash\?\)\? There are bash, zsh, fish/],
  [["man", "replay"], /it takes no argument: oomscribe man \| man -l -/],
  [["replay", "--group-by", "contaner", ONE], /did you mean container\?/],
  [["replay", "--since", "yesterday", ONE], /--since yesterday: write a time such as 2026-03-01T12:00/],
  [["replay", "--until", "2026-13-01", ONE], /--until 2026-13-01: write a time/],
  [["replay", "--filter", 'comm="x', ONE], /quotes around blanks/],
  [["replay", "--filter", "nmae=x", ONE], /--filter nmae: unknown; there are comm, pid/],
  [["replay", "--top", "0", ONE], /--top 0: write how many/],
  [["replay", "--top", "3", "--output", "json", ONE], /--top is of the table/],
  [["replay", "--explain", "1", "--group-by", "pod", ONE], /--explain is of one kill/],
  [["replay", "--dry-run", ONE], /--dry-run is of --otlp URL: add that/],
  [["replay", "--otlp", "localhost:4318", "--dry-run", ONE], /not an http\(s\) URL/],
  [["replay", "--protocol", "http/json", ONE], /--protocol is of --otlp/],
  [["replay", "--otlp", "localhost:4318", ONE], /not an http\(s\) URL/],
  [["agent", "--since", "bot"], /--since bot: did you mean boot\?/],
  [["agent", "--stdout", "--otlp", "http://localhost"], /leave out --stdout or --otlp/],
  [["agent", "--stdout", "--backend", "loki"], /leave out --stdout or --backend/],
  [["agent", "--otlp", "localhost:4318"], /--otlp: 0: is not an http\(s\) URL/],
  [["agent", "--config", "/nonexistent.yaml"], /\/nonexistent\.yaml cannot be read: ENOENT/],
  [["agent", ONE], /takes no file .*oomscribe replay/],
];

test.each(MISTAKES)("%j: one sentence, status 2", async (args, sentence) => {
  const { stdout, stderr, status } = await runCli(args);
  expect(stderr).toMatch(sentence);
  expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  expect({ stdout, status }).toEqual({ stdout: "", status: 2 });
});

test("the agent's own failure to start keeps its status", async () => {
  const { stderr, status } = await runCli([
    "agent",
    "--stdout",
    "--kmsg",
    "/nonexistent/kmsg",
    "--host-root",
    "/nonexistent",
  ]);
  expect(stderr).toContain("kmsg_open_failed");
  expect(status).toBe(1);
});

test("agent --print-config prints what is set, and starts nothing", async () => {
  const env = { OTEL_EXPORTER_OTLP_HEADERS: "authorization=hunter2", OOMSCRIBE_STATE_DIR: "/var/lib/oomscribe" };
  const { stdout, stderr, status } = await runCli(["agent", "--since", "now", "--stdout", "--print-config"], { env });
  expect(stdout).toContain('since: "now" # --since\nbackend: "stdout" # --backend\n');
  expect(stdout).toContain('state-dir: "/var/lib/oomscribe" # OOMSCRIBE_STATE_DIR\n');
  expect(stdout).not.toContain("hunter2");
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
});

test("OOMSCRIBE_ variables that there are not are mistakes", async () => {
  const { stderr, status } = await runCli(["agent"], { env: { OOMSCRIBE_STATDIR: "/x" } });
  expect(stderr).toMatch(/unknown setting OOMSCRIBE_STATDIR, did you mean OOMSCRIBE_STATE_DIR\?/);
  expect(status).toBe(2);
});
