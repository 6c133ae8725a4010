/** Where the memory controller is, on nodes of every kind, and under which names the kernel's log knows its cgroups. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseMountinfo } from "../../../../parsers/mountinfo.ts";
import { CgroupOpenError, findMemoryHierarchy, type MemoryHierarchy } from "../../../../src/sources/cgroup/mounts.ts";

let host: string;

beforeEach(() => {
  host = mkdtempSync(join(tmpdir(), "oomscribe-host-"));
});

afterEach(() => rmSync(host, { recursive: true }));

interface FakeNode {
  mountinfo?: string;
  /** path → text */
  files: Record<string, string>;
  isInitNamespace?: boolean;
}

const V1 =
  "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n35 31 0:32 ROOT /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";
const V2 = "29 23 0:26 ROOT /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
const HYBRID = `${V1}41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n`;
const V1_FILES = { "sys/fs/cgroup/memory/memory.oom_control": "oom_kill 0\n" };
const V2_FILES = { "sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids\n" };
const V1_ROOT = { ...V1_FILES, "sys/fs/cgroup/memory/release_agent": "" };
const V2_BELOW = { ...V2_FILES, "sys/fs/cgroup/cgroup.events": "populated 1\n" };
const at = (root: string, mountinfo: string): string => mountinfo.replace("ROOT", root);

test.each<[string, FakeNode, Partial<MemoryHierarchy>]>([
  ["v1", { mountinfo: at("/", V1), files: V1_ROOT }, { version: "v1", path: "/", seen: "all" }],
  ["v2", { mountinfo: at("/", V2), files: V2_FILES }, { version: "v2", path: "/", seen: "all", localEvents: false }],
  [
    "hybrid, the controller on v1",
    {
      mountinfo: at("/", HYBRID),
      files: { ...V1_ROOT, "sys/fs/cgroup/unified/cgroup.controllers": "hugetlb\n" },
    },
    { version: "v1", seen: "all" },
  ],
  [
    "hybrid, the controller on v2",
    {
      mountinfo: "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
      files: { "sys/fs/cgroup/unified/cgroup.controllers": "memory\n" },
    },
    { version: "v2", seen: "all" },
  ],
  ["no /proc of the host: v1 by convention", { files: V1_ROOT }, { version: "v1", seen: "all" }],
  ["no /proc of the host: v2 by convention", { files: V2_FILES }, { version: "v2", seen: "all" }],
  [
    "the node is a container itself (v1)",
    { mountinfo: at("/docker/ab", V1), files: V1_FILES },
    { path: "/docker/ab", seen: "part" },
  ],
  [
    "the node is a container itself (v2)",
    { mountinfo: at("/docker/ab", V2), files: V2_BELOW },
    { path: "/docker/ab", seen: "part" },
  ],
  [
    "a container's own namespace",
    { mountinfo: at("/", V2), files: V2_BELOW, isInitNamespace: false },
    { path: "/", seen: "relative" },
  ],
  [
    "a container's own namespace, the node's cgroups mounted",
    { mountinfo: at("/../..", V2), files: V2_FILES, isInitNamespace: false },
    { path: "/", seen: "all" },
  ],
  [
    "a container's own namespace, a part of the node's mounted",
    { mountinfo: at("/..", V2), files: V2_BELOW, isInitNamespace: false },
    { path: "/", seen: "relative" },
  ],
  [
    "memory_localevents",
    { mountinfo: at("/", V2).replace("nsdelegate", "memory_localevents"), files: V2_FILES },
    { version: "v2", localEvents: true },
  ],
  [
    "mounted elsewhere, with a blank",
    {
      mountinfo: "29 23 0:26 / /my\\040cgroups rw - cgroup2 cgroup2 rw\n",
      files: { "my cgroups/cgroup.controllers": "memory\n" },
    },
    { version: "v2", seen: "all" },
  ],
])("%s", (_, node, expected) => {
  make(node);
  const found = findMemoryHierarchy(host, node.isInitNamespace ?? true);
  expect(found).toMatchObject(expected);
  expect(found.directory.startsWith(`${host}/`)).toBe(true);
});

test.each<[string, FakeNode]>([
  ["nothing", { files: {} }],
  ["v2 without the controller", { mountinfo: at("/", V2), files: { "sys/fs/cgroup/cgroup.controllers": "cpu io\n" } }],
  ["mounted on the node, not in here", { mountinfo: at("/", V1), files: {} }],
])("%s: what to do is told", (_, node) => {
  make(node);
  expect(() => findMemoryHierarchy(host)).toThrow(CgroupOpenError);
  expect(() => findMemoryHierarchy(host)).toThrow(/hostPath.*cgroup_disable=memory/);
});

test("mountinfo: optional fields, escapes, and what is no line of it", () => {
  const text = "1 2 0:3 /a\\134b /c\\011d rw shared:1 master:2 - ext4 /dev/x rw,x=y\nnonsense\n1 - x\n";
  expect(parseMountinfo(text)).toEqual([{ root: "/a\\b", mountPoint: "/c\td", type: "ext4", options: ["rw", "x=y"] }]);
});

function make({ mountinfo, files }: FakeNode): void {
  const all = mountinfo === undefined ? files : { ...files, "proc/1/mountinfo": mountinfo };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(host, path)), { recursive: true });
    writeFileSync(join(host, path), text);
  }
}
