/** A report's kills: whose memory ran out, whose container the victim was in and how sure that is, and what it rests on. */
import { describe, expect, test } from "vitest";
import type { OomReport, Victim } from "../../../parsers/oom/report.ts";
import { toKills } from "../../../src/correlate/from-report.ts";
import { readKills } from "../../expected-kills.ts";
import { CONTAINER_CGROUP, CONTAINER_ID, makeRecord, POD_CGROUP, POD_UID } from "../../kills.ts";

const record = makeRecord("Memory cgroup out of memory: Killed process 5 (x)");

function victim(pid: number, more: Partial<Victim> = {}): Victim {
  return { pid, comm: "x", groupKill: false, truncated: false, record, ...more };
}

function report(more: Partial<OomReport> = {}): OomReport {
  return { victims: [victim(5)], constraint: "memcg", outcome: "killed", missing: [], records: [record], ...more };
}

function summary(pid: number, taskMemcg: string): NonNullable<OomReport["summary"]> {
  return { constraint: "memcg", globalOom: false, taskMemcg, comm: "x", pid, uid: 0 };
}

describe("whose memory ran out", () => {
  test.each([
    ["a container's", CONTAINER_CGROUP, "container"],
    ["a limit that a container set below itself", `${CONTAINER_CGROUP}/init.scope`, "cgroup"],
    ["a pod's", POD_CGROUP, "pod"],
    ["a QoS class's", "/kubepods/burstable", "kubepods"],
    ["all pods'", "/kubepods.slice", "kubepods"],
    ["a service's", "/system.slice/sshd.service", "cgroup"],
    ["a user's", "/user.slice/user-1000.slice", "cgroup"],
    ["an unknown cgroup's", "/x", "cgroup"],
  ])("%s: %s", (_, limitCgroup, scope) => {
    expect(toKills(report({ limitCgroup }))).toMatchObject([{ scope, limitCgroup }]);
  });

  test.each([
    ["none", "node"],
    ["cpuset", "node"],
    ["memory_policy", "node"],
    ["memcg", "unknown"],
    ["unknown", "unknown"],
  ] as const)("constraint %s, and no limit is named", (constraint, scope) => {
    expect(toKills(report({ constraint }))[0]?.scope).toBe(scope);
  });
});

const row = { pid: 5, comm: "x" };

describe("whose container the victim was in", () => {
  test.each<[what: string, parts: Partial<OomReport>, cgroup: string | undefined, attribution: string]>([
    [
      "the summary names the victim",
      { summary: summary(5, CONTAINER_CGROUP), victimCgroup: CONTAINER_CGROUP },
      CONTAINER_CGROUP,
      "exact",
    ],
    [
      "the summary names another process",
      { summary: summary(6, CONTAINER_CGROUP), victimCgroup: CONTAINER_CGROUP },
      undefined,
      "unknown",
    ],
    [
      "`Task in`, and the table lists the victim",
      { victimCgroup: CONTAINER_CGROUP, tasks: [row] },
      CONTAINER_CGROUP,
      "exact",
    ],
    [
      "`Task in`, and the table lists others",
      { victimCgroup: CONTAINER_CGROUP, tasks: [{ ...row, pid: 6 }] },
      CONTAINER_CGROUP,
      "inferred",
    ],
    ["`Task in` and no table", { victimCgroup: CONTAINER_CGROUP }, CONTAINER_CGROUP, "inferred"],
    ["only the limit is known", { limitCgroup: POD_CGROUP }, undefined, "unknown"],
    ["only the kill line", {}, undefined, "unknown"],
  ])("%s", (_, parts, cgroup, attribution) => {
    const [kill, ...more] = toKills(report(parts));
    expect(more).toEqual([]);
    expect([kill?.victimCgroup, kill?.attribution]).toEqual([cgroup, attribution]);
  });

  const members = [victim(5, { groupKill: true }), victim(6, { groupKill: true })];
  const first = { victims: members, summary: summary(5, CONTAINER_CGROUP), victimCgroup: CONTAINER_CGROUP };
  const tasks = [row, { ...row, pid: 6 }];

  test.each<[what: string, parts: Partial<OomReport>, cgroup: string | undefined, attribution: string]>([
    [
      "of a container's group, listed in its table",
      { ...first, groupKillCgroup: CONTAINER_CGROUP, limitCgroup: CONTAINER_CGROUP, tasks },
      CONTAINER_CGROUP,
      "exact",
    ],
    [
      "of a container's group, listed in the table of its pod",
      { ...first, groupKillCgroup: CONTAINER_CGROUP, limitCgroup: POD_CGROUP, tasks },
      CONTAINER_CGROUP,
      "inferred",
    ],
    [
      "of a container's group, without a table",
      { victims: members, groupKillCgroup: CONTAINER_CGROUP },
      CONTAINER_CGROUP,
      "inferred",
    ],
    [
      "of a pod's group: which of its containers is not known",
      { ...first, groupKillCgroup: POD_CGROUP, limitCgroup: POD_CGROUP, tasks },
      POD_CGROUP,
      "inferred",
    ],
    ["a group of which the line is lost", { victims: members }, undefined, "unknown"],
  ])("another member %s", (_, parts, cgroup, attribution) => {
    const [, member] = toKills(report(parts));
    expect([member?.victimCgroup, member?.attribution]).toEqual([cgroup, attribution]);
  });

  test("the path is read", () => {
    const parts = { summary: summary(5, CONTAINER_CGROUP), victimCgroup: CONTAINER_CGROUP };
    expect(toKills(report(parts))[0]?.identity).toMatchObject({ podUid: POD_UID, containerId: CONTAINER_ID });
  });
});

