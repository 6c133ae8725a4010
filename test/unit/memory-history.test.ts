/** The history's driver over files as a kernel has them: what is followed, how long it is kept, and what is told. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type MemoryHistorySource, openMemoryHistory } from "../../src/sources/memory-history.ts";
import type { MemorySample } from "../../src/sources/memory-samples.ts";
import { CONTAINER_CGROUP, POD_CGROUP } from "../kills.ts";

const MIB = 1024 ** 2;
const LATER = Number.POSITIVE_INFINITY;
/** what inotify and a rescan take is not waited for here: two looks a second and more */
const SOON = { timeout: 10_000, interval: 20 };

let root: string;
let source: MemoryHistorySource | undefined;
const seen: { cgroup: string; sample: MemorySample; limit: number | undefined }[] = [];
const troubles: [string, object][] = [];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "oomscribe-history-"));
  seen.length = 0;
  troubles.length = 0;
});
afterEach(() => {
  source?.close();
  rmSync(root, { recursive: true });
});

function open(version: "v1" | "v2", maxCgroups?: number): MemoryHistorySource {
  source = openMemoryHistory({
    version,
    onSample: (cgroup, sample, limit) => seen.push({ cgroup, sample, limit }),
    onTrouble: (name, detail) => troubles.push([name, detail]),
    ...(maxCgroups === undefined ? {} : { maxCgroups }),
  });
  return source;
}

