/** Which kills are wanted, and how they are grouped: on real captures, whose figures were counted with grep. */
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parseFilter } from "../../src/replay/select.ts";
import { capture, runCli } from "../cli-process.ts";

const NODE = capture("v2-6.1/08-node-out-of-memory.kmsg");
const STORM = capture("v1-6.18/06-storm-200-kills.kmsg");
const HOSTILE = capture("generated/103-gen-comm-paren-total.kmsg");
/** Stamps with a time of day and no time since boot. */
const SYSLOG = capture("generated/155-gen-fmt-rsyslog-imklog-iso.log");

async function pidsOf(args: string[]): Promise<{ pids: number[]; stderr: string; status: number | null }> {
  const { stdout, stderr, status } = await runCli(["replay", "--output", "ndjson", ...args]);
  const lines = stdout.split("\n").filter((line) => line !== "");
  const records = lines.map((line) => JSON.parse(line));
  const kills = records.filter(({ eventName }) => eventName === "oom.kill");
  return { pids: kills.map(({ attributes }) => attributes["process.pid"]), stderr, status };
}

test.each<[args: string[], pids: number[]]>([
  [["--filter", "scope=node"], [503]],
  [
    ["--filter", "scope!=node"],
    [460, 461, 462, 463],
  ],
  [["--filter", "worker-2"], [462]],
  [
    ["--filter", "WORKER scope=container"],
    [461, 462, 463],
  ],
  [["--filter", "comm=worker"], []],
  [
    ["--filter", "comm~worker pid!=460 pid!=461"],
    [462, 463],
  ],
  [["--filter", "container=a1a1a1a1a1a1"], [461]],
  [["--filter", "oom.victim.score_adj=900"], [503]],
  [["--filter", 'comm="worker-3"'], [463]],
  [
    ["--since", "60.6"],
    [462, 463, 503],
  ],
  [["--until", "60.500280"], [460]],
  [
    ["--since", "[   60.500280]", "--until", "60.8"],
    [461, 462],
  ],
])("%j", async (args, pids) => {
  expect(await pidsOf([...args, NODE])).toEqual({ pids, stderr: "", status: 0 });
});

test("a time of day, by its zone; a kill without one is left out, and that is said", async () => {
  const all = await pidsOf([SYSLOG]);
  expect(all.pids).toHaveLength(3);
  expect((await pidsOf(["--since", "2000-01-01", "--until", "2100-01-01", SYSLOG])).pids).toEqual(all.pids);
  expect((await pidsOf(["--since", "2100-01-01", SYSLOG])).pids).toEqual([]);
  const untimed = await pidsOf(["--since", "2000-01-01", NODE]);
  expect(untimed).toMatchObject({ pids: [], status: 0 });
  expect(untimed.stderr).toMatch(/left out by --since and --until: \d+ records with no time of day.*--since 3753\.8/);
});

test("a filter", () => {
  expect(parseFilter('scope=node  comm!="a b" pod~8F "two words" Java')).toEqual([
    { key: "scope", test: "=", value: "node" },
    { key: "comm", test: "!=", value: "a b" },
    { key: "pod", test: "~", value: "8f" },
    { key: undefined, test: "~", value: "two words" },
    { key: undefined, test: "~", value: "java" },
  ]);
  expect(parseFilter('comm="a')).toBeUndefined();
  expect(parseFilter("")).toEqual([]);
});

describe("groups", () => {
  test("by victim: as many as grep counts", async () => {
    const { stdout } = await runCli(["replay", "--group-by", "scope", STORM]);
    expect(stdout).toMatch(/^\? +160 /m);
    expect(stdout).toMatch(/^container +40 /m);
    expect(stdout).toContain("200 kills in 1 capture");
  });

  test("--top: the largest of them, and how many more there are", async () => {
    const { stdout } = await runCli(["replay", "--group-by", "victim", "--top", "1", NODE]);
    expect(stdout.split("\n")[1]).toMatch(/^worker-0 +1 /);
    expect(stdout).toContain("… 4 more with 4 kills");
    const largest = await runCli(["replay", "--top", "1", NODE]);
    expect(largest.stdout.split("\n")[1]).toMatch(/node-eater +503/);
    expect(largest.stdout).toContain("… 4 kills more");
  });

  test.each(["container", "pod", "scope", "victim", "node", "hour", "day"])("by %s: every kill once", async (by) => {
    const { stdout, status } = await runCli(["replay", "--group-by", by, NODE, STORM, SYSLOG]);
    const rows = stdout.slice(0, stdout.indexOf("\n\n")).split("\n").slice(1);
    const kills = rows.map((row) => Number(/ {2}(\d+) {2,}/.exec(row)?.[1]));
    expect(kills.reduce((sum, count) => sum + count, 0)).toBe(208);
    expect(status).toBe(0);
  });
});

describe("--explain", () => {
  test("by PID: each statement with the lines that it rests on", async () => {
    const { stdout, stderr, status } = await runCli(["replay", "--explain", "503", NODE]);
    expect(stdout).toMatch(/^71\.469677 s after boot: node-eater \(pid 503\) in free\.slice was OOM-killed/);
    // 1079 free pages of 130939, as Mem-Info has them.
    expect(stdout).toContain("The node itself ran out of memory: 4.2 MiB of 511.5 MiB was free.");
    expect(stdout).toMatch(
      /It killed node-eater.*\n(?:.*\n)? {2}│ 3,1401,71469677,-;Out of memory: Killed process 503/,
    );
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  });

  test("by UID; what the log lacks is said", async () => {
    const { stdout } = await runCli(["replay", "--output", "ndjson", "--filter", "pid=460", NODE]);
    const uid: string = JSON.parse(stdout.split("\n")[0] ?? "").attributes["log.record.uid"];
    const told = await runCli(["replay", "--explain", uid.slice(0, 8), NODE]);
    expect(told.stdout).toContain("Who asked for the memory is not in the log.");
    expect(told.stdout).toContain("Which container it was in is not known.");
  });

  test("a line in no known format: that its beginning is assumed", async () => {
    const bare = fileURLToPath(new URL("../captures/composed/2.4.log", import.meta.url));
    const { stdout } = await runCli(["replay", "--explain", "1042", bare]);
    expect(stdout.replace(/\s+/g, " ")).toContain("Where the kernel's message begins in its line is not sure");
    const sure = await runCli(["replay", "--explain", "503", NODE]);
    expect(sure.stdout).not.toContain("begins in its line");
  });

  test("hostile names stay in their line", async () => {
    const pid = (await pidsOf([HOSTILE])).pids[0];
    const { stdout } = await runCli(["replay", "--explain", String(pid), HOSTILE]);
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });

  test("no such kill: what to do, status 1", async () => {
    const { stdout, stderr, status } = await runCli(["replay", "--explain", "4711", NODE]);
    expect(stderr).toBe("oomscribe replay: no kill is 4711: replay without --explain lists their PIDs\n");
    expect({ stdout, status }).toEqual({ stdout: "", status: 1 });
  });
});
