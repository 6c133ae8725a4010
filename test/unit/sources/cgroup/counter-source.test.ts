/** Discovery and reading on a tree of plain files, which inotify tells of as it does of cgroups. */
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type CounterReading,
  type MemoryCountersOptions,
  type MemoryCountersSource,
  openMemoryCounters,
} from "../../../../src/sources/cgroup/counter-source.ts";
import type { MemoryHierarchy } from "../../../../src/sources/cgroup/mounts.ts";
import { isInitPidNamespace } from "../../../../src/sources/host.ts";

let directory: string;
const opened: MemoryCountersSource[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "oomscribe-tree-"));
});

afterEach(() => {
  for (const source of opened.splice(0)) source.close();
  rmSync(directory, { recursive: true });
});

interface Bench {
  source: MemoryCountersSource;
  readings: CounterReading[];
  troubles: string[];
  /** `found /a 3`: of every reading, with the very cgroup's kills */
  heard(): string[];
}

function open(hierarchy: Partial<MemoryHierarchy> = {}, more: Partial<MemoryCountersOptions> = {}): Bench {
  const readings: CounterReading[] = [];
  const troubles: string[] = [];
  const source = openMemoryCounters({
    onReading: (reading) => readings.push(reading),
    onTrouble: (name, detail) => troubles.push(`${name} ${JSON.stringify(detail)}`),
    hierarchy: { version: "v2", directory, path: "/", seen: "all", localEvents: false, ...hierarchy },
    ...more,
  });
  opened.push(source);
  const heard = (): string[] =>
    readings.map(({ why, cgroup, local, fromZero }) => `${why} ${cgroup} ${local?.oomKill}${fromZero ? " new" : ""}`);
  return { source, readings, troubles, heard };
}

/** A cgroup of v2 with its files. @param tree default: as many as in this very one */
function setV2(path: string, local: number, tree = local): void {
  mkdirSync(join(directory, path), { recursive: true });
  writeFileSync(join(directory, path, "memory.events.local"), `oom ${local}\noom_kill ${local}\n`);
  writeFileSync(join(directory, path, "memory.events"), `oom ${tree}\noom_kill ${tree}\n`);
}

/** At once, as rmdir(2) of a cgroup: what is below goes first. */
function remove(path: string): void {
  rmSync(join(directory, path), { recursive: true });
}

test("what is there is told before it is opened, and has not begun at 0", () => {
  setV2("a", 3, 5);
  setV2("a/b", 2);
  const { source, readings, heard } = open();
  expect(heard()).toEqual(["found /a 3", "found /a/b 2"]);
  expect(readings[0]).toEqual({
    cgroup: "/a",
    atMs: expect.any(Number),
    local: { oom: 3, oomKill: 3 },
    tree: { oom: 5, oomKill: 5 },
    why: "found",
    fromZero: false,
  });
  expect([...source.known]).toEqual(readings.map((reading) => [reading.cgroup, reading]));
  expect(source.version).toBe("v2");
});

test("atMs is the clock of process.hrtime", () => {
  setV2("a", 1);
  const beforeMs = Number(process.hrtime.bigint()) / 1e6;
  const { readings } = open();
  expect(readings[0]?.atMs).toBeGreaterThanOrEqual(beforeMs);
  expect(readings[0]?.atMs).toBeLessThanOrEqual(Number(process.hrtime.bigint()) / 1e6);
});

test("nothing new is nothing told, however often it is read", () => {
  setV2("a", 1);
  const { source, heard } = open();
  source.read();
  source.read(true);
  expect(heard()).toEqual(["found /a 1"]);
});

test("a change is told once, by inotify or by read(true), whichever comes first", async () => {
  setV2("a", 1);
  const { source, heard } = open();
  setV2("a", 2);
  source.read(true);
  expect(heard()).toEqual(["found /a 1", "changed /a 2"]);
  await new Promise((resolve) => setTimeout(resolve, 150));
  setV2("a", 3);
  await expect.poll(heard).toEqual(["found /a 1", "changed /a 2", "changed /a 3"]);
  expect(source.known.get("/a")?.local?.oomKill).toBe(3);
});

test("cgroups that come are found with all that is in them, and count from 0", async () => {
  const { heard } = open();
  const elsewhere = mkdtempSync(join(tmpdir(), "oomscribe-made-"));
  const there = directory;
  directory = elsewhere;
  setV2("", 1, 3);
  setV2("b", 2);
  directory = there;
  renameSync(elsewhere, join(directory, "a"));
  await expect.poll(heard).toEqual(["found /a 1 new", "found /a/b 2 new"]);
  setV2("a/b/c", 7);
  await expect.poll(() => heard().at(-1)).toMatch(/ \/a\/b\/c 7 new$/);
});