function write(path: string, files: Record<string, string>): { path: string; directory: string; isNew: boolean } {
  const directory = join(root, path);
  mkdirSync(directory, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return { path, directory, isNew: true };
}

function v2(usage: number, limit: string): Record<string, string> {
  return {
    "memory.current": `${usage}\n`,
    "memory.max": `${limit}\n`,
    "memory.high": "max\n",
    "memory.stat": `anon ${usage - 4096}\nfile 4096\nkernel 0\nshmem 0\ninactive_file 4096\n`,
    "memory.pressure": "some avg10=1.50 avg60=0.00 avg300=0.00 total=0\n",
  };
}

test("a container's samples, v2, from its start", async () => {
  const history = open("v2");
  history.found(write(CONTAINER_CGROUP, v2(10 * MIB, String(64 * MIB))));
  await vi.waitFor(() => expect(seen.length).toBeGreaterThan(1), SOON);
  expect(history.of(CONTAINER_CGROUP, LATER)).toMatchObject({
    cgroup: CONTAINER_CGROUP,
    limit: 64 * MIB,
    isFromStart: true,
    peak: 10 * MIB,
  });
  expect(history.of(CONTAINER_CGROUP, LATER)?.samples[0]).toEqual({
    atMs: expect.any(Number),
    usage: 10 * MIB,
    anon: 10 * MIB - 4096,
    file: 4096,
    inactiveFile: 4096,
    shmem: 0,
    kernel: 0,
    pressure: 2,
  });
});

test("a container without a limit is followed as closely as its pod's limit asks for", async () => {
  const free = `${POD_CGROUP.replace("pod1", "pod2")}/${"b".repeat(64)}`;
  const history = open("v2");
  history.found(write(POD_CGROUP, v2(60 * MIB, String(64 * MIB))));
  history.found(write(CONTAINER_CGROUP, v2(60 * MIB, "max")));
  history.found(write(free, v2(60 * MIB, "max")));
  const looksAt = (path: string): number => seen.filter(({ cgroup }) => cgroup === path).length;
  await vi.waitFor(() => expect(looksAt(CONTAINER_CGROUP)).toBeGreaterThan(1), SOON);
  // Each has a second look a second later, with its limit; the third is 29 s away, or one.
  await vi.waitFor(() => expect(looksAt(CONTAINER_CGROUP)).toBeGreaterThan(3), SOON);
  expect(looksAt(free)).toBeLessThan(3);
});

test("v1, with kernel memory from its own file", async () => {
  const history = open("v1");
  const files = {
    "memory.usage_in_bytes": "8192\n",
    "memory.limit_in_bytes": "65536\n",
    "memory.kmem.usage_in_bytes": "4096\n",
    "memory.stat": "rss 0\ntotal_cache 0\ntotal_rss 4096\ntotal_shmem 0\ntotal_inactive_file 0\n",
  };
  history.found({ ...write("/system.slice/db.service", files), isNew: false });
  await vi.waitFor(() => expect(seen).toHaveLength(1), SOON);
  expect(seen[0]).toMatchObject({ limit: 65_536, sample: { usage: 8192, anon: 4096, kernel: 4096 } });
  expect(history.of("/system.slice/db.service", LATER)?.isFromStart).toBe(false);
});

describe("who is followed", () => {
  test.each<[string, string, string, boolean]>([
    ["a container without a limit", CONTAINER_CGROUP, "max", true],
    ["a pod with one", POD_CGROUP, "1048576", true],
    ["a pod without", POD_CGROUP, "max", false],
    ["a unit with one", "/system.slice/db.service", "1048576", true],
    ["a unit without", "/system.slice/db.service", "max", false],
    ["what a container made below itself", `${CONTAINER_CGROUP}/sub`, "max", false],
  ])("%s", async (_, path, limit, isFollowed) => {
    const history = open("v2");
    history.found(write(path, v2(MIB, limit)));
    // Looked at in the same tick, after it.
    history.found(write(`${dirname(CONTAINER_CGROUP)}/${"f".repeat(64)}`, v2(MIB, "max")));
    await vi.waitFor(() => expect(seen.some(({ cgroup }) => cgroup.endsWith("ffff"))).toBe(true), SOON);
    expect(history.of(path, LATER) !== undefined).toBe(isFollowed);
  });

  test("a limit that is set a moment after the cgroup was made", async () => {
    const history = open("v2");
    const unit = write("/system.slice/db.service", v2(MIB, "max"));
    history.found(unit);
    history.found(write(CONTAINER_CGROUP, v2(MIB, "max")));
    await vi.waitFor(() => expect(seen).not.toEqual([]), SOON);
    writeFileSync(join(unit.directory, "memory.max"), "1048576\n");
    await vi.waitFor(() => expect(history.of(unit.path, LATER)?.limit).toBe(1_048_576), SOON);
  });

  test("no more than there is room for, which is said once", async () => {
    const history = open("v2", 1);
    for (const digit of ["1", "2", "3"]) history.found(write(`${POD_CGROUP}/${digit.repeat(64)}`, v2(MIB, "max")));
    await vi.waitFor(() => expect(troubles).not.toEqual([]), SOON);
    expect(troubles).toEqual([["memory_history_limit_reached", expect.objectContaining({ limit: 1 })]]);
    expect(history.size).toBe(1);
    history.gone(seen[0]?.cgroup ?? "");
    expect(history.size).toBe(0);
  });

  test("of those that a container made for itself a tenth, and a new container before all of them", async () => {
    const history = open("v2", 20);
    for (let index = 0; index < 40; index++) {
      const made = write(`${CONTAINER_CGROUP}/n${index}`, v2(MIB, "1048576"));
      history.found({ ...made, delegatedTo: CONTAINER_CGROUP });
    }
    const path = `${POD_CGROUP}/${"f".repeat(64)}`;
    history.found(write(path, v2(MIB, "max")));
    await vi.waitFor(() => expect(troubles).not.toEqual([]), SOON);
    expect(troubles).toEqual([["memory_history_limit_reached", expect.objectContaining({ limit: 2 })]]);
    expect(seen.map(({ cgroup }) => cgroup)).toEqual([path, ...[0, 1].map((index) => `${CONTAINER_CGROUP}/n${index}`)]);
    for (let index = 0; index < 40; index++) history.gone(`${CONTAINER_CGROUP}/n${index}`);
    expect(history.size).toBe(1);
  });
});

test("it is there for a while after its cgroup is gone, and apart from a new one of the same path", async () => {
  const history = open("v2");
  history.found(write(CONTAINER_CGROUP, v2(10 * MIB, "max")));
  await vi.waitFor(() => expect(seen).toHaveLength(1), SOON);
  const firstMs = seen[0]?.sample.atMs ?? 0;
  history.gone(CONTAINER_CGROUP);
  expect(history.of(CONTAINER_CGROUP, LATER)?.samples).toHaveLength(1);
  history.found(write(CONTAINER_CGROUP, v2(2 * MIB, "max")));
  await vi.waitFor(() => expect(seen).toHaveLength(2), SOON);
  expect(history.of(CONTAINER_CGROUP, LATER)?.peak).toBe(2 * MIB);
  expect(history.of(CONTAINER_CGROUP, firstMs)?.peak).toBe(10 * MIB);
  expect(history.of(CONTAINER_CGROUP, firstMs - 1)).toBeUndefined();
  expect(history.lastOf(CONTAINER_CGROUP, LATER)?.usage).toBe(2 * MIB);
  expect(history.lastOf(CONTAINER_CGROUP, firstMs)?.usage).toBe(10 * MIB);
});

test("a new container is seen while hundreds are at their limit", async () => {
  const history = open("v2");
  for (let one = 0; one < 150; one++) {
    const id = String(one).padStart(64, "0");
    history.found(write(`${POD_CGROUP}/${id}`, v2(MIB - 4096, String(MIB))));
  }
  await vi.waitFor(() => expect(history.size).toBe(150), SOON);
  history.found(write(CONTAINER_CGROUP, v2(MIB, "max")));
  const before = seen.length;
  await vi.waitFor(() => expect(history.of(CONTAINER_CGROUP, LATER)).toBeDefined(), SOON);
  // 25 looks a tick, and it is in the first or the second.
  expect(seen.length - before).toBeLessThanOrEqual(75);
});

test("the containers in a pod, and in the whole node", async () => {
  const history = open("v2");
  const other = `/kubepods/besteffort/pod22222222-2222-2222-2222-222222222222/${"b".repeat(64)}`;
  history.found(write(CONTAINER_CGROUP, v2(MIB, "max")));
  history.found(write(other, v2(MIB, "max")));
  await vi.waitFor(() => expect(seen.length).toBeGreaterThan(1), SOON);
  expect(history.containersIn(POD_CGROUP)).toEqual([CONTAINER_CGROUP]);
  expect(history.containersIn("/").toSorted()).toEqual([CONTAINER_CGROUP, other].toSorted());
  expect(history.containersIn(CONTAINER_CGROUP)).toEqual([CONTAINER_CGROUP]);
});

test("a file that cannot be read is told", async () => {
  const history = open("v2");
  const cgroup = write(CONTAINER_CGROUP, { "memory.max": "max\n", "memory.stat": "" });
  mkdirSync(join(cgroup.directory, "memory.current"));
  history.found(cgroup);
  await vi.waitFor(() => expect(troubles).not.toEqual([]), SOON);
  expect(troubles[0]).toEqual(["memory_history_unreadable", { code: "EISDIR", cgroup: CONTAINER_CGROUP }]);
});
