/** Cgroups where inotify cannot be had: they are looked at instead. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type CgroupTree, openCgroupTree } from "../../../../src/sources/cgroup/tree.ts";

vi.mock("node:fs", async (original) => ({
  ...(await original<typeof import("node:fs")>()),
  watch() {
    throw Object.assign(new Error("no space"), { code: "ENOSPC" });
  },
}));

let directory: string;
let tree: CgroupTree;
let heard: string[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "oomscribe-tree-"));
  heard = [];
});

afterEach(() => {
  tree.close();
  rmSync(directory, { recursive: true });
});

function open(): void {
  tree = openCgroupTree({
    ...{ directory, path: "/", maxCgroups: 100 },
    onFound: ({ path, isNew }) => heard.push(`found ${path}${isNew ? " new" : ""}`),
    onGone: (path) => heard.push(`gone ${path}`),
    onChanged: () => {},
    onTrouble: (name, { code }) => heard.push(`${name} ${code}`),
  });
}

test("is told once, and each look finds what came, went, and was replaced", () => {
  mkdirSync(join(directory, "a/b"), { recursive: true });
  open();
  expect(tree.isWatched).toBe(false);
  expect(heard.splice(0)).toEqual(["cgroup_watch_failed ENOSPC", "found /", "found /a", "found /a/b"]);
  tree.rescan();
  expect(heard).toEqual([]);
  mkdirSync(join(directory, "a/c"));
  tree.rescan();
  expect(heard.splice(0)).toEqual(["found /a/c new"]);
  rmSync(join(directory, "a/b"), { recursive: true });
  mkdirSync(join(directory, "d"));
  tree.rescan();
  expect(heard.splice(0).sort()).toEqual(["found /d new", "gone /a/b"]);
  rmSync(join(directory, "a"), { recursive: true });
  tree.rescan();
  expect(heard.splice(0)).toEqual(["gone /a/c", "gone /a"]);
});
