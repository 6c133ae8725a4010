/** Who was seen where: in a folder of files that look as cgroups do. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createLiving } from "../../../../src/sources/proc/recent-pids.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "oomscribe-living-"));
});

afterEach(() => rmSync(root, { recursive: true }));

/** @returns its directory */
function setCgroup(name: string, text: string): string {
  const directory = join(root, name);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "cgroup.procs"), text);
  return directory;
}

test("those in a cgroup that has had a kill are known at once, and for two seconds", () => {
  const living = createLiving();
  living.watch("/a", setCgroup("a", "12\n345\n"), 1000);
  expect([12, 345, 34, 1].map((pid) => living.cgroupOf(pid, 3000))).toEqual(["/a", "/a", undefined, undefined]);
  expect(living.cgroupOf(12, 3001)).toBeUndefined();
});

test("who comes later is seen at the next look, who has gone is known for a while, with its cgroup or without", () => {
  const living = createLiving();
  living.watch("/a", setCgroup("a", "12\n"), 1000);
  setCgroup("a", "13\n");
  expect(living.cgroupOf(13, 1000)).toBeUndefined();
  living.look(1500);
  rmSync(join(root, "a"), { recursive: true });
  living.look(2500);
  expect([12, 13].map((pid) => living.cgroupOf(pid, 2600))).toEqual(["/a", "/a"]);
  living.look(3100);
  expect([12, 13].map((pid) => living.cgroupOf(pid, 3100))).toEqual([undefined, "/a"]);
});

test("who was moved, or whose number is another's, is where it was seen last", () => {
  const living = createLiving();
  living.watch("/a", setCgroup("a", "12\n"), 1000);
  living.watch("/b", setCgroup("b", "12\n"), 1001);
  expect(living.cgroupOf(12, 1002)).toBe("/b");
});

test("one that is at its limit is looked at once", () => {
  const living = createLiving();
  const directory = setCgroup("a", "12\n");
  living.see("/a", directory, 1000);
  setCgroup("a", "13\n");
  living.look(1100);
  expect([12, 13].map((pid) => living.cgroupOf(pid, 1100))).toEqual(["/a", undefined]);
});

test("a cgroup that has had no kill for ten seconds is not looked at any more", () => {
  const living = createLiving();
  const directory = setCgroup("a", "");
  living.watch("/a", directory, 1000);
  setCgroup("a", "12\n");
  living.look(11_001);
  expect(living.cgroupOf(12, 11_001)).toBeUndefined();
  living.watch("/a", directory, 11_002);
  expect(living.cgroupOf(12, 11_002)).toBe("/a");
});

test("of more than 64 the one that has killed last longest ago is let go", () => {
  const living = createLiving();
  const directories = Array.from({ length: 65 }, (_, index) => setCgroup(`c${index}`, ""));
  for (const [index, directory] of directories.entries()) living.watch(`/c${index}`, directory, 1000);
  for (const index of directories.keys()) setCgroup(`c${index}`, `${index + 1}\n`);
  living.look(1001);
  expect(living.cgroupOf(1, 1001)).toBeUndefined();
  expect([2, 65].map((pid) => living.cgroupOf(pid, 1001))).toEqual(["/c1", "/c64"]);
});

test("processes that are not to be seen from here, and a list that is cut off, are nobody", () => {
  const living = createLiving();
  const many = Array.from({ length: 20_000 }, (_, index) => index + 100_000);
  living.watch("/a", setCgroup("a", `0\n0\n${many.join("\n")}\n`), 1000);
  expect(living.cgroupOf(0, 1000)).toBeUndefined();
  expect(living.cgroupOf(100_000, 1000)).toBe("/a");
  // 65,536 bytes: two zeros of 2 bytes, then 9,361 numbers of 7 bytes, then a part of one.
  expect(living.cgroupOf(109_360, 1000)).toBe("/a");
  expect([109_361, 10_936, 1093].map((pid) => living.cgroupOf(pid, 1000))).toEqual([undefined, undefined, undefined]);
});

test("a threaded cgroup, or one that is gone, has nobody", () => {
  const living = createLiving();
  living.watch("/a", join(root, "gone"), 1000);
  expect(living.cgroupOf(1, 1000)).toBeUndefined();
});
