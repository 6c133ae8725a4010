/** Real kernel logs, read from /dev/kmsg: every kill is found, with the fields that people read in them. */
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parseKmsgRecord } from "../../parsers/kmsg.ts";
import { type ExpectedKill, ofCase, readKills, toExpected } from "../expected-kills.ts";
import { readReports } from "../kills.ts";

const CAPTURES = new URL("../captures/", import.meta.url);

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(new URL(path, CAPTURES), "utf8")) as T;
}

interface Case {
  kills: ExpectedKill[];
  spoof_pids?: number[];
  spoofs?: { pid: number }[];
}

const GENERATED = globSync("generated/*.kmsg", { cwd: fileURLToPath(CAPTURES) }).toSorted();
const FORMATS = globSync("formats/*/*.kmsg", { cwd: fileURLToPath(CAPTURES) }).toSorted();

const CASES = [
  ...GENERATED.map((capture) => [capture, capture.replace(/kmsg$/, "expected.json")] as const),
  ...FORMATS.filter((capture) => !capture.includes("-nul")).map(
    (capture) => [capture, capture.replace(/[^/]*$/, "expected.json")] as const,
  ),
];

test("there are captures", () => {
  expect(GENERATED.length).toBeGreaterThan(15);
  expect(FORMATS.length).toBeGreaterThan(4);
});

describe("kills as written beside the capture", () => {
  test.each(CASES)("%s", (capture, expectedFile) => {
    const { kills } = readJson<Case>(expectedFile);
    const found = readKills(capture);
    expect(found.map((kill, index) => toExpected(kill, kills[index] ?? {}))).toEqual(kills.map(ofCase));
    expect(found.map(({ victim }) => victim.groupKill)).toEqual(kills.map((kill) => kill["group_kill"] === true));
  });
});

/** What a person reads in the kill lines: pid, COMM, and the name of the victim's cgroup. */
const KILLS: Readonly<Record<string, readonly (readonly [pid: number, comm: string, cgroup: RegExp])[]>> = {
  "v1-6.18/01-container-limit": [[13233, "java", /deadbeef$/]],
  "v1-6.18/02-child-killed-parent-lives": [[13296, "worker (child)", /deadbeef$/]],
  "v1-6.18/03-hostile-names": [
    [13303, "Web Content", /deadbeef$/],
    [13304, "a) total-vm:1kB", /deadbeef$/],
    [13305, "x,pid=1,uid=0", /deadbeef$/],
    [13306, "oom_memcg=/,tas", /deadbeef$/],
    [13323, "new\nline", /deadbeef$/],
    [13367, "naïve✓", /deadbeef$/],
    [13368, "(sd-pam)", /deadbeef$/],
    [13369, "", /deadbeef$/],
  ],
  "v1-6.18/04-pod-level-limit-two-containers": [
    [13660, "pod-limit-a", /\/b{64}$/],
    [13661, "pod-limit-b", /\/c{64}$/],
  ],
  "v1-6.18/05-two-cgroups-at-once": [
    [14128, "right", /\/d{64}$/],
    [14127, "left", /deadbeef$/],
  ],
  "v2-6.1/01-container-limit": [[165, "java", /containerd-(?:a0){32}\.scope$/]],
  "v2-6.1/02-child-killed-parent-lives": [[205, "worker (child)", /containerd-(?:a1){32}\.scope$/]],
  "v2-6.1/03-oom-group": [
    [245, "member-a", /containerd-(?:a2){32}\.scope$/],
    [246, "member-b", /containerd-(?:a2){32}\.scope$/],
    [247, "member-c", /containerd-(?:a2){32}\.scope$/],
  ],
  "v2-6.1/04-pod-level-limit-two-containers": [
    [288, "pod-limit-b", /crio-(?:b1){32}\.scope$/],
    [287, "pod-limit-a", /crio-(?:b0){32}\.scope$/],
  ],
  "v2-6.1/05-nested-cgroupfs-hostile-name": [[327, "x,pid=1,uid=0", /\/(?:c0){32}$/]],
  "v2-6.1/06-user-space-spoof-no-kill": [],
  "v2-6.12/01-container-limit": [[215, "java", /containerd-(?:a0){32}\.scope$/]],
  "v2-6.12/02-child-killed-parent-lives": [[255, "worker (child)", /containerd-(?:a1){32}\.scope$/]],
  "v2-6.12/03-oom-group": [
    [296, "member-b", /containerd-(?:a2){32}\.scope$/],
    [295, "member-a", /containerd-(?:a2){32}\.scope$/],
    [297, "member-c", /containerd-(?:a2){32}\.scope$/],
  ],
  "v2-6.12/04-pod-level-limit-two-containers": [
    [338, "pod-limit-b", /crio-(?:b1){32}\.scope$/],
    [337, "pod-limit-a", /crio-(?:b0){32}\.scope$/],
  ],
  "v2-6.12/05-nested-cgroupfs-hostile-name": [[377, "x,pid=1,uid=0", /\/(?:c0){32}$/]],
  "v2-6.12/06-user-space-spoof-no-kill": [],
};

