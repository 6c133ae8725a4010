/** The reader of /dev/kmsg against the device itself: its clock, its holes, floods, and that the process ends. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, test } from "vitest";
import type { KernelRecord } from "../../parsers/kernel-record.ts";
import { createKernelClock } from "../../src/sources/clock.ts";
import { type KmsgGap, type KmsgOptions, type KmsgSource, openKmsg } from "../../src/sources/kmsg/source.ts";
import { openTestCgroups, whyNoKills } from "./cgroup-v1.ts";
import { useCleanups } from "./cleanups.ts";
import { allowFloods, readKernelLog, writeToKernelLog } from "./kernel-log.ts";
import { startVictim, type Victim } from "./kills.ts";

const reason = whyNoKills();
if (reason !== undefined) process.stderr.write(`test/kernel/kmsg.test.ts is skipped: ${reason}\n`);

const cleanups = useCleanups();

beforeEach(({ skip }) => skip(reason !== undefined, reason));

interface Reader {
  source: KmsgSource;
  records: KernelRecord[];
  gaps: KmsgGap[];
  troubles: string[];
}

function read(options: Partial<KmsgOptions> & { since: "boot" | "now" }): Reader {
  const reader: Omit<Reader, "source"> = { records: [], gaps: [], troubles: [] };
  const source = openKmsg({
    onRecord: (record) => reader.records.push(record),
    onGap: (gap) => reader.gaps.push(gap),
    onTrouble: (name) => reader.troubles.push(name),
    ...options,
  });
  cleanups.push(source.close);
  return { ...reader, source };
}

let marks = 0;

/** Writes a line of its own and waits until it is read. */
async function mark(reader: Reader): Promise<KernelRecord> {
  const text = `oomscribe-test mark ${process.pid} ${marks++}`;
  writeToKernelLog(`<14>${text}`);
  return await expect
    .poll(() => reader.records.find((record) => record.text === text))
    .toBeDefined()
    .then(() => reader.records.find((record) => record.text === text) as KernelRecord);
}

test("what a program writes is told from the kernel's own", async () => {
  const reader = read({ since: "now" });
  writeToKernelLog("<3>Memory cgroup out of memory: Killed process 1 (init)");
  await mark(reader);
  const spoof = reader.records.find(({ text }) => text.endsWith("Killed process 1 (init)"));
  expect(spoof).toMatchObject({ origin: "user", level: 3, facility: 1, bootId: reader.source.bootId });
});

test("since boot: from the oldest record there is", async () => {
  const oldest = Number(readKernelLog()[0]?.split(",")[1]);
  const reader = read({ since: "boot" });
  await mark(reader);
  // Between the two the kernel may have dropped some of the oldest.
  expect(reader.records[0]?.seq).toBeGreaterThanOrEqual(oldest);
  expect(reader.records[0]?.seq).toBeLessThan(oldest + 200);
});

describe("wall times", () => {
  test("of records that are read as they are printed: right to the time between two looks", async () => {
    const reader = read({ since: "now" });
    for (let round = 0; round < 20; round++) {
      const beforeUs = Date.now() * 1000;
      writeToKernelLog(`<14>oomscribe-test first line ${round}`);
      const { wallTimeUs = 0 } = await mark(reader);
      expect(wallTimeUs).toBeGreaterThan(beforeUs - 55_000);
      expect(wallTimeUs).toBeLessThan(Date.now() * 1000 + 55_000);
    }
  });

  test("printk's clock and CLOCK_MONOTONIC are as far apart as the reader says", async () => {
    const clock = createKernelClock();
    const reader = read({ since: "now", clock });
    const differences: number[] = [];
    for (let round = 0; round < 20; round++) {
      const beforeUs = clock.monotonicUs();
      const { monotonicUs = 0 } = await mark(reader);
      differences.push(beforeUs - monotonicUs);
    }
    // The stamp comes after the look at the clock, so that each difference is a little too small.
    const lagUs = Math.max(...differences);
    process.stderr.write(
      `CLOCK_MONOTONIC − printk's clock: ${lagUs.toFixed(0)} µs, taken for ${clock.printkLagUs.toFixed(0)} µs; ` +
        `wall clock to ${clock.realtimeErrorUs.toFixed(1)} µs\n`,
    );
    expect(Math.abs(clock.printkLagUs - lagUs)).toBeLessThan(55_000);
    expect(clock.realtimeErrorUs).toBeLessThan(500);
  });
});

