/** What `oomscribe doctor` says of the node: each check's answers, from facts and from real files of other nodes. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkCgroups } from "../../../../src/doctor/checks/cgroups.ts";
import { judgeClock } from "../../../../src/doctor/checks/clock.ts";
import { type InotifyFacts, judgeInotify } from "../../../../src/doctor/checks/inotify.ts";
import { judgeKernel, type KernelFacts } from "../../../../src/doctor/checks/kernel.ts";
import { checkKernelLog } from "../../../../src/doctor/checks/kernel-log.ts";
import { judgeProtection } from "../../../../src/doctor/checks/own-protection.ts";
import { checkProcesses } from "../../../../src/doctor/checks/processes.ts";
import { checkTracepoint } from "../../../../src/doctor/checks/tracepoint.ts";
import { findOwnCgroup, leftOf, readRoom } from "../../../../src/doctor/own-cgroup.ts";
import { readableDuration } from "../../../../src/record/format.ts";
import type { MemoryHierarchy } from "../../../../src/sources/cgroup/mounts.ts";
import { createKernelClock } from "../../../../src/sources/clock.ts";
import type { KmsgDevice } from "../../../../src/sources/kmsg/device.ts";
import { type HostRoot, makeHostRoot } from "../../../host-root.ts";

const MIB = 1024 * 1024;
let host: HostRoot;

beforeEach(() => {
  host = makeHostRoot();
});

afterEach(() => {
  host.delete();
});

describe("kernel", () => {
  const KERNEL: KernelFacts = {
    platform: "linux",
    release: "6.12.0",
    arch: "arm64",
    bootId: "b".repeat(32),
    countsKills: true,
    pageSize: 4096,
  };

  test.each<[string, Partial<KernelFacts>, string, RegExp]>([
    ["new", {}, "ok", /^Linux 6\.12\.0 on arm64; it has all/],
    ["a name that is no version counts as new", { release: "custom" }, "ok", /has all/],
    [
      "before 5.17",
      { release: "5.15.0-91-generic" },
      "ok",
      /has not a group's first victim counted once; the agent does without$/,
    ],
    ["before 5.2", { release: "5.1.21" }, "ok", /has not memory\.events\.local \(cgroup v2\), a group's/],
    ["before 5.0", { release: "4.18.0-372.el8.x86_64" }, "ok", /has not the line oom-kill:, memory/],
    ["no count of kills", { release: "4.4.0", countsKills: false }, "warning", /does not count its OOM kills/],
    ["pages of 64 KiB", { pageSize: 65_536 }, "ok", /has all/],
    ["page size unknown", { pageSize: undefined }, "ok", /has all/],
    ["not Linux", { platform: "darwin" }, "failed", /this is darwin/],
  ])("%s", (_, facts, status, says) => {
    expect(judgeKernel({ ...KERNEL, ...facts })).toMatchObject({ status, says: expect.stringMatching(says) });
  });
});

describe("kernel log", () => {
  const KILL =
    "Memory cgroup out of memory: Killed process 7 (java) total-vm:9kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB";

  /** Gives the records one by one, then `code`. */
  function deviceOf(records: readonly string[], code = "EAGAIN"): KmsgDevice & { isClosed: boolean } {
    const left = [...records];
    return {
      isClosed: false,
      read(into) {
        const next = left.shift();
        if (next === undefined) throw Object.assign(new Error(code), { code });
        return into.write(next, "latin1");
      },
      close() {
        this.isClosed = true;
      },
    };
  }

  /** Ten days after the boot, whenever this machine was booted. */
  const clock = createKernelClock({ monotonicUs: () => 864_000e6, realtimeMs: Date.now });
  /** Microseconds of the kernel's clock, so long ago. */
  const ago = (seconds: number): number => 864_000e6 - seconds * 1e6;

  test("it is read to its end: how much it holds, and only the kernel's own kills count", () => {
    const device = deviceOf([
      `6,0,${ago(7200)},-;Linux version 6`,
      `3,1,${ago(60)},-;${KILL}`,
      `12,2,${ago(50)},-;${KILL}`,
    ]);
    const finding = checkKernelLog({ kmsgPath: "/dev/kmsg" }, () => device, clock);
    expect(finding).toMatchObject({
      status: "ok",
      says: "/dev/kmsg holds 3 records, 1 of them kills, and goes back 2 h",
      detail: { records: 3, kills: 1, overwritten: 0 },
    });
    expect(device.isClosed).toBe(true);
  });

  test("one that goes back some seconds only, as more is printed than it holds", () => {
    const device = deviceOf([`6,900,${ago(20)},-;a`, `6,901,${ago(1)},-;b`]);
    expect(checkKernelLog({ kmsgPath: "/dev/kmsg" }, () => device, clock)).toMatchObject({
      status: "warning",
      says: expect.stringMatching(/goes back 20 s; older ones are overwritten$/),
      advice: expect.stringContaining("log_buf_len"),
    });
  });

  test("a node that has just booted has lost nothing", () => {
    const device = deviceOf([`6,0,${ago(20)},-;a`]);
    expect(checkKernelLog({ kmsgPath: "/dev/kmsg" }, () => device, clock).status).toBe("ok");
  });

  test("opened, and not to be read", () => {
    const device = deviceOf([], "EPERM");
    expect(checkKernelLog({ kmsgPath: "/dev/kmsg" }, () => device, clock)).toMatchObject({
      status: "failed",
      says: "/dev/kmsg can be opened and not read (EPERM)",
    });
    expect(device.isClosed).toBe(true);
  });

  test.each([
    ["/nonexistent/kmsg", "ENOENT", "hostPath"],
    ["/dev/null", "ENODEV", "mount the node's own /dev/kmsg"],
  ])("%s: %s", (kmsgPath, code, advice) => {
    expect(checkKernelLog({ kmsgPath })).toMatchObject({
      status: "failed",
      says: expect.stringContaining(kmsgPath),
      advice: expect.stringContaining(advice),
      detail: { code },
    });
  });
});

