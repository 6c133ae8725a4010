/** Where a test kill may be made, and where it is refused: trees of ordinary files in place of cgroups. */
import { mkdirSync, readFileSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makeTestCgroup, type TestCgroup, TestKillRefused } from "../../../../src/doctor/test-kill/test-cgroup.ts";
import { type HostRoot, makeHostRoot } from "../../../host-root.ts";

const MIB = 1024 * 1024;
const PID = String(process.pid);
let host: HostRoot;

beforeEach(() => {
  host = makeHostRoot();
});

afterEach(() => {
  host.delete();
});

/** @param files below the mount */
function makeNode(version: "v1" | "v2", files: Record<string, string>): void {
  const mount = version === "v1" ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup";
  const type = version === "v1" ? "cgroup cgroup rw,memory" : "cgroup2 cgroup2 rw";
  host.write("proc/1/mountinfo", `29 23 0:26 / ${mount} rw - ${type}\n`);
  const root: Record<string, string> =
    version === "v1" ? { "memory.oom_control": "", release_agent: "" } : { "cgroup.controllers": "memory\n" };
  for (const [path, text] of Object.entries({ ...root, ...files })) host.write(join(mount, path), text);
}

const make = (): TestCgroup => makeTestCgroup(host.path);

describe("where", () => {
  test("v1: below its own cgroup, with a limit of memory", () => {
    makeNode("v1", { "agent/cgroup.procs": PID });
    const { path, directory, limit } = make();
    expect(path).toMatch(/^\/agent\/oomscribe-doctor-[0-9a-f]{8}$/);
    expect(directory).toBe(join(host.path, "sys/fs/cgroup/memory", path));
    expect(readFileSync(join(directory, "memory.limit_in_bytes"), "utf8")).toBe(String(limit));
    expect(limit).toBeLessThanOrEqual(8 * MIB);
  });

  test("v2: beside its own cgroup, whose processes keep its children without the memory controller", () => {
    makeNode("v2", {
      "cgroup.subtree_control": "cpu memory\n",
      "pod/cgroup.subtree_control": "cpu memory\n",
      "pod/agent/cgroup.procs": PID,
      "pod/agent/cgroup.subtree_control": "\n",
    });
    const { path, directory, limit } = make();
    expect(path).toMatch(/^\/pod\/oomscribe-doctor-[0-9a-f]{8}$/);
    expect(readFileSync(join(directory, "memory.max"), "utf8")).toBe(String(limit));
  });

  test("v2: above a delegated tree that hands on no memory controller", () => {
    makeNode("v2", {
      "cgroup.subtree_control": "memory\n",
      "a/cgroup.subtree_control": "cpu\n",
      "a/b/cgroup.procs": PID,
    });
    expect(make().path).toMatch(/^\/oomscribe-doctor-[0-9a-f]{8}$/);
  });
});

describe("refused", () => {
  test.each<[string, "v1" | "v2", Record<string, string>, RegExp, RegExp]>([
    ["its own cgroup is not seen", "v2", { "cgroup.subtree_control": "memory\n" }, /cannot be found/, /./],
    [
      "nothing hands on the controller",
      "v2",
      { "a/cgroup.procs": PID },
      /lets those below it have/,
      /cgroup namespace/,
    ],
    [
      "its own limit is near",
      "v2",
      {
        "cgroup.subtree_control": "memory\n",
        "a/cgroup.procs": PID,
        "a/memory.max": String(128 * MIB),
        "a/memory.current": String(90 * MIB),
      },
      /38 MiB are left .* might kill another process/,
      /64 MiB to spare/,
    ],
    [
      "a limit further up is near",
      "v1",
      {
        "pod/agent/cgroup.procs": PID,
        "pod/memory.limit_in_bytes": String(128 * MIB),
        "pod/memory.usage_in_bytes": String(90 * MIB),
      },
      /38 MiB are left of the limit of .*pod/,
      /./,
    ],
  ])("%s", (_, version, files, message, advice) => {
    makeNode(version, files);
    expect(make).toThrow(TestKillRefused);
    expect(make).toThrow(
      expect.objectContaining({
        message: expect.stringMatching(message),
        advice: expect.stringMatching(advice),
      }),
    );
  });

  test("no cgroups at all", () => {
    expect(make).toThrow(expect.objectContaining({ advice: expect.stringContaining("/sys/fs/cgroup") }));
  });
});

test("one that cannot be removed says so", async () => {
  makeNode("v1", { "agent/cgroup.procs": PID });
  // Ordinary files stay in the way, as no cgroup's do.
  expect(await make().remove()).toBe("ENOTEMPTY");
});

test("one that is gone already is removed", async () => {
  makeNode("v1", { "agent/cgroup.procs": PID });
  const cgroup = make();
  host.remove(`sys/fs/cgroup/memory${cgroup.path}`);
  expect(await cgroup.remove()).toBeUndefined();
});

test("a young one of another run stays where it is", () => {
  makeNode("v1", { "agent/cgroup.procs": PID });
  const other = join(host.path, "sys/fs/cgroup/memory/agent/oomscribe-doctor-00000000");
  mkdirSync(other);
  utimesSync(other, 0, 0);
  make();
  expect(() => mkdirSync(other)).toThrow(/EEXIST/);
});