describe("a flood", () => {
  const FLOOD = fileURLToPath(new URL("flood.ts", import.meta.url));

  beforeEach(({ skip }) => {
    try {
      cleanups.push(allowFloods());
    } catch (error) {
      const why = `the kernel's limit on what programs write cannot be lifted: ${(error as Error).message}`;
      process.stderr.write(`skipped: ${why}\n`);
      skip(why);
    }
  });

  function flood(lines: number, perMs: number) {
    const child = spawn(process.execPath, [FLOOD, String(lines), String(perMs)], { stdio: "inherit" });
    cleanups.push(() => void child.kill("SIGKILL"));
    return once(child, "exit");
  }

  /** Every sequence number was read or is in a gap. */
  function expectAllAccountedFor({ records, gaps }: Reader): void {
    const seqs = records.map(({ seq }) => seq as number);
    const first = seqs[0] as number;
    const last = seqs.at(-1) as number;
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
    expect(new Set(seqs).size).toBe(seqs.length);
    const lost = gaps.reduce((sum, gap) => sum + gap.lost, 0);
    expect(seqs.length + lost).toBe(last - first + 1);
    for (const { firstSeq, lastSeq } of gaps) expect(seqs.some((seq) => seq >= firstSeq && seq <= lastSeq)).toBe(false);
  }

  test("of 40,000 lines, with kills in it: every line is read or counted as lost, and the kills are read", async () => {
    const cgroups = openTestCgroups();
    cleanups.push(cgroups.remove);
    const cgroup = cgroups.root.child("flood", 32 * 1024 * 1024);
    const victims: Victim[] = [];
    for (let index = 0; index < 5; index++) victims.push(await startVictim(cgroup));
    const reader = read({ since: "now" });
    await mark(reader);
    const flooded = flood(40_000, 10);
    for (const victim of victims) await victim.kill();
    expect(await flooded).toEqual([0, null]);
    await mark(reader);
    expectAllAccountedFor(reader);
    const lost = reader.gaps.reduce((sum, gap) => sum + gap.lost, 0);
    const flooding = reader.records.filter(({ text }) => text.startsWith("oomscribe-test flood "));
    process.stderr.write(`flood: ${flooding.length} of 40000 lines read, ${lost} records lost\n`);
    expect(flooding.length + lost).toBeGreaterThanOrEqual(40_000);
    const killed = victims.filter(({ pid }) => reader.records.some(({ text }) => text.includes(`process ${pid} (`)));
    expect(killed.length + lost).toBeGreaterThanOrEqual(5);
    expect(reader.troubles).toEqual([]);
  });

  test("while nobody reads: what the kernel overwrote is one gap, and reading goes on", async () => {
    const reader = read({ since: "now" });
    await mark(reader);
    reader.source.pause();
    const before = reader.records.length;
    expect(await flood(20_000, 1_000_000)).toEqual([0, null]);
    expect(reader.records.length).toBeLessThanOrEqual(before + 256);
    reader.source.resume();
    await mark(reader);
    expect(reader.gaps).toHaveLength(1);
    expect(reader.gaps[0]?.lost).toBeGreaterThan(1000);
    expectAllAccountedFor(reader);
  });
});

test("a process that reads ends by itself after close, and at once by process.exit", () => {
  const source = fileURLToPath(new URL("../../src/sources/kmsg/source.ts", import.meta.url));
  for (const end of ["source.close()", "process.exit()"]) {
    const program = `
      import { openKmsg } from ${JSON.stringify(source)};
      const none = () => {};
      const source = openKmsg({ since: "now", onRecord: none, onGap: none, onTrouble: none });
      setTimeout(() => ${end}, 200);`;
    const { status } = spawnSync(process.execPath, ["--input-type=module", "-e", program], { timeout: 20_000 });
    expect([end, status]).toEqual([end, 0]);
  }
});