describe("kills as a person reads them in the log", () => {
  test.each(Object.entries(KILLS))("%s", (capture, expected) => {
    const kills = readKills(`${capture}.kmsg`);
    expect(kills.map(({ victim }) => [victim.pid, victim.comm])).toEqual(expected.map(([pid, comm]) => [pid, comm]));
    for (const [index, [, , cgroup]] of expected.entries()) expect(kills[index]?.victimCgroup).toMatch(cgroup);
    expect(kills.map(({ attribution }) => attribution)).toEqual(expected.map(() => "exact"));
  });
});

describe("as many kills as kill lines of the kernel, each process once", () => {
  const all = globSync("{v1-6.18,v2-6.1,v2-6.12,generated,formats/*}/*.kmsg", {
    cwd: fileURLToPath(CAPTURES),
  }).toSorted();
  test.each(all)("%s", (capture) => {
    const { reports, text } = readReports(capture);
    const pids = text
      .split("\n")
      .map((line) => parseKmsgRecord(line))
      .filter((record) => record?.origin === "kernel")
      .map((record) => /^(?:Memory cgroup out|Out) of memory: Killed process (\d+) /.exec(record?.text ?? "")?.[1])
      .filter((pid) => pid !== undefined)
      .map(Number);
    const found = reports.flatMap(({ victims }) => victims.map(({ pid }) => pid));
    expect(found).toEqual([...new Set(pids)]);
    // The only lines that are more than a process are a group kill's: its first victim is named twice.
    expect(pids.length - found.length).toBe(reports.filter((report) => report.groupKillCgroup !== undefined).length);
  });
});

type Counters = Record<string, { oom_kill: number }>;

describe("kills a cgroup are what the kernel counted in it", () => {
  const STEPS = [
    ["01-container-limit", undefined],
    ["02-child-killed-parent-lives", "01-container-limit"],
    ["03-oom-group", "02-child-killed-parent-lives"],
    ["04-pod-level-limit-two-containers", "03-oom-group"],
    ["05-nested-cgroupfs-hostile-name", "04-pod-level-limit-two-containers"],
    ["06-user-space-spoof-no-kill", "05-nested-cgroupfs-hostile-name"],
  ] as const;
  const steps = ["v2-6.1", "v2-6.12"].flatMap((folder) =>
    STEPS.map(([name, before]) => [`${folder}/${name}`, before && `${folder}/${before}`] as const),
  );

  test.each(steps)("%s", (capture, before) => {
    const after = readJson<Counters>(`${capture}.events.json`);
    const earlier = before === undefined ? {} : readJson<Counters>(`${before}.events.json`);
    const counted: Record<string, number> = {};
    for (const [file, { oom_kill }] of Object.entries(after)) {
      const step = oom_kill - (earlier[file]?.oom_kill ?? 0);
      if (file.endsWith("/memory.events.local") && step > 0) counted[file.replace(/\/memory.events.local$/, "")] = step;
    }
    const found: Record<string, number> = {};
    const kills = readKills(`${capture}.kmsg`);
    for (const { victimCgroup = "unknown" } of kills) found[victimCgroup] = (found[victimCgroup] ?? 0) + 1;
    for (const { groupKillCgroup } of new Set(kills.map(({ report }) => report))) {
      // The kernel counts the first victim of a group kill twice.
      if (groupKillCgroup !== undefined) found[groupKillCgroup] = (found[groupKillCgroup] ?? 0) + 1;
    }
    expect(found).toEqual(counted);
  });
});

