/** `oomscribe diff`: two captures' kills side by side, figures counted in the captures with grep. */
import { expect, test } from "vitest";
import { capture, runCli } from "../../../cli-process.ts";

const JAVA = capture("v1-6.18/01-container-limit.kmsg");
const CHILD = capture("v1-6.18/02-child-killed-parent-lives.kmsg");
const NODE = capture("v2-6.1/08-node-out-of-memory.kmsg");
const STORM_61 = capture("v2-6.1/07-storm-60-kills.kmsg");

test("one victim is gone, another is new, with its limit", async () => {
  const { stdout, stderr, status } = await runCli(["diff", JAVA, CHILD]);
  expect(stdout).toMatch(/^java +1 +0 +gone +48 MiB/m);
  expect(stdout).toMatch(/^"worker \(child\)" +0 +1 +new +48 MiB/m);
  expect(stdout).toContain("A has 1 kill, B 1 kill; 0 are in both.");
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
});

test("a capture and itself: every kill is in both, nothing changes", async () => {
  const { stdout } = await runCli(["diff", NODE, NODE]);
  expect(stdout).toContain("A has 5 kills, B 5 kills; 5 are in both.");
  expect(stdout.match(/as before/g)).toHaveLength(5);
});

test("more and less, as JSON, by what is asked for", async () => {
  const { stdout } = await runCli(["diff", "--output", "json", "--group-by", "scope", STORM_61, NODE]);
  const { kills, groups } = JSON.parse(stdout);
  expect(kills).toEqual({ a: 56, b: 5 });
  const counts = groups.map(({ name, a, b }: { name: string; a: { kills: number }; b: { kills: number } }) => [
    name,
    a.kills,
    b.kills,
  ]);
  expect(counts).toEqual([
    ["?", 40, 1],
    ["container", 16, 3],
    ["node", 0, 1],
  ]);
});

test("reports that the kernel dropped are said: a count of kills may miss some", async () => {
  // `71 callbacks suppressed` stands in the one.
  const { stdout } = await runCli(["diff", JAVA, CHILD]);
  expect(stdout).toContain("The kernel left 71 reports out of A, 0 out of B (rate limit).");
});

test("one that cannot be read: status 2 and no table", async () => {
  const { stdout, stderr, status } = await runCli(["diff", JAVA, "/nonexistent"]);
  expect(stderr).toMatch(/^oomscribe diff: .*there is no such file/);
  expect({ stdout, status }).toEqual({ stdout: "", status: 2 });
});
