/** toLogRecord: what a kill becomes, and that nothing stands in it that is not known. */
import { describe, expect, test } from "vitest";
import type { CgroupIdentity } from "../../../parsers/cgroup/identity.ts";
import type { Scope } from "../../../src/correlate/kill.ts";
import type { Who } from "../../../src/identify/container-metadata.ts";
import { toLogRecord } from "../../../src/record/kill-record.ts";
import {
  BOOT_ID,
  CONTAINER_CGROUP,
  CONTAINER_ID,
  makeBareKill,
  makeKill,
  makeRecord,
  makeWho,
  POD_UID,
} from "../../kills.ts";

const NOWHERE = { resource: {} };

test("a whole report: every figure in bytes or seconds, under its key", () => {
  const { body, ...rest } = toLogRecord(makeKill(), { resource: { "k8s.cluster.name": "prod", "host.name": "ours" } });
  expect(body).toContain("java (pid 1234)");
  expect(rest).toEqual({
    timestampUs: 1_767_225_600_123_457,
    severityText: "ERROR",
    severityNumber: 17,
    eventName: "oom.kill",
    resource: {
      "os.type": "linux",
      "k8s.cluster.name": "prod",
      "host.name": "node-7",
      "host.id": "fedcba9876543210fedcba9876543210",
      "container.id": CONTAINER_ID,
      "container.runtime.name": "containerd",
      "k8s.pod.uid": POD_UID,
    },
    attributes: {
      "event.name": "oom.kill",
      "log.record.uid": expect.stringMatching(/^[0-9a-f]{32}$/),
      "log.record.original": "Memory cgroup out of memory: Killed process 1234 (java)",
      "process.pid": 1234,
      "process.executable.name": "java",
      "process.user.id": 1000,
      "oom.victim.total_vm": 50_388_992,
      "oom.victim.anon_rss": 49_020_928,
      "oom.victim.file_rss": 733_184,
      "oom.victim.shmem_rss": 0,
      "oom.victim.pgtables": 131_072,
      "oom.victim.score_adj": 985,
      "oom.victim.cgroup": CONTAINER_CGROUP,
      "oom.group_kill": false,
      "oom.reaper.outcome": "reaped",
      "oom.scope": "container",
      "oom.constraint": "memcg",
      "oom.limit.cgroup": CONTAINER_CGROUP,
      "oom.memory.usage": 50_331_648,
      "oom.memory.limit": 50_331_648,
      "oom.memory.failcnt": 38,
      "oom.swap.usage": 0,
      "oom.swap.failcnt": 0,
      "oom.cgroup.kind": "container",
      "oom.cgroup.driver": "cgroupfs",
      "oom.cgroup.qos": "Burstable",
      "oom.trigger.comm": "GC Thread#0",
      "oom.trigger.pid": 1240,
      "oom.trigger.gfp_flags": "GFP_KERNEL|__GFP_ZERO",
      "oom.trigger.order": 0,
      "oom.tasks.count": 2,
      "oom.tasks.top": ["java 1234 49754112", "sh -c x 1300 98304"],
      "oom.memcg.stats.anon": 49_020_928,
      "oom.memcg.stats.file": 4096,
      "oom.evidence": ["report", "kill_line"],
      "oom.attribution": "exact",
      "oom.origin": "kernel",
      "oom.time.assumed": ["timezone"],
      "oom.kernel.release": "6.12.117",
      "oom.kernel.boot_id": BOOT_ID,
      "oom.kernel.seq": 4711,
      "oom.kernel.monotonic": 12_345.678901,
    },
  });
});

test("a bare kill line: only what it says", () => {
  const record = toLogRecord(makeBareKill(), NOWHERE);
  expect(record).toEqual({
    severityText: "ERROR",
    severityNumber: 17,
    eventName: "oom.kill",
    body: "java (pid 1234) was OOM-killed: the kernel's log does not say whose memory ran out",
    resource: { "os.type": "linux" },
    attributes: {
      "event.name": "oom.kill",
      "log.record.uid": expect.any(String),
      "log.record.original": "Memory cgroup out of memory: Killed process 1234 (java)",
      "process.pid": 1234,
      "process.executable.name": "java",
      "oom.group_kill": false,
      "oom.scope": "unknown",
      "oom.constraint": "unknown",
      "oom.evidence": ["kill_line"],
      "oom.attribution": "unknown",
      "oom.report.missing": ["invoked", "tasks", "summary"],
      "oom.origin": "kernel",
    },
  });
  expect(Object.keys(record)).not.toContain("timestampUs");
});