describe("what the kill rests on", () => {
  test.each<[string, Partial<OomReport>, string[]]>([
    ["a bare kill line", {}, ["kill_line"]],
    ["its trigger", { trigger: { comm: "x" } }, ["report", "kill_line"]],
    ["its summary", { summary: summary(5, "/a") }, ["report", "kill_line"]],
    ["a usage line", { memory: { usageKb: 1 } }, ["report", "kill_line"]],
    ["a table", { tasks: [row] }, ["report", "kill_line"]],
    ["a group line", { groupKillCgroup: "/a" }, ["report", "kill_line"]],
  ])("%s", (_, parts, evidence) => {
    expect(toKills(report(parts))[0]?.evidence).toEqual(evidence);
  });
});

test("nobody was killed: no kill", () => {
  expect(toKills(report({ victims: [], outcome: "no_killable_process" }))).toEqual([]);
});

test("each kill has its own kill line's record", () => {
  const other = makeRecord("Memory cgroup out of memory: Killed process 6 (x)");
  const kills = toKills(report({ victims: [victim(5), victim(6, { record: other })] }));
  expect(kills.map((kill) => kill.record.text)).toEqual([record.text, other.text]);
});

describe("real logs", () => {
  test.each([
    ["v1-6.18/01-container-limit", ["container"], ["exact"]],
    ["v1-6.18/04-pod-level-limit-two-containers", ["pod", "pod"], ["exact", "exact"]],
    ["v2-6.1/03-oom-group", ["container", "container", "container"], ["exact", "exact", "exact"]],
    ["v2-6.12/04-pod-level-limit-two-containers", ["pod", "pod"], ["exact", "exact"]],
    ["v2-6.12/05-nested-cgroupfs-hostile-name", ["container"], ["exact"]],
    ["generated/301-vm-510-global", ["node"], ["exact"]],
    ["generated/303-vm-510-cpuset", ["node"], ["exact"]],
    ["generated/307-vm-61-mempolicy", ["node"], ["exact"]],
    ["generated/311-vm-61-oomgroup", ["container", "container", "container"], ["exact", "exact", "exact"]],
  ])("%s", (capture, scopes, attributions) => {
    const kills = readKills(`${capture}.kmsg`);
    expect(kills.map(({ scope }) => scope)).toEqual(scopes);
    expect(kills.map(({ attribution }) => attribution)).toEqual(attributions);
    for (const { evidence } of kills) expect(evidence).toEqual(["report", "kill_line"]);
  });

  test("a pod's limit: the victims' containers are two, the pod is one", () => {
    const kills = readKills("v1-6.18/04-pod-level-limit-two-containers.kmsg");
    expect(kills.map(({ identity }) => identity?.containerId)).toEqual(["b".repeat(64), "c".repeat(64)]);
    expect(new Set(kills.map(({ identity }) => identity?.podUid))).toEqual(
      new Set(["11111111-2222-3333-4444-555555555555"]),
    );
  });
});
