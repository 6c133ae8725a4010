/** `oomscribe doctor` as a program: its lines, its JSON, its exit status; and what it says of a test kill. */
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { CHECKS } from "../../../src/doctor/all-checks.ts";
import type { CheckResult, CheckStatus } from "../../../src/doctor/check.ts";
import { toLines } from "../../../src/doctor/report.ts";
import { tellSteps } from "../../../src/doctor/test-kill/steps.ts";
import type { Outcome } from "../../../src/otlp/export-result.ts";
import { isTestKill } from "../../../src/record/test-kill.ts";
import { widthOf } from "../../../src/replay/table/text.ts";
import { runCli } from "../../cli-process.ts";
import { type OtlpReceiver, openOtlpReceiver } from "../../otlp-receiver.ts";

const plain = (text: string): string => text;

describe("lines", () => {
  const RESULTS: CheckResult[] = [
    { name: "kernel", status: "ok", says: "it is new" },
    {
      name: "kernel log",
      status: "failed",
      says: "cannot be opened",
      advice: "run as root, in a container privileged",
    },
    { name: "endpoint", status: "skipped", says: "none" },
  ];

  test("columns, advice below what it is about, and a sum", () => {
    expect(toLines(RESULTS, 48, plain)).toEqual([
      "ok       kernel      it is new",
      "failed   kernel log  cannot be opened",
      "                     → run as root, in a",
      "                       container privileged",
      "skipped  endpoint    none",
      "",
      "3 checks: 1 ok, 0 warnings, 1 failed, 1 skipped.",
    ]);
  });

  test("colour is of the status alone, and adds nothing to a width", () => {
    const painted = toLines(RESULTS, 48, (text, status) => `<${status}>${text}</>`);
    expect(painted[1]).toBe("<failed>failed </>  kernel log  cannot be opened");
    expect(painted.map((line) => line.replace(/<[^>]*>/g, ""))).toEqual(toLines(RESULTS, 48, plain));
  });

  test("what an answer of a server holds cannot move the cursor", () => {
    const says = "HTTP 500: \u001b[2Jboom\nfailed   kernel";
    const lines = toLines([{ name: "endpoint", status: "failed", says }], 100, plain);
    expect(lines[0]).toBe("failed   endpoint  HTTP 500: \\x1b[2Jboom\\x0afailed   kernel");
    expect(lines).toHaveLength(3);
  });

  test("no line is wider than the terminal, and no word is lost", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "ü", "漢", "-"), minLength: 1, maxLength: 12 });
    const text = fc.array(word, { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(text, text, fc.integer({ min: 60, max: 200 }), (says, advice, width) => {
        const result = { name: "kernel log", status: "ok" as const, says: says.join(" "), advice: advice.join(" ") };
        const lines = toLines([result], width, plain).slice(0, -2);
        for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(width);
        const words = lines
          .join(" ")
          .split(/ +/)
          .filter((one) => one !== "" && one !== "→");
        expect(words).toEqual(["ok", "kernel", "log", ...says, ...advice]);
      }),
    );
  });
});

describe("the program", () => {
  const receivers: OtlpReceiver[] = [];

  afterEach(async () => {
    for (const receiver of receivers.splice(0)) await receiver.close();
  });

  interface Report extends Record<CheckStatus, number> {
    checks: CheckResult[];
  }

  const readReport = (stdout: string): Report => JSON.parse(stdout) as Report;

  test("its JSON has each check, in their order, and the sum of them", async () => {
    const receiver = await openOtlpReceiver();
    receivers.push(receiver);
    const { stdout, stderr, status } = await runCli(["doctor", "--output", "json", "--otlp", receiver.url]);
    const { checks, ok, warning, failed, skipped } = readReport(stdout);
    expect(stderr).toBe("");
    expect(checks.map(({ name }) => name)).toEqual(CHECKS.map(({ name }) => name));
    expect(ok + warning + failed + skipped).toBe(checks.length);
    expect(status).toBe(failed > 0 ? 1 : 0);
    expect(checks.find(({ name }) => name === "endpoint")).toMatchObject({ status: "ok" });
    expect(checks.find(({ name }) => name === "clock")?.detail).toMatchObject({ aheadOfBackendSeconds: 0 });
  });

  test("lines without colour where nobody can see it", async () => {
    const { stdout, status } = await runCli(["doctor", "--stdout", "--kmsg", "/nonexistent/kmsg"]);
    expect(status).toBe(1);
    expect(stdout).not.toContain("\u001b");
    expect(stdout).toMatch(/^failed +kernel log +\/nonexistent\/kmsg cannot be opened \(ENOENT\)$/m);
    expect(stdout).toMatch(/^\d+ checks: \d+ ok, \d+ warnings?, [1-9] failed, \d+ skipped\.\n$/m);
  });

  test("a configuration that is wrong is what it finds, and the node is looked at all the same", async () => {
    const env = { OOMSCRIBE_LISTEN: "nonsense" };
    const args = ["doctor", "--output", "json", "--kmsg", "/nonexistent/kmsg", "--test-kill"];
    const { stdout, status } = await runCli(args, { env });
    expect(status).toBe(1);
    const { checks } = readReport(stdout);
    const of = (name: string) => checks.find((check) => check.name === name);
    expect(of("configuration")).toMatchObject({ status: "failed", says: expect.stringContaining("OOMSCRIBE_LISTEN") });
    expect(of("kernel log")).toMatchObject({ status: "failed", detail: { path: "/nonexistent/kmsg" } });
    expect(of("endpoint")).toMatchObject({ status: "skipped" });
    expect(of("test kill")).toMatchObject({ status: "failed", says: expect.stringMatching(/^no kill was made/) });
  });

  test.each([
    [["--nope"], "unknown option --nope"],
    [["file"], "it takes no file (file)"],
    [["--print-config"], "unknown option --print-config"],
    [["--output", "xml"], "--output xml"],
    [["--stdout", "--otlp", "http://b"], "leave out --stdout or --otlp"],
  ])("%j is a usage error", async (args, message) => {
    const { stdout, stderr, status } = await runCli(["doctor", ...args]);
    expect({ stdout, status }).toEqual({ stdout: "", status: 2 });
    expect(stderr).toContain(message);
  });
});

