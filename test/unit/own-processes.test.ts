/** Which process is a container's own: in a folder of files that look as cgroups and /proc do. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { addOwnProcess } from "../../src/correlate/witnesses.ts";
import { createOwnProcesses, type OwnProcesses } from "../../src/sources/own-processes.ts";
import { CONTAINER_CGROUP, makeBareKill, makeKill, makeUnloggedKill, POD_CGROUP } from "../kills.ts";

let root: string;
let own: OwnProcesses;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "oomscribe-own-"));
  own = createOwnProcesses(root);
});

afterEach(() => rmSync(root, { recursive: true }));

function find(path: string, nowMs = 0): void {
  own.found({ path, directory: join(root, path), isNew: true }, nowMs);
}

/** @param inner pids in their innermost namespace, by their pid on the node */
function setProcesses(path: string, inner: Readonly<Record<number, number>>): void {
  mkdirSync(join(root, path), { recursive: true });
  writeFileSync(
    join(root, path, "cgroup.procs"),
    Object.keys(inner)
      .map((pid) => `${pid}\n`)
      .join(""),
  );
  for (const [pid, innermost] of Object.entries(inner)) {
    mkdirSync(join(root, "proc", pid), { recursive: true });
    writeFileSync(join(root, "proc", pid, "status"), `Name:\ta\nNSpid:\t${pid}\t${innermost}\n`);
  }
}

test("PID 1 of its namespace, whichever number it has on the node", () => {
  setProcesses(CONTAINER_CGROUP, { 77: 12, 345: 1, 400: 7 });
  find(CONTAINER_CGROUP);
  own.look(499);
  expect(own.of(CONTAINER_CGROUP)).toBeUndefined();
  own.look(500);
  expect(own.of(CONTAINER_CGROUP)).toBe(345);
});

test("one that comes later is found later, and then no more is looked for", () => {
  find(CONTAINER_CGROUP);
  own.look(500);
  setProcesses(CONTAINER_CGROUP, { 345: 1 });
  own.look(2999);
  expect(own.of(CONTAINER_CGROUP)).toBeUndefined();
  own.look(3000);
  expect(own.of(CONTAINER_CGROUP)).toBe(345);
  setProcesses(CONTAINER_CGROUP, { 346: 1 });
  own.look(40_000);
  expect(own.of(CONTAINER_CGROUP)).toBe(345);
});

test("a container that shares a pid namespace has none", () => {
  setProcesses(CONTAINER_CGROUP, { 345: 8 });
  find(CONTAINER_CGROUP);
  for (const nowMs of [500, 3000, 30_000, 60_000]) own.look(nowMs);
  expect(own.of(CONTAINER_CGROUP)).toBeUndefined();
});

test.each([POD_CGROUP, "/system.slice/x.service", `${CONTAINER_CGROUP}/below`])("%s is no container", (path) => {
  setProcesses(path, { 345: 1 });
  find(path);
  own.look(500);
  expect(own.of(path)).toBeUndefined();
});

test("of one that is gone it is known for a minute, ten seconds more at most, and of a new one of that name nothing yet", () => {
  setProcesses(CONTAINER_CGROUP, { 345: 1 });
  find(CONTAINER_CGROUP);
  own.look(500);
  own.gone(CONTAINER_CGROUP, 1000);
  own.look(60_000);
  expect(own.of(CONTAINER_CGROUP)).toBe(345);
  own.look(70_001);
  expect(own.of(CONTAINER_CGROUP)).toBeUndefined();
  find(CONTAINER_CGROUP, 70_500);
  expect(own.of(CONTAINER_CGROUP)).toBeUndefined();
});

describe("a kill", () => {
  const ownIs = (pid: number) => (container: string) => (container === CONTAINER_CGROUP ? pid : undefined);

  test.each<[string, ReturnType<typeof makeKill> | ReturnType<typeof makeUnloggedKill>, number, boolean | undefined]>([
    ["of its container's own process", makeKill(), 1234, true],
    ["of another", makeKill(), 7, false],
    ["of which /proc has told already", makeKill({ kill: { pid1: true } }), 7, true],
    [
      "below the container's own cgroup",
      makeKill({
        kill: {
          victimCgroup: `${CONTAINER_CGROUP}/a/b`,
          identity: { kind: "container", driver: "cgroupfs", nested: "/a/b" },
        },
      }),
      7,
      false,
    ],
    ["whose container is not known", makeBareKill(), 1234, undefined],
    ["whose victim is not known", makeUnloggedKill(), 1234, undefined],
    ["that the tracepoint named", makeUnloggedKill({ victim: { pid: 1234 } }), 1234, true],
  ])("%s", (_, kill, pid, expected) => {
    addOwnProcess(kill, ownIs(pid));
    expect(kill.pid1).toBe(expected);
  });
});

describe("beyond two thousand containers", () => {
  const pathOf = (index: number): string => `${POD_CGROUP}/${index.toString(16).padStart(64, "0")}`;

  test("one that lives takes the place of one that is gone", () => {
    for (let index = 0; index < 2000; index++) find(pathOf(index));
    setProcesses(CONTAINER_CGROUP, { 345: 1 });
    find(CONTAINER_CGROUP);
    own.look(500);
    expect(own.of(CONTAINER_CGROUP)).toBeUndefined();
    own.gone(pathOf(7), 600);
    find(CONTAINER_CGROUP, 600);
    for (let nowMs = 1100; nowMs < 60_000; nowMs += 500) own.look(nowMs);
    expect(own.of(CONTAINER_CGROUP)).toBe(345);
  });

  test("those that a user of the node has made take half of the places", () => {
    for (let index = 0; index < 5000; index++) {
      own.found({ path: pathOf(index), directory: join(root, "none"), isNew: true, delegatedTo: "/user.slice" }, 0);
    }
    setProcesses(CONTAINER_CGROUP, { 345: 1 });
    find(CONTAINER_CGROUP, 600);
    for (let nowMs = 1100; nowMs < 60_000; nowMs += 500) own.look(nowMs);
    expect(own.of(CONTAINER_CGROUP)).toBe(345);
  });
});