test("a kill that no count confirms is a warning, whoever's memory it says ran out, and no test", () => {
  const cgroup = "/oomscribe-doctor-0123abcd";
  const record = toLogRecord(
    makeKill({
      kill: { attribution: "unverified", scope: "node", pid1: true, victimCgroup: cgroup },
      victim: { comm: "oomscribe-test" },
    }),
    NOWHERE,
    { who: makeWho() },
  );
  expect(record).toMatchObject({ severityText: "WARN", severityNumber: 13, eventName: "oom.kill" });
  expect(record.attributes).toMatchObject({ "oom.attribution": "unverified", "oom.victim.cgroup": cgroup });
  expect(record.attributes).not.toHaveProperty("oom.test");
  expect(record.attributes).not.toHaveProperty("oom.kubernetes.visible");
  expect(record.body).toMatch(
    /^the kernel's log says that .* was OOM-killed, but no counter of the kernel confirms it/,
  );
});

test.each<[Scope, string, number]>([
  ["container", "ERROR", 17],
  ["pod", "ERROR", 17],
  ["kubepods", "ERROR", 17],
  ["cgroup", "ERROR", 17],
  ["unknown", "ERROR", 17],
  ["node", "FATAL", 21],
])("severity of a kill of scope %s is %s", (scope, severityText, severityNumber) => {
  expect(toLogRecord(makeKill({ kill: { scope } }), NOWHERE)).toMatchObject({ severityText, severityNumber });
});

describe("limits", () => {
  test.each([
    ["none was printed", { usageKb: 8 }],
    ["PAGE_COUNTER_MAX of 4 KiB pages", { usageKb: 8, limitKb: 9_007_199_254_740_988 }],
    ["PAGE_COUNTER_MAX of 64 KiB pages", { usageKb: 8, limitKb: 9_007_199_254_740_928 }],
  ])("are left out where there is none: %s", (_, memory) => {
    const { attributes } = toLogRecord(makeKill({ report: { memory } }), NOWHERE);
    expect(attributes["oom.memory.usage"]).toBe(8192);
    expect(attributes).not.toHaveProperty("oom.memory.limit");
    expect(attributes).not.toHaveProperty("oom.memory.failcnt");
  });

  test("of cgroup v1's other counters have keys of their own", () => {
    const report = { memsw: { usageKb: 3, limitKb: 4, failcnt: 5 }, kmem: { usageKb: 6, limitKb: 7, failcnt: 8 } };
    expect(toLogRecord(makeKill({ report }), NOWHERE).attributes).toMatchObject({
      "oom.memsw.usage": 3072,
      "oom.memsw.limit": 4096,
      "oom.memsw.failcnt": 5,
      "oom.kmem.usage": 6144,
      "oom.kmem.limit": 7168,
      "oom.kmem.failcnt": 8,
    });
  });
});

describe("the tasks table", () => {
  test("names the largest ten, largest first", () => {
    const tasks = Array.from({ length: 25 }, (_, index) => ({ pid: index, comm: `t${index}`, rss: (index * 7) % 25 }));
    const { attributes } = toLogRecord(makeKill({ report: { tasks } }), { ...NOWHERE, pageSize: 10 });
    const expected = tasks
      .toSorted((a, b) => b.rss - a.rss)
      .slice(0, 10)
      .map(({ pid, comm, rss }) => `${comm} ${pid} ${rss * 10}`);
    expect(attributes["oom.tasks.count"]).toBe(25);
    expect(attributes["oom.tasks.top"]).toEqual(expected);
  });

  test("without sizes is only counted", () => {
    const { attributes } = toLogRecord(makeKill({ report: { tasks: [{ pid: 1, comm: "a" }] } }), NOWHERE);
    expect(attributes["oom.tasks.count"]).toBe(1);
    expect(attributes).not.toHaveProperty("oom.tasks.top");
  });
});

test("memory of the node: pages times the page size, kB times 1024", () => {
  const nodeMemory = {
    pages: { free: 608, active_anon: 468, free_pcp: 33 },
    totalPages: 65_406,
    reservedPages: 8102,
    swapTotalKb: 2,
    swapFreeKb: 0,
  };
  const kill = makeKill({ kill: { scope: "node" }, report: { nodeMemory } });
  expect(toLogRecord(kill, { ...NOWHERE, pageSize: 65_536 }).attributes).toMatchObject({
    "oom.node.free": 608 * 65_536,
    "oom.node.active_anon": 468 * 65_536,
    "oom.node.total": 65_406 * 65_536,
    "oom.node.reserved": 8102 * 65_536,
    "oom.node.swap.total": 2048,
    "oom.node.swap.free": 0,
  });
});

test("a cut kill line and a static pod are marked, and only they are", () => {
  const marked = makeKill({
    victim: { truncated: true },
    kill: { identity: { kind: "pod", podUid: "52c7c29c336a733ae3bc99f62ea70cb6", staticPod: true } },
  });
  expect(toLogRecord(marked, NOWHERE).attributes).toMatchObject({
    "oom.report.truncated": true,
    "oom.pod.static": true,
  });
  const { attributes } = toLogRecord(makeKill(), NOWHERE);
  expect(attributes).not.toHaveProperty("oom.report.truncated");
  expect(attributes).not.toHaveProperty("oom.pod.static");
});

