/** The tracepoint of real kills, where this machine's tracefs is mounted. */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import type { MarkVictim } from "../../parsers/oom/mark-victim.ts";
import { openTracefsInstance } from "../../src/sources/tracepoint/instance.ts";
import { openMarkVictim } from "../../src/sources/tracepoint/mark-victim.ts";
import { TracefsUnavailable } from "../../src/sources/tracepoint/tracefs.ts";
import { openTestCgroups, type TestCgroups, whyNoKills } from "./cgroup-v1.ts";
import { useCleanups } from "./cleanups.ts";
import { readKillLine, sizeIn } from "./kernel-log.ts";
import { killOne } from "./kills.ts";

const reason = whyNoKills() ?? whyNoTrace();
if (reason !== undefined) process.stderr.write(`test/kernel/mark-victim.test.ts is skipped: ${reason}\n`);

const cleanups = useCleanups();
let cgroups: TestCgroups;

beforeEach(({ skip }) => {
  skip(reason !== undefined, reason);
  cgroups = openTestCgroups();
  cleanups.push(cgroups.remove);
});

function whyNoTrace(): string | undefined {
  try {
    openTracefsInstance("/", "oom/mark_victim").close();
    return undefined;
  } catch (error) {
    if (error instanceof TracefsUnavailable) return error.message;
    throw error;
  }
}

test("each victim is told once, as its kill line tells it, whatever its name, on the clock of process.hrtime", async () => {
  const heard: (MarkVictim & { atMs: number })[] = [];
  const troubles: string[] = [];
  const source = openMarkVictim({
    onVictim: (victim, atMs) => heard.push({ ...victim, atMs }),
    onTrouble: (name) => troubles.push(name),
  });
  cleanups.push(() => source?.close());
  const cgroup = cgroups.root.child("traced", 16 * 1024 * 1024);
  const names = ["java", "a\nb", "\noom_score_adj=", "", "x total-vm=1kB", "é✓", ": mark_victim: "];
  for (const comm of names) {
    const beforeMs = Number(process.hrtime.bigint()) / 1e6;
    const { pid } = await killOne(cgroup, { comm, scoreAdj: 7, uid: 1000 });
    source?.read();
    const afterMs = Number(process.hrtime.bigint()) / 1e6;
    const [victim, ...more] = heard.filter((entry) => entry.pid === pid);
    expect(more).toEqual([]);
    expect(victim?.atMs).toBeGreaterThan(beforeMs);
    expect(victim?.atMs).toBeLessThan(afterMs);
    if (victim?.comm === undefined) continue; // before Linux 6.8
    const line = readKillLine(pid) as string;
    expect(victim).toMatchObject({ comm, uid: 1000, oomScoreAdj: 7, totalVmKb: sizeIn(line, "total-vm") / 1024 });
  }
  expect(troubles).toEqual([]);
});

test("what a dead agent has left is taken away, what a living one has is not", () => {
  const living = openTracefsInstance("/", "oom/mark_victim");
  cleanups.push(living.close);
  const left = join(living.directory, "../oomscribe-1");
  if (!existsSync(left)) mkdirSync(left);
  const other = openTracefsInstance("/", "oom/mark_victim");
  cleanups.push(other.close);
  expect(existsSync(left)).toBe(false);
  expect(existsSync(living.directory)).toBe(true);
  expect(other.directory).not.toBe(living.directory);
});