// Elsewhere the pids that a cgroup has are not those of the kernel's log.
test.skipIf(!isInitPidNamespace())(
  "who is in a cgroup that comes to its limit, or kills, is known from then on",
  () => {
    setV2("a", 1);
    setV2("b", 1);
    setV2("c", 1);
    for (const [name, pid] of Object.entries({ a: 12, b: 13, c: 14 })) {
      writeFileSync(join(directory, name, "cgroup.procs"), `${pid}\n`);
    }
    const { source } = open();
    const seen = (): unknown[] => [12, 13, 14, 15].map((pid) => source.cgroupOf(pid));
    source.read(true);
    expect(seen()).toEqual([undefined, undefined, undefined, undefined]);
    writeFileSync(join(directory, "a", "memory.events.local"), "max 1\noom 1\noom_kill 1\n");
    setV2("b", 2);
    setV2("c", 1, 2);
    source.read(true);
    expect(seen()).toEqual(["/a", "/b", undefined, undefined]);
    writeFileSync(join(directory, "b", "cgroup.procs"), "15\n");
    source.read();
    expect(seen()).toEqual(["/a", "/b", undefined, "/b"]);
  },
);

test("one that goes is told with the last that could be read, children first", async () => {
  setV2("a", 1);
  setV2("a/b", 2);
  const { source, heard } = open();
  remove("a");
  await expect.poll(() => heard().slice(2)).toEqual(["removed /a/b 2", "removed /a 1"]);
  expect(source.known.size).toBe(0);
});

test("another one of the same name is another one, even within one look", async () => {
  setV2("a", 5);
  const { heard } = open();
  remove("a");
  setV2("a", 5);
  await expect.poll(heard).toEqual(["found /a 5", "removed /a 5", "found /a 5 new"]);
});

test("a controller that is enabled later", async () => {
  mkdirSync(join(directory, "a"));
  const { heard } = open();
  expect(heard()).toEqual([]);
  setV2("a", 1);
  writeFileSync(join(directory, "cgroup.subtree_control"), "memory");
  await expect.poll(() => heard()[0]).toMatch(/^found \/a \S+ new$/);
  await expect.poll(() => heard().at(-1)).toBe(heard().length === 1 ? "found /a 1 new" : "changed /a 1 new");
});

test("before 5.2 there is no memory.events.local, and with memory_localevents memory.events is none of the tree", () => {
  setV2("a", 1, 4);
  rmSync(join(directory, "a/memory.events.local"));
  expect(open().readings).toEqual([expect.objectContaining({ tree: { oom: 4, oomKill: 4 } })]);
  setV2("a", 1);
  expect(open({ localEvents: true }).readings[0]).not.toHaveProperty("tree");
});

test("v1", () => {
  mkdirSync(join(directory, "a"));
  for (const path of ["memory.oom_control", "a/memory.oom_control"]) {
    writeFileSync(join(directory, path), "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
  }
  const { heard, readings, source } = open({ version: "v1" });
  expect(heard()).toEqual(["found / 2", "found /a 2"]);
  expect(readings[1]).toMatchObject({ local: { oomKill: 2, underOom: false, oomKillDisabled: false } });
  writeFileSync(join(directory, "a/memory.oom_control"), "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
  source.read(true);
  expect(heard().at(-1)).toBe("changed /a 3");
});

test("below a mount that shows a part, paths are the kernel's, and it is told", () => {
  setV2("a", 1);
  const { heard, troubles } = open({ path: "/docker/x", seen: "part" });
  expect(heard()).toEqual(["found /docker/x/a 1"]);
  expect(troubles).toEqual([expect.stringMatching(/^cgroups_partly_seen .*"path":"\/docker\/x"/)]);
});

describe("bounds", () => {
  test("beyond so many cgroups: told once, and room is used when there is some", async () => {
    for (const name of ["a", "b", "c", "d"]) setV2(name, 1);
    const { heard, troubles } = open({}, { maxCgroups: 3 });
    expect(heard()).toHaveLength(2);
    expect(troubles).toEqual([expect.stringMatching(/^cgroup_limit_reached .*"limit":3/)]);
    setV2("e", 1);
    for (const line of heard()) remove(line.split(" ")[1] as string);
    await expect.poll(() => heard().filter((line) => line.startsWith("removed"))).toHaveLength(2);
    setV2("f", 1);
    // It may have been there for long: nobody looked.
    await expect.poll(() => heard().filter((line) => line.startsWith("found"))).toContainEqual("found /f 1");
    expect(troubles).toHaveLength(1);
  });

  test("closed, it holds no file and tells nothing", async () => {
    setV2("a", 1);
    const before = openFiles();
    const { source, heard } = open();
    expect(openFiles()).toBeGreaterThan(before);
    source.close();
    source.close();
    setV2("a", 2);
    setV2("b", 2);
    source.read(true);
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect(heard()).toEqual(["found /a 1"]);
    expect(openFiles()).toBe(before);
  });

  test("a reader that closes it at the first reading gets no other", () => {
    setV2("a", 1);
    setV2("b", 1);
    const heard: string[] = [];
    const { source } = open({}, { onReading });
    function onReading({ cgroup, why }: CounterReading): void {
      heard.push(`${why} ${cgroup}`);
      if (heard.length === 3) source.close();
    }
    setV2("a", 2);
    setV2("b", 2);
    source.read(true);
    expect(heard).toEqual(["found /a", "found /b", "changed /a"]);
  });

  /** Of counters; inotify's own stays with the process. */
  function openFiles(): number {
    return readdirSync("/proc/self/fd").filter((fd) => readTarget(fd).startsWith(directory)).length;
  }

  function readTarget(fd: string): string {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ""; // the one that the listing itself was read with
    }
  }
});