describe("the resource", () => {
  test.each<[string, CgroupIdentity, Record<string, string>]>([
    ["a systemd service", { kind: "unit", unit: "sshd.service" }, { "service.name": "sshd" }],
    ["an instance of one", { kind: "unit", unit: "getty@tty1.service" }, { "service.name": "getty@tty1" }],
    ["a scope", { kind: "unit", unit: "init.scope" }, {}],
    ["a user's session", { kind: "user", unit: "user@1000.service" }, {}],
    [
      "a container of no pod",
      { kind: "container", runtime: "docker", containerId: CONTAINER_ID, unit: `docker-${CONTAINER_ID}.scope` },
      { "container.id": CONTAINER_ID, "container.runtime.name": "docker" },
    ],
    ["a pod's own cgroup", { kind: "pod", podUid: POD_UID }, { "k8s.pod.uid": POD_UID }],
    ["the root cgroup", { kind: "root" }, {}],
  ])("of %s", (_, identity, expected) => {
    const kill = makeBareKill({ kill: { identity } });
    expect(toLogRecord(kill, NOWHERE).resource).toEqual({ "os.type": "linux", ...expected });
  });

  test("what is killed stands above what the run was told", () => {
    const resource = { "service.name": "from-env", "host.name": "from-env", "host.id": "from-env" };
    const unit = { kind: "unit", unit: "sshd.service" } as const;
    const record = makeRecord("Killed process 1 (a)", { host: "n\xc3\xb6rd" });
    expect(toLogRecord(makeBareKill({ kill: { identity: unit, record } }), { resource }).resource).toEqual({
      "os.type": "linux",
      "service.name": "sshd",
      "host.name": "nörd",
      "host.id": "from-env",
    });
    expect(toLogRecord(makeBareKill(), { resource }).resource["service.name"]).toBe("from-env");
    expect(resource["service.name"]).toBe("from-env");
  });
});

describe("names", () => {
  const { resource, attributes } = toLogRecord(
    makeKill(),
    { resource: { "k8s.node.name": "ours" } },
    { who: makeWho() },
  );

  test("owner, image, service, on the resource; how it stood, on the record", () => {
    expect(resource).toMatchObject({
      "k8s.deployment.name": "checkout",
      "k8s.replicaset.name": "checkout-54b94897df",
      "k8s.container.restart_count": 2,
      "container.image.tags": ["1.4"],
      "service.namespace": "shop",
      // The run was told; the list of pods may be of another time.
      "k8s.node.name": "ours",
    });
    const created = 1_767_000_000;
    expect(attributes).toMatchObject({
      "oom.container.memory.limit_wanted": 134_217_728,
      "oom.container.age": expect.closeTo(1_767_225_600.123 - created - 1, 2),
      "oom.container.last_exit.code": 137,
      "oom.pod.deleting": true,
      "oom.owner.evidence": "api",
      "oom.rollout.age": expect.closeTo(1_767_225_600.123 - created, 2),
    });
  });

  test("they do not change its UID", () => {
    const uid = toLogRecord(makeKill(), { resource: { "k8s.node.name": "ours" } }).attributes["log.record.uid"];
    expect(attributes["log.record.uid"]).toBe(uid);
  });

  test("a pod's annotations add to its resource, and say nothing of where it ran", () => {
    const podFacts = {
      ...makeWho().podFacts,
      resourceAnnotations: { "team.name": "a", "k8s.pod.name": "b", "host.id": "c" },
    };
    const who = makeWho({ podFacts } as Partial<Who>);
    const { resource: annotated } = toLogRecord(makeKill(), NOWHERE, { who });
    expect(annotated).toMatchObject({ "team.name": "a", "k8s.pod.name": "checkout-54b94897df-9s5wg" });
    expect(annotated["host.id"]).toBe("fedcba9876543210fedcba9876543210");
  });

  test("Kubernetes will tell of a container whose own process was killed; of another it may or may not", () => {
    const visible = (pid1: boolean | undefined, who?: Who) =>
      toLogRecord(makeKill({ kill: pid1 === undefined ? {} : { pid1 } }), NOWHERE, { who }).attributes[
        "oom.kubernetes.visible"
      ];
    expect([visible(true, makeWho()), visible(false, makeWho()), visible(undefined, makeWho()), visible(true)]).toEqual(
      [true, undefined, undefined, undefined],
    );
  });
});

describe("the boot ID", () => {
  const withDashes = "01234567-89ab-cdef-0123-456789abcdef";

  test.each([
    ["of the running kernel, without dashes", undefined, withDashes, BOOT_ID],
    ["of the record before the running kernel's", "f".repeat(32), withDashes, "f".repeat(32)],
    ["left out where nobody knows it", undefined, undefined, undefined],
    ["left out where it could not be read", undefined, "", undefined],
  ])("%s", (_, recordsOwn, contexts, expected) => {
    const record = makeRecord("Killed process 1 (a)", { bootId: recordsOwn });
    const context = contexts === undefined ? NOWHERE : { ...NOWHERE, bootId: contexts };
    expect(toLogRecord(makeBareKill({ kill: { record } }), context).attributes["oom.kernel.boot_id"]).toBe(expected);
  });
});