describe("a storm of which the kernel prints few heads", () => {
  const kills = readKills("v1-6.18/06-storm-200-kills.kmsg");
  const truth = readJson<{ kills: { pid: number; cgroup: string }[] }>("v1-6.18/06-storm-200-kills.truth.json");

  test("all 200 kills, 40 with their cgroup, none with another's", () => {
    expect(kills.map(({ victim }) => victim.pid).toSorted()).toEqual(truth.kills.map(({ pid }) => pid).toSorted());
    const known = kills.filter(({ victimCgroup }) => victimCgroup !== undefined);
    expect(known).toHaveLength(40);
    const cgroupOf = new Map(truth.kills.map(({ pid, cgroup }) => [pid, cgroup]));
    for (const { victim, victimCgroup, limitCgroup } of known) {
      expect([victimCgroup, limitCgroup]).toEqual([cgroupOf.get(victim.pid), cgroupOf.get(victim.pid)]);
    }
  });

  test("of a kill without its head nothing is said that its own line does not hold", () => {
    const bare = kills.filter(({ victimCgroup }) => victimCgroup === undefined);
    expect(bare).toHaveLength(160);
    for (const { report, attribution, evidence } of bare) {
      expect(report).toEqual({
        victims: [expect.anything()],
        constraint: "memcg",
        outcome: "killed",
        missing: ["invoked", "usage", "tasks", "summary"],
        records: [expect.anything()],
      });
      expect([attribution, evidence]).toEqual(["unknown", ["kill_line"]]);
    }
  });

  test("the reports that were dropped are told", () => {
    expect(readSuppressed("v1-6.18/06-storm-200-kills.kmsg")).toBeGreaterThan(0);
  });

  test.each(["v2-6.1/07-storm-60-kills.kmsg", "v2-6.12/07-storm-60-kills.kmsg"])(
    "%s: lines were overwritten",
    (capture) => {
      const counters = readJson<Counters>(capture.replace(/kmsg$/, "events.json"));
      for (const { victimCgroup, victim } of readKills(capture)) {
        expect(victim.comm).toMatch(/^worker-\d$/);
        if (victimCgroup === undefined) continue;
        expect(counters[`${victimCgroup}/memory.events.local`]?.oom_kill).toBeGreaterThan(0);
        // worker-N runs in the container aN….
        expect(victimCgroup).toMatch(new RegExp(`-(?:a${victim.comm.at(-1)}){32}\\.scope$`));
      }
    },
  );
});

function readSuppressed(capture: string): number {
  const { text } = readReports(capture);
  return text.split("\n").filter((line) => / callbacks suppressed$/.test(line)).length;
}

describe("nobody was killed", () => {
  test.each([
    "generated/201-gen-nokill-userspace-spoof.kmsg",
    "generated/209-gen-nokill-segfault-oomish-comm.kmsg",
    "generated/313-vm-612-nokill-memcg-unkillable.kmsg",
    "v2-6.1/06-user-space-spoof-no-kill.kmsg",
    "v2-6.12/06-user-space-spoof-no-kill.kmsg",
  ])("%s", (capture) => {
    expect(readKills(capture)).toEqual([]);
  });

  test("no killable process: three reports say so", () => {
    const { reports } = readReports("generated/313-vm-612-nokill-memcg-unkillable.kmsg");
    expect(reports.filter(({ outcome }) => outcome === "no_killable_process")).toHaveLength(3);
    expect(reports[0]?.trigger).toMatchObject({ comm: "etcd", pid: 145 });
  });
});

test("a whole global report has the node's memory", () => {
  const { reports } = readReports("generated/301-vm-510-global.kmsg");
  expect(reports).toHaveLength(1);
  expect(reports[0]?.nodeMemory?.pages["active_anon"]).toBeGreaterThan(0);
  expect(reports[0]?.nodeMemory?.totalPages).toBeGreaterThan(0);
  expect(reports[0]?.missing).toEqual([]);
});