const V1 = "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";
const V2 = "29 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n";
const ID = "a".repeat(64);
const UID = "cb5f2e5c-bcb0-42df-92bc-28e301331a12";
const POD = `kubepods.slice/kubepods-pod${UID.replaceAll("-", "_")}.slice`;

/** A tree of ordinary files; each cgroup has what the agent reads. */
function makeV2(cgroups: readonly string[]): void {
  host.write("proc/1/mountinfo", V2);
  host.write("sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
  for (const path of cgroups) {
    for (const file of ["memory.events", "memory.events.local"]) {
      host.write(`sys/fs/cgroup/${path}/${file}`, "low 0\nhigh 0\nmax 0\noom 0\noom_kill 2\n");
    }
  }
}

describe("cgroups", () => {
  const check = () => checkCgroups({ hostRoot: host.path });

  test("v2 of a node: containers, pods and driver by the layout of the paths", () => {
    makeV2(["kubepods.slice", POD, `${POD}/cri-containerd-${ID}.scope`, "system.slice"]);
    expect(check()).toMatchObject({
      status: "ok",
      says: "cgroup v2, driver systemd: 4 cgroups, 1 container in 1 pod",
      detail: { cgroups: 4, containers: 1, pods: 1, driver: ["systemd"], seen: "all", kills: 8 },
    });
  });

  test("v1 beside v2, driver cgroupfs", () => {
    host.write("proc/1/mountinfo", `${V1}41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n`);
    const root = "sys/fs/cgroup/memory";
    host.write(`${root}/release_agent`, "");
    for (const path of ["", `/kubepods/pod${UID}/${ID}`])
      host.write(`${root}${path}/memory.oom_control`, "oom_kill 0\n");
    expect(check()).toMatchObject({
      status: "ok",
      says: "cgroup v1 (hybrid), driver cgroupfs: 2 cgroups, 1 container in 1 pod",
    });
  });

  test("in a cgroup namespace the counters belong to nothing that the log names", () => {
    makeV2([POD]);
    host.write("sys/fs/cgroup/cgroup.events", "populated 1\n");
    host.write("proc/1/mountinfo", V2.replace(" / ", " /.. "));
    expect(check()).toMatchObject({
      status: "failed",
      says: expect.stringContaining("cgroup namespace"),
      advice: expect.stringContaining("hostPath"),
      detail: { seen: "relative" },
    });
  });

  test("none mounted", () => {
    expect(check()).toMatchObject({
      status: "failed",
      says: expect.stringMatching(/^no cgroup with the memory controller/),
      advice: expect.stringContaining("cgroup_disable=memory"),
    });
  });

  test("counters that cannot be read", () => {
    makeV2([POD]);
    host.remove(`sys/fs/cgroup/${POD}/memory.events.local`);
    // Opening a directory for reading works, reading it does not.
    host.write(`sys/fs/cgroup/${POD}/memory.events.local/x`, "");
    expect(check()).toMatchObject({ status: "failed", says: expect.stringMatching(/cannot be read \(EISDIR\)$/) });
  });
});

describe("inotify", () => {
  const FACTS: InotifyFacts = {
    cgroups: 300,
    refused: undefined,
    maxWatches: 8192,
    maxInstances: 128,
    maxQueued: 16_384,
    maxFiles: 65_536,
  };

  test.each<[string, Partial<InotifyFacts>, string, RegExp]>([
    ["enough", {}, "ok", /^$/],
    ["nothing known of the limits", { maxWatches: undefined, maxFiles: undefined }, "ok", /^$/],
    ["no more watches", { refused: "ENOSPC" }, "warning", /max_user_watches above 600/],
    ["no more instances", { refused: "EMFILE" }, "warning", /max_user_instances/],
    ["nearly no more watches", { maxWatches: 500 }, "warning", /max_user_watches above 600/],
    ["few open files", { maxFiles: 1024 }, "warning", /ulimit -n/],
  ])("%s", (_, facts, status, advice) => {
    const finding = judgeInotify({ ...FACTS, ...facts });
    expect(finding.status).toBe(status);
    expect(finding.advice ?? "").toMatch(advice);
  });
});

describe("processes", () => {
  test.each<[string, boolean, boolean, string]>([
    ["the node's pid namespace, its /proc", true, true, "ok"],
    ["a container with the node's /proc below the host root", false, true, "ok"],
    ["a container without", false, false, "warning"],
  ])("%s", (_, isInit, hasProc, status) => {
    if (hasProc) host.write("proc/1/cgroup", "0::/init.scope\n");
    expect(checkProcesses({ hostRoot: host.path }, isInit).status).toBe(status);
  });

  test("a container that has only its own /proc", () => {
    expect(checkProcesses({ hostRoot: "/" }, false)).toMatchObject({
      status: "warning",
      advice: expect.stringContaining("hostPID: true"),
    });
  });
});

describe("tracepoint", () => {
  test("without tracefs it is said to be not needed", () => {
    expect(checkTracepoint({ hostRoot: host.path })).toMatchObject({
      status: "skipped",
      says: expect.stringMatching(/tracefs is not mounted.*not needed/),
    });
  });

  test("a kernel without the event leaves nothing behind", () => {
    host.write("sys/kernel/tracing/instances/other/x", "");
    expect(checkTracepoint({ hostRoot: host.path })).toMatchObject({
      status: "skipped",
      says: expect.stringContaining("Linux 4.13 or later"),
    });
    const listed = execFileSync("ls", [join(host.path, "sys/kernel/tracing/instances")], { encoding: "utf8" });
    expect(listed.trim()).toBe("other");
  });
});

describe("own protection", () => {
  const room = (limit: number, used: number, levelsUp = 0) => ({
    directory: "/sys/fs/cgroup/a",
    levelsUp,
    limit: limit * MIB,
    used: used * MIB,
  });

  test.each<[string, Parameters<typeof judgeProtection>[0], string, RegExp]>([
    ["critical, with room", { scoreAdj: -997, room: room(256, 90) }, "ok", /-997, 166 MiB left of 256 MiB$/],
    ["no limit", { scoreAdj: 0, room: "none" }, "ok", /no memory limit$/],
    ["its cgroup is not seen", { scoreAdj: 0, room: "unseen" }, "ok", /limit is not to be seen$/],
    ["among the first to go", { scoreAdj: 985, room: "none" }, "warning", /among those that are killed/],
    ["not told", { scoreAdj: undefined, room: "none" }, "warning", /oom_score_adj unknown/],
    ["near its limit", { scoreAdj: -997, room: room(128, 110) }, "warning", /18 MiB left of the 128 MiB/],
    ["above its limit, as pages come back", { scoreAdj: -997, room: room(128, 130) }, "warning", /0 KiB left/],
  ])("%s", (_, facts, status, says) => {
    expect(judgeProtection(facts)).toMatchObject({ status, says: expect.stringMatching(says) });
  });
});

test("a limit that many share is not the agent's to raise", () => {
  const facts = { directory: "/sys/fs/cgroup/kubepods", limit: 4096 * MIB, used: 4090 * MIB };
  const adviceAt = (levelsUp: number) => judgeProtection({ scoreAdj: -997, room: { ...facts, levelsUp } }).advice;
  expect(adviceAt(1)).toMatch(/raise resources\.limits\.memory/);
  expect(adviceAt(3)).toMatch(/others share that limit/);
});

describe("own cgroup", () => {
  const PID = 4711;

  function hierarchy(version: "v1" | "v2"): MemoryHierarchy {
    return { version, directory: join(host.path, "cg"), path: "/", seen: "all", localEvents: false };
  }

  test("is found by its pid where /proc does not name it, as in a cgroup namespace", () => {
    host.write("cg/cgroup.procs", "1\n2\n");
    host.write("cg/other/cgroup.procs", "47112\n");
    host.write("cg/pod/agent/cgroup.procs", `12\n${PID}\n`);
    expect(findOwnCgroup(hierarchy("v2"), PID)).toEqual({
      path: "/pod/agent",
      directory: join(host.path, "cg/pod/agent"),
    });
    expect(findOwnCgroup(hierarchy("v2"), 99)).toBeUndefined();
  });

  test.each<["v1" | "v2", Record<string, string>]>([
    [
      "v2",
      {
        "cg/pod/memory.max": String(100 * MIB),
        "cg/pod/memory.current": String(90 * MIB),
        "cg/pod/memory.stat": `anon 1\ninactive_file ${30 * MIB}\n`,
        "cg/pod/agent/memory.max": "max\n",
        "cg/pod/agent/memory.current": String(10 * MIB),
        "cg/memory.max": String(1000 * MIB),
        "cg/memory.current": "0\n",
      },
    ],
    [
      "v1",
      {
        "cg/pod/memory.limit_in_bytes": String(100 * MIB),
        "cg/pod/memory.usage_in_bytes": String(90 * MIB),
        "cg/pod/memory.stat": `inactive_file 0\ntotal_inactive_file ${30 * MIB}\n`,
        "cg/pod/agent/memory.limit_in_bytes": "9223372036854771712\n",
        "cg/pod/agent/memory.usage_in_bytes": String(10 * MIB),
      },
    ],
  ])("%s: the narrowest limit above it counts, without file pages that would go at once", (version, files) => {
    for (const [path, text] of Object.entries(files)) host.write(path, text);
    const room = readRoom(hierarchy(version), { path: "/pod/agent", directory: join(host.path, "cg/pod/agent") });
    expect(room).toEqual({ directory: join(host.path, "cg/pod"), levelsUp: 1, limit: 100 * MIB, used: 60 * MIB });
    expect(room === undefined ? 0 : leftOf(room)).toBe(40 * MIB);
  });

  test("without any limit there is nothing to run into", () => {
    expect(readRoom(hierarchy("v2"), { path: "/a", directory: join(host.path, "cg/a") })).toBeUndefined();
  });
});

describe("clock", () => {
  const NOW = Date.UTC(2026, 5, 1);
  const ahead = (seconds: number) => ({ detail: { clockAheadSeconds: seconds } });

  test.each<[string, number, number, { detail?: Record<string, unknown> }[], string, RegExp]>([
    ["no backend", 5, NOW, [], "ok", /no backend to compare/],
    ["agrees", 5, NOW, [ahead(0), {}], "ok", /agrees with the backend's$/],
    ["ahead", 5, NOW, [ahead(90)], "warning", /90 s ahead of the backend's$/],
    ["behind, of two the worse", 5, NOW, [ahead(2), ahead(-7200)], "warning", /2 h behind the backend's$/],
    ["never set", 5, 0, [], "failed", /says 1970-01-01/],
    ["a process that is held up", 40_000, NOW, [], "warning", /to 40 ms only/],
  ])("%s", (_, realtimeErrorUs, nowMs, before, status, says) => {
    expect(judgeClock({ realtimeErrorUs }, nowMs, before)).toMatchObject({ status, says: expect.stringMatching(says) });
  });
});

test.each([
  [0, "0 s"],
  [119.4, "119 s"],
  [120, "2 min"],
  [5400, "90 min"],
  [8100, "2.3 h"],
  [172_800, "2 d"],
])("%d seconds are %s", (seconds, text) => {
  expect(readableDuration(seconds, 0)).toBe(text);
});
