/** The counters of memory cgroups against real kills: each is counted once, in its cgroup, as cgroups come and go. */
import { spawnSync } from "node:child_process";
import { existsSync, rmdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { beforeEach, expect, test } from "vitest";
import {
  type CounterReading,
  type MemoryCountersSource,
  type NodeReading,
  openMemoryCounters,
} from "../../src/sources/cgroup/counter-source.ts";
import { openKmsg } from "../../src/sources/kmsg/source.ts";
import { readVictimProc, type VictimProc } from "../../src/sources/proc/victim.ts";
import { openTestCgroups, type TestCgroup, type TestCgroups, whyNoKills } from "./cgroup-v1.ts";
import { useCleanups } from "./cleanups.ts";
import { killOne, startVictim } from "./kills.ts";
import type { VictimPlan } from "./victim.ts";

const LIMIT = 16 * 1024 * 1024;
const reason = whyNoKills();
if (reason !== undefined) process.stderr.write(`test/kernel/memory-counters.test.ts is skipped: ${reason}\n`);

const cleanups = useCleanups();
let cgroups: TestCgroups;

beforeEach(({ skip }) => {
  skip(reason !== undefined, reason);
  cgroups = openTestCgroups();
  cleanups.push(cgroups.remove);
});

interface Counting {
  source: MemoryCountersSource;
  /** of the test's own cgroups */
  readings: CounterReading[];
  node: NodeReading[];
  troubles: string[];
  /** `found 0`: what was told of one cgroup, with its kills */
  heard(cgroup: TestCgroup): string[];
  /** kills that its readings tell of, step by step */
  counted(cgroup: TestCgroup): number;
}

function count(): Counting {
  const readings: CounterReading[] = [];
  const node: NodeReading[] = [];
  const troubles: string[] = [];
  const source = openMemoryCounters({
    onReading(reading) {
      if (`${reading.cgroup}/`.startsWith(`${cgroups.root.path}/`)) readings.push(reading);
    },
    onNode: (reading) => node.push(reading),
    onTrouble: (name) => troubles.push(name),
  });
  cleanups.push(source.close);
  const of = ({ path }: TestCgroup): CounterReading[] => readings.filter((reading) => reading.cgroup === path);
  return {
    source,
    readings,
    node,
    troubles,
    heard: (cgroup) => of(cgroup).map(({ why, local }) => `${why} ${local?.oomKill}`),
    counted(cgroup) {
      let last: number | undefined;
      let sum = 0;
      for (const { local, fromZero } of of(cgroup)) {
        const now = local?.oomKill as number;
        sum += now - (last ?? (fromZero ? 0 : now));
        last = now;
      }
      return sum;
    },
  };
}

test("this machine's hierarchy, with the paths of the kernel's log", () => {
  const { source, troubles } = count();
  expect(source.version).toBe("v1");
  expect(source.known.get(cgroups.root.path)).toMatchObject({
    why: "found",
    local: { oomKill: 0, underOom: false, oomKillDisabled: false },
    fromZero: false,
  });
  expect(source.node?.oomKill).toBeGreaterThanOrEqual(0);
  expect(troubles.filter((name) => name !== "cgroups_partly_seen")).toEqual([]);
});

test("kills before it began are no news; each kill after that is one, in its own cgroup only", async () => {
  const old = cgroups.root.child("old", LIMIT);
  const sibling = cgroups.root.child("sibling", LIMIT);
  await killOne(old);
  const counting = count();
  const before = counting.source.node?.oomKill as number;
  expect(counting.heard(old)).toEqual(["found 1"]);
  for (const cgroup of [old, sibling, old]) await killOne(cgroup);
  await expect.poll(() => counting.counted(old)).toBe(2);
  await expect.poll(() => counting.counted(sibling)).toBe(1);
  expect(counting.counted(cgroups.root)).toBe(0);
  // Others may kill at the same time.
  expect((counting.source.node?.oomKill as number) - before).toBeGreaterThanOrEqual(3);
  expect(counting.node.length).toBeGreaterThanOrEqual(1);
});

test("cgroups that come are found, at any depth, and their kills are counted from 0", async () => {
  const counting = count();
  const pod = cgroups.root.child("pod", LIMIT);
  const made = ["a", "b", "c"].map((name) => pod.child(name));
  await expect.poll(() => counting.heard(made[2] as TestCgroup)).toEqual(["found 0"]);
  for (const cgroup of made) {
    await killOne(cgroup);
    await killOne(cgroup);
  }
  for (const cgroup of made) await expect.poll(() => counting.counted(cgroup)).toBe(2);
  expect(counting.counted(pod)).toBe(0);
  expect(counting.readings.filter(({ fromZero }) => !fromZero).map(({ cgroup }) => cgroup)).toEqual([
    cgroups.root.path,
  ]);
});

test("one in which a process was killed before it was found has that as its first reading", async () => {
  const counting = count();
  const cgroup = cgroups.root.child("late", LIMIT);
  killWhileNobodyLooks(cgroup);
  await expect.poll(() => counting.counted(cgroup)).toBe(1);
  expect(counting.readings.find(({ cgroup: path }) => path === cgroup.path)).toMatchObject({
    why: "found",
    local: { oomKill: 1 },
    fromZero: true,
  });
});

test("one that is gone before anybody looked: the node's count has its kill", async () => {
  const counting = count();
  const before = counting.source.node?.oomKill as number;
  const cgroup = cgroups.root.child("brief", LIMIT);
  killWhileNobodyLooks(cgroup);
  rmdirSync(cgroup.directory);
  await expect.poll(() => counting.source.node?.oomKill).toBeGreaterThan(before);
  expect(counting.heard(cgroup)).toEqual([]);
});

test("removed right after a kill that was read: its last reading counts it", async () => {
  const counting = count();
  for (let round = 1; round <= 5; round++) {
    const cgroup = cgroups.root.child(`round${round}`, LIMIT);
    await killOne(cgroup);
    counting.source.read();
    await removeNow(cgroup);
    await expect.poll(() => counting.heard(cgroup).at(-1)).toBe("removed 1");
    expect(counting.counted(cgroup)).toBe(1);
    expect(counting.source.known.has(cgroup.path)).toBe(false);
  }
});

test("made anew under the same name it counts anew", async () => {
  const counting = count();
  for (let round = 1; round <= 4; round++) {
    const cgroup = cgroups.root.child("same", LIMIT);
    await killOne(cgroup);
    counting.source.read();
    await removeNow(cgroup);
  }
  const { path } = cgroups.root;
  const same = { ...cgroups.root, path: `${path}/same` };
  await expect.poll(() => counting.heard(same).filter((line) => line === "removed 1")).toHaveLength(4);
  const found = counting.readings.filter(({ cgroup, why }) => cgroup === same.path && why === "found");
  expect(found).toHaveLength(4);
  expect(found.every(({ fromZero }) => fromZero)).toBe(true);
});

test("at its kill line a kill is counted, and /proc tells of the victim or of nobody", async () => {
  const counting = count();
  const cgroup = cgroups.root.child("line", LIMIT);
  const seen: { pid: number; counted: number; proc: VictimProc | undefined }[] = [];
  const kmsg = openKmsg({
    since: "now",
    onRecord({ text, origin }) {
      const pid = Number(/: Killed process (\d+) \(/.exec(text)?.[1]);
      if (origin !== "kernel" || Number.isNaN(pid)) return;
      const proc = readVictimProc(pid);
      counting.source.read();
      seen.push({ pid, counted: counting.counted(cgroup), proc });
    },
    onGap: () => {},
    onTrouble: () => {},
  });
  cleanups.push(kmsg.close);
  for (let round = 1; round <= 5; round++) {
    const { pid } = await killOne(cgroup, { comm: `victim${round}` });
    await expect.poll(() => seen.find((kill) => kill.pid === pid)).toMatchObject({ pid, counted: round });
    const { proc } = seen.find((kill) => kill.pid === pid) as (typeof seen)[number];
    if (proc?.cgroup !== undefined) expect(proc.cgroup).toBe(cgroup.path);
    if (proc?.comm !== undefined) expect(proc.comm).toBe(`victim${round}`);
  }
});

test("/proc of a victim before its kill", async () => {
  const cgroup = cgroups.root.child("alive", LIMIT);
  const victim = await startVictim(cgroup, { comm: "a\nb" });
  expect(readVictimProc(victim.pid)).toEqual({ cgroup: cgroup.path, comm: "a\nb", pid1: false });
  await victim.kill();
});

test("a storm in four cgroups: 40 kills are 40, whatever is read in between", async () => {
  const counting = count();
  const before = counting.source.node?.oomKill as number;
  const storm = ["a", "b", "c", "d"].map((name) => cgroups.root.child(name, LIMIT));
  await Promise.all(
    storm.map(async (cgroup, index) => {
      for (let kill = 0; kill < 10; kill++) {
        await killOne(cgroup);
        if (kill % (index + 1) === 0) counting.source.read(index % 2 === 0);
      }
    }),
  );
  for (const cgroup of storm) {
    await expect.poll(() => counting.counted(cgroup)).toBe(10);
    expect(cgroup.oomKills()).toBe(10);
    const counts = counting.readings
      .filter((reading) => reading.cgroup === cgroup.path)
      .map(({ local }) => local?.oomKill as number);
    expect(counts).toEqual([...new Set(counts)].sort((a, b) => a - b));
  }
  // The node's count is read before those of the cgroups: the last kill may have come in between.
  await expect.poll(() => (counting.source.node?.oomKill as number) - before).toBeGreaterThanOrEqual(40);
});

/** In one turn of the event loop. */
function killWhileNobodyLooks({ directory }: TestCgroup): void {
  const plan: VictimPlan = { directory, atMost: 4 * LIMIT };
  const { signal } = spawnSync(process.execPath, [PROGRAM, JSON.stringify(plan)], { input: "\n" });
  expect(signal).toBe("SIGKILL");
}

const PROGRAM = fileURLToPath(new URL("victim.ts", import.meta.url));

/** As a runtime does; a dying process leaves its cgroup a little after its parent has seen it die. */
async function removeNow({ directory }: TestCgroup): Promise<void> {
  while (existsSync(directory)) {
    try {
      rmdirSync(directory);
    } catch {
      await sleep(1);
    }
  }
}