describe("a test kill's way", () => {
  const TARGET = "http://b/v1/logs";
  const CGROUP = "/a/oomscribe-doctor-0123abcd";
  const RECORD = {
    severityText: "ERROR",
    severityNumber: 17,
    eventName: "oom.kill",
    body: "b",
    resource: {},
    attributes: { "oom.test": true, "oom.evidence": ["report", "counter"], "oom.attribution": "exact" },
  };
  const taken = new Map<string, { outcome: Outcome; atMs: number }>([
    [TARGET, { outcome: { kind: "delivered" }, atMs: 1300 }],
  ]);
  const SEEN = { lineMs: 1020, counterMs: 1015, recordMs: 1200, record: RECORD, deliveries: taken };
  const BOTH = { log: true, counters: true };

  function steps(seen: object, { targets = [TARGET], reads = BOTH } = {}) {
    const follower = { seen: { deliveries: new Map(), ...seen }, targets, reads, troubles: new Set<never>() };
    const facts = { cgroup: { path: CGROUP, limit: 8 }, pid: 7, startMs: 1000, killedMs: 1011, follower };
    return tellSteps(facts).map(({ name, status, says }) => `${name}: ${status}, ${says}`);
  }

  test("each step has its time from the start", () => {
    expect(steps(SEEN)).toEqual([
      `test kill: ok, a process (pid 7) was OOM-killed in ${CGROUP} after 11 ms`,
      "its log line: ok, was read from the kernel's log after 20 ms",
      "its counter: ok, the cgroup's count of kills was seen to move after 15 ms",
      "its record: ok, was made after 200 ms, of report, counter",
      `its delivery: ok, ${TARGET} has taken it after 300 ms`,
    ]);
  });

  test.each<[string, object, object, RegExp]>([
    ["no line", { ...SEEN, lineMs: undefined }, {}, /^its log line: failed/],
    ["no log", { ...SEEN, lineMs: undefined }, { reads: { log: false, counters: true } }, /^its log line: skipped/],
    ["no count", { ...SEEN, counterMs: undefined }, {}, /^its counter: failed/],
    [
      "no counters",
      { ...SEEN, counterMs: undefined },
      { reads: { log: true, counters: false } },
      /^its counter: skipped/,
    ],
    ["no record", { lineMs: 1020, counterMs: 1015 }, {}, /^its record: failed.*\nits delivery: skipped/],
    ["not marked", { ...SEEN, record: { ...RECORD, attributes: {} } }, {}, /^its record: warning.*not marked/],
    ["no answer", { ...SEEN, deliveries: new Map() }, {}, /^its delivery: failed, .* has not answered/],
    [
      "refused",
      { ...SEEN, deliveries: new Map([[TARGET, { outcome: { kind: "blocked", reason: "HTTP 403" }, atMs: 1300 }]]) },
      {},
      /^its delivery: failed, .*: HTTP 403/,
    ],
    ["printed", SEEN, { targets: [] }, /^its delivery: skipped/],
  ])("%s", (_, seen, options, expected) => {
    expect(steps(seen, options).join("\n")).toMatch(new RegExp(expected.source, "m"));
  });
});

test.each<[string | undefined, string | undefined, boolean]>([
  ["/a/oomscribe-doctor-0123abcd", "oomscribe-test", true],
  ["/oomscribe-doctor-0123abcd", undefined, true],
  ["/a/oomscribe-doctor-0123abcd", "java", false],
  ["/a/oomscribe-doctor-0123abcd/b", "oomscribe-test", false],
  ["/a/oomscribe-doctor-0123ABCD", "oomscribe-test", false],
  ["/a/oomscribe-doctor-", "oomscribe-test", false],
  ["/a/xoomscribe-doctor-0123abcd", "oomscribe-test", false],
  [undefined, "oomscribe-test", false],
])("%s, %s: a test kill is told by both names", (cgroup, comm, isTest) => {
  expect(isTestKill(cgroup, comm)).toBe(isTest);
});
