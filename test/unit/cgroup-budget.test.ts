/** Whose cgroups are watched where there are too many, and that the kills in the others are counted once all the same. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type CorrelatorState, createCorrelator } from "../../src/correlate/correlator.ts";
import { type CgroupPlace, createCgroupBudget, placeOf } from "../../src/sources/cgroup-budget.ts";
import { type CgroupCounters, type CounterReading, createCgroupCounters } from "../../src/sources/cgroup-counters.ts";
import { type CgroupTree, openCgroupTree } from "../../src/sources/cgroup-tree.ts";

// Every look is one that the test asks for.
vi.mock("node:fs", async (original) => ({
  ...(await original<typeof import("node:fs")>()),
  watch() {
    throw Object.assign(new Error("no space"), { code: "ENOSPC" });
  },
}));

const POD = "/kubepods/burstable/pod2c48913c-b29f-11e7-9350-020968147796";
const CONTAINER = `${POD}/${"a".repeat(64)}`;
const OTHER_POD = "/kubepods/burstable/pod3c48913c-b29f-11e7-9350-020968147796";
const OTHER = `${OTHER_POD}/${"b".repeat(64)}`;
const SYSTEMD_POD =
  "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod2c48913c_b29f_11e7_9350_020968147796.slice";
const USER = "/user.slice/user-1000.slice/user@1000.service";

function place(path: string): CgroupPlace {
  let above: CgroupPlace = placeOf("/", undefined);
  for (let at = path.indexOf("/", 1); ; at = path.indexOf("/", at + 1)) {
    above = placeOf(at === -1 ? path : path.slice(0, at), above);
    if (at === -1) return above;
  }
}

describe("what a cgroup is counted to", () => {
  test.each<[path: string, level: CgroupPlace["level"], owner: string, subtree: string]>([
    ["/kubepods", "group", "/", "/"],
    ["/kubepods/burstable", "group", "/", "/"],
    [POD, "pod", POD, POD],
    [CONTAINER, "owner", CONTAINER, POD],
    [`${CONTAINER}/init.scope`, "delegated", CONTAINER, POD],
    [`${CONTAINER}/docker/${"c".repeat(64)}`, "delegated", CONTAINER, POD],
    [`${CONTAINER}/kubepods/burstable/pod3c48913c-b29f-11e7-9350-020968147796`, "delegated", CONTAINER, POD],
    [`${POD}/anything`, "delegated", POD, POD],
    ["/kubepods.slice/kubepods-burstable.slice", "group", "/", "/"],
    [SYSTEMD_POD, "pod", SYSTEMD_POD, SYSTEMD_POD],
    [
      `${SYSTEMD_POD}/cri-containerd-${"a".repeat(64)}.scope`,
      ...(["owner", `${SYSTEMD_POD}/cri-containerd-${"a".repeat(64)}.scope`, SYSTEMD_POD] as const),
    ],
    ["/system.slice", "group", "/", "/"],
    ["/system.slice/nginx.service", "owner", "/system.slice/nginx.service", "/system.slice/nginx.service"],
    ["/system.slice/nginx.service/a/b", "delegated", "/system.slice/nginx.service", "/system.slice/nginx.service"],
    ["/user.slice/user-1000.slice", "group", "/", "/"],
    [USER, "owner", USER, USER],
    [`${USER}/user.slice/libpod-${"a".repeat(64)}.scope`, "delegated", USER, USER],
    ["/docker", "owner", "/docker", "/docker"],
    [`/docker/${"a".repeat(64)}`, "owner", `/docker/${"a".repeat(64)}`, `/docker/${"a".repeat(64)}`],
    [`/docker/${"a".repeat(64)}/x`, "delegated", `/docker/${"a".repeat(64)}`, `/docker/${"a".repeat(64)}`],
    [
      `/system.slice/k3s.service${CONTAINER}`,
      "owner",
      `/system.slice/k3s.service${CONTAINER}`,
      `/system.slice/k3s.service${POD}`,
    ],
    ["/batch", "owner", "/batch", "/batch"],
    ["/batch/job", "delegated", "/batch", "/batch"],
  ])("%s", (path, level, owner, subtree) => {
    expect(place(path)).toMatchObject({ level, owner, subtree });
  });
});

test("a subtree has its share, all delegated ones half, and the others the rest", () => {
  const budget = createCgroupBudget({ maxCgroups: 10, maxInSubtree: 3 });
  const fill = (path: string): number => {
    let count = 0;
    for (; budget.boundFor(place(path)) === undefined; count++) budget.add(place(path));
    return count;
  };
  expect(fill(`${CONTAINER}/x`)).toBe(3);
  expect(budget.boundFor(place(`${CONTAINER}/x`))).toBe("subtree");
  expect(fill(`${OTHER}/x`)).toBe(2);
  expect(budget.boundFor(place(`${OTHER}/x`))).toBe("node");
  expect(fill(CONTAINER)).toBe(5);
  budget.remove(place(`${CONTAINER}/x`));
  expect(budget.boundFor(place(OTHER))).toBeUndefined();
});

let directory: string;
let tree: CgroupTree | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "oomscribe-budget-"));
});

afterEach(() => {
  tree?.close();
  tree = undefined;
  rmSync(directory, { recursive: true });
});

function make(...paths: string[]): void {
  for (const path of paths) mkdirSync(join(directory, path), { recursive: true });
}

function open(heard: string[], limits: { maxCgroups: number; maxInSubtree: number }): CgroupTree {
  tree = openCgroupTree({
    ...{ directory, path: "/", ...limits },
    onFound: ({ path, isNew, isLate }) =>
      heard.push(`found ${path.replace(CONTAINER, "C")}${isNew ? " new" : ""}${isLate ? " late" : ""}`),
    onGone: (path) => heard.push(`gone ${path.replace(CONTAINER, "C")}`),
    onChanged: () => {},
    onUnwatched: (owners) => heard.push(`unwatched below ${owners.join(" ").replace(CONTAINER, "C")}`),
    onTrouble(name, { limit, subtree }) {
      if (name !== "cgroup_watch_failed") heard.push(`${name} ${limit} ${subtree}`);
    },
  });
  return tree;
}

test("a container that makes cgroups without end takes no other's place, and is told of once", () => {
  make(...Array.from({ length: 30 }, (_, index) => `${CONTAINER}/n${index}`));
  const heard: string[] = [];
  const { rescan } = open(heard, { maxCgroups: 20, maxInSubtree: 4 });
  expect(heard.filter((one) => one.startsWith("found C/"))).toHaveLength(4);
  expect(heard.filter((one) => !one.startsWith("found"))).toEqual([
    "unwatched below C",
    `cgroup_subtree_limit_reached 4 ${POD}`,
  ]);
  expect(tree?.unwatched).toEqual(new Map([[CONTAINER, 26]]));
  heard.length = 0;
  make(OTHER, `${CONTAINER}/n30`, `${CONTAINER}/n0/deep`);
  rescan();
  expect(heard).toEqual([`found ${OTHER_POD} new`, `found ${OTHER} new`]);
  expect(tree?.unwatched.get(CONTAINER)).toBeGreaterThanOrEqual(27);
  rmSync(join(directory, CONTAINER), { recursive: true });
  rescan();
  expect(tree?.unwatched).toEqual(new Map());
  expect(heard.at(-2)).toBe("unwatched below ");
});

test("what had to wait for room does not count from 0; once all are watched, what comes does", () => {
  make(...["a", "b", "c"].map((name) => `${CONTAINER}/${name}`));
  const heard: string[] = [];
  const { rescan } = open(heard, { maxCgroups: 20, maxInSubtree: 2 });
  const watched = heard.filter((one) => one.startsWith("found C/")).map((one) => one.slice("found C/".length));
  const [waiting = ""] = ["a", "b", "c"].filter((name) => !watched.includes(name));
  rmSync(join(directory, CONTAINER, watched[0] ?? ""), { recursive: true });
  heard.length = 0;
  rescan();
  // It is found below the container before the other is found to be gone, or at the next look.
  rescan();
  expect(heard.filter((one) => one.startsWith("found"))).toEqual([`found C/${waiting} late`]);
  rmSync(join(directory, CONTAINER, waiting), { recursive: true });
  rescan();
  rescan();
  heard.length = 0;
  make(`${CONTAINER}/d`);
  rescan();
  expect(heard).toEqual(["found C/d new"]);
});

/** A node whose counts are kept beside what is watched of them. Times are the test's. */
function openNode(version: "v1" | "v2") {
  const own = new Map<string, number>();
  const names = ["n0", "n1", "n2", "n3", "n4", "n5"];
  let nowMs = 1000;
  let kills = 0;
  let told = 0;
  let saved: CorrelatorState | undefined;
  let counters = new Map<string, CgroupCounters>();
  let correlator = createCorrelator({ startMs: nowMs, hasCounters: true });

  function write(path: string, file: string, count: number): void {
    writeFileSync(join(directory, path, file), `oom_kill_disable 0\nunder_oom 0\noom_kill ${count}\n`);
  }

  function handOn(reading: CounterReading | "gone" | undefined): void {
    if (reading !== undefined && reading !== "gone") correlator.counter({ ...reading, atMs: nowMs });
  }

  function count(path: string): void {
    own.set(path, (own.get(path) ?? 0) + 1);
    kills++;
    if (version === "v1") write(path, "memory.oom_control", own.get(path) ?? 0);
    else write(path, "memory.events.local", own.get(path) ?? 0);
    for (let above = path; version === "v2" && above !== ""; above = above.slice(0, above.lastIndexOf("/"))) {
      trees.set(above, (trees.get(above) ?? 0) + 1);
      write(above, "memory.events", trees.get(above) ?? 0);
    }
  }
  const trees = new Map<string, number>();

  function create(path: string): void {
    if (own.has(path)) return;
    make(path);
    own.set(path, 0);
    trees.set(path, 0);
    if (version === "v1") write(path, "memory.oom_control", 0);
    else for (const file of ["memory.events.local", "memory.events"]) write(path, file, 0);
  }

  function start(): void {
    tree?.close();
    counters = new Map();
    correlator = createCorrelator({ startMs: nowMs, restored: saved, hasCounters: true });
    correlator.node({ oomKill: kills, atMs: nowMs });
    tree = openCgroupTree({
      ...{ directory, path: "/", maxCgroups: 20, maxInSubtree: 2 },
      onFound(cgroup) {
        const files = version === "v1" ? { local: "memory.oom_control" } : V2_FILES;
        const one = createCgroupCounters(cgroup, files);
        counters.set(cgroup.path, one);
        handOn(one.read());
      },
      onGone(path) {
        handOn(counters.get(path)?.remove());
        counters.delete(path);
      },
      onChanged: () => {},
      onUnwatched: correlator.unwatched,
      onTrouble: () => {},
    });
    look();
  }

  /** Everything is looked at, and decided. */
  function look(): void {
    correlator.node({ oomKill: kills, atMs: nowMs });
    tree?.rescan();
    for (const one of counters.values()) handOn(one.read());
    correlator.allRead(nowMs);
    for (const endMs = nowMs + 9000; nowMs < endMs; nowMs += 300) told += correlator.tick(nowMs).length;
    saved = structuredClone(correlator.state(undefined, nowMs));
  }

  for (const path of ["/kubepods", "/kubepods/burstable", POD, CONTAINER]) create(path);
  start();
  return {
    look,
    start,
    create: (index: number) => create(`${CONTAINER}/${names[index]}`),
    kill(index: number) {
      const path = `${CONTAINER}/${names[index]}`;
      nowMs += 10;
      if (own.has(path)) count(path);
    },
    remove(index: number) {
      const path = `${CONTAINER}/${names[index]}`;
      if (!own.delete(path)) return;
      trees.delete(path);
      rmSync(join(directory, path), { recursive: true });
    },
    result: () => ({ kills, told }),
  };
}

const V2_FILES = { local: "memory.events.local", tree: "memory.events" };

const SOME = fc.subarray([0, 1, 2, 3, 4, 5]);
const ROUND = fc.record({
  create: SOME,
  kill: SOME,
  isRestart: fc.nat(3).map((value) => value === 0),
  remove: SOME,
});

test.each(["v1", "v2"] as const)(
  "%s: a kill is told once, whether its cgroup is watched, was, or will be",
  (version) => {
    fc.assert(
      fc.property(fc.array(ROUND, { minLength: 2, maxLength: 8 }), (rounds) => {
        const node = openNode(version);
        try {
          for (const { create, kill, isRestart, remove } of rounds) {
            create.forEach(node.create);
            // The second time right after one that no look has come between.
            kill.forEach(node.kill);
            kill.slice(0, 2).forEach(node.kill);
            if (isRestart) node.start();
            else node.look();
            remove.forEach(node.remove);
          }
          node.look();
          const { kills, told } = node.result();
          expect(told).toBe(kills);
        } finally {
          tree?.close();
          rmSync(join(directory, "kubepods"), { recursive: true });
        }
      }),
      { numRuns: 40 },
    );
  },
);
