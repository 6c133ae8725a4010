/** What /proc of a host says of a victim, whole, in part and not at all. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readVictimProc, type VictimProc } from "../../../../src/sources/proc/victim.ts";

let hostRoot: string;

beforeEach(() => {
  hostRoot = mkdtempSync(join(tmpdir(), "oomscribe-host-"));
});

afterEach(() => rmSync(hostRoot, { recursive: true }));

test.each<[string, Record<string, string | Buffer>, VictimProc | undefined]>([
  [
    "a container's own process",
    { cgroup: "0::/kubepods/pod1/c\n", comm: "java\n", status: "Name:\tjava\nNSpid:\t8104\t1\nNSpgid:\t8104\t1\n" },
    { cgroup: "/kubepods/pod1/c", comm: "java", pid1: true },
  ],
  [
    "a child in a container in a container",
    { cgroup: "4:memory:/a\n", comm: "sh\n", status: "NSpid:\t8104\t77\t12\n" },
    { cgroup: "/a", comm: "sh", pid1: false },
  ],
  ["of the node itself", { comm: "init\n", status: "NSpid:\t8104\n" }, { comm: "init", pid1: false }],
  ["ending, on v1", { cgroup: "4:memory:/\n", comm: "java\n" }, { comm: "java" }],
  ["a hostile name", { comm: Buffer.from("61c3a90a5cff0a", "hex") }, { comm: "aé\n\\\ufffd" }],
  ["no name at all", { comm: "\n" }, { comm: "" }],
  ["before Linux 4.1", { comm: "a\n", status: "Name:\ta\nPid:\t1\n" }, { comm: "a" }],
  ["gone", {}, undefined],
])("%s", (_, files, expected) => {
  mkdirSync(join(hostRoot, "proc/8104"), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(hostRoot, "proc/8104", name), text);
  expect(readVictimProc(8104, { hostRoot })).toEqual(expected);
});

test.each([0, -1, 2 ** 31, Number.NaN])("pid %d: nothing, and no error", (pid) => {
  expect(readVictimProc(pid, { hostRoot })).toBeUndefined();
});
