/** Causes that one report tells, and with names: what filled the memory, whose it was, who else used it. */
import { describe, expect, test } from "vitest";
import type { OomReport } from "../../../parsers/oom/report.ts";
import { diagnose } from "../../../src/diagnose/diagnose.ts";
import type { Background } from "../../../src/diagnose/input.ts";
import type { Who } from "../../../src/identify/container-metadata.ts";
import { toPodFacts } from "../../../src/identify/pods/pod.ts";
import { type KillParts, makeBareKill, makeKill } from "../../kills.ts";
import { plainPod } from "../../pods.ts";

const MIB = 1024 ** 2;

function stats(values: Record<string, number>): Partial<OomReport> {
  return { memcgStats: { path: "/x", values } };
}

describe("what filled it", () => {
  test.each<[string, Partial<OomReport>, string, number | undefined]>([
    ["v2: private memory alone", stats({ anon: 47 * MIB, file: 0, shmem: 0, kernel: MIB }), "unknown", undefined],
    ["v2: tmpfs, counted as file too", stats({ anon: 4 * MIB, file: 44 * MIB, shmem: 44 * MIB }), "tmpfs", 0.8],
    ["v2: just over half of it tmpfs", stats({ anon: 22 * MIB, file: 25 * MIB, shmem: 25 * MIB }), "tmpfs", 0.7],
    ["v2: just under half", stats({ anon: 24 * MIB, file: 23 * MIB, shmem: 23 * MIB }), "unknown", undefined],
    ["v1: tmpfs", stats({ total_rss: MIB, total_cache: 47 * MIB, total_shmem: 46 * MIB, shmem: 0 }), "tmpfs", 0.8],
    ["v2: page cache in use", stats({ anon: 4 * MIB, file: 30 * MIB, shmem: 0, file_dirty: 0 }), "page_cache", 0.55],
    ["v2: dirty", stats({ file: 44 * MIB, shmem: 0, file_dirty: 30 * MIB, file_writeback: MIB }), "page_cache", 0.85],
    ["v2: kernel", stats({ anon: MIB, kernel: 40 * MIB, slab: 30 * MIB }), "kernel_memory", 0.75],
    ["v2 before 5.18: its parts", stats({ slab: 40 * MIB, pagetables: 4 * MIB }), "kernel_memory", 0.85],
    ["v1: the limit of kernel memory", { kmem: { usageKb: 8192, limitKb: 8192 } }, "kernel_memory", 0.9],
    ["refaults of twice the limit", stats({ anon: 40 * MIB, workingset_refault_file: 24_576 }), "limit_too_low", 0.55],
  ])("%s", (_, report, cause, confidence) => {
    const diagnosis = diagnose(makeKill({ report }));
    expect(diagnosis).toMatchObject({ cause });
    expect(diagnosis.confidence).toBe(confidence);
  });

  test("memory and swap together, where that limit was the full one", () => {
    const [fact] = diagnose(
      makeKill({ report: { memory: { usageKb: 1024, limitKb: 4096 }, memsw: { usageKb: 8192, limitKb: 8192 } } }),
    ).facts;
    expect(fact?.figures).toMatchObject({ limit: { bytes: 8 * MIB } });
  });
});

describe("who used it", () => {
  const pod: KillParts["kill"] = { scope: "pod" };
  const small = { anonRssKb: 10_240, fileRssKb: 0, shmemRssKb: 0 };
  const tasks = [
    { pid: 1234, comm: "java", rss: 2560 },
    { pid: 99, comm: "cache", rss: 9000 },
  ];

  test.each<[string, KillParts, string]>([
    ["of a pod's limit another process held more", { kill: pod, victim: small, report: { tasks } }, "neighbour"],
    ["of a container's limit that is its own affair", { victim: small, report: { tasks } }, "unknown"],
    [
      "the victim held a third and more",
      { kill: pod, victim: { ...small, anonRssKb: 17_000 }, report: { tasks } },
      "unknown",
    ],
    ["it was the largest", { kill: pod, victim: small, report: { tasks: tasks.slice(0, 1) } }, "unknown"],
  ])("%s", (_, parts, cause) => {
    expect(diagnose(makeKill(parts)).cause).toBe(cause);
  });
});

describe("whatever is not there is not made up", () => {
  test("a bare kill line", () => {
    const { facts, ...rest } = diagnose(makeBareKill());
    expect(rest).toEqual({ cause: "unknown", advice: [] });
    expect(facts.map(({ says }) => says)).toEqual([expect.stringContaining("no report")]);
  });

  test("SysRq-f in a node without memory figures", () => {
    const kill = makeBareKill({
      kill: { scope: "node" },
      report: { constraint: "none", trigger: { comm: "sh", order: -1 } },
    });
    expect(diagnose(kill)).toMatchObject({ cause: "sysrq", advice: [] });
  });
});

describe("with names", () => {
  const restarted = { startedMs: 1_767_225_600_000 - 12_000, lastReason: "OOMKilled" };

  test.each<[string, { startedMs: number; lastReason: string }, number, string, number | undefined]>([
    ["killed 12 s after its start, for the fourth time", restarted, 4, "limit_too_low", 0.8],
    ["… for the second time", restarted, 1, "limit_too_low", 0.7],
    ["… after it had failed otherwise", { ...restarted, lastReason: "Error" }, 4, "unknown", undefined],
    ["after two minutes", { ...restarted, startedMs: restarted.startedMs - 108_000 }, 4, "unknown", undefined],
  ])("%s", (_, { startedMs, lastReason }, restarts, cause, confidence) => {
    const who = whoOf(
      plainPod({
        containers: [
          {
            limit: "48Mi",
            restarts,
            state: { running: { startedAt: new Date(startedMs).toISOString() } },
            lastState: { terminated: { reason: lastReason } },
          },
        ],
      }),
    );
    const diagnosis = diagnose(makeKill(), { who } satisfies Background);
    expect(diagnosis).toMatchObject({ cause });
    expect(diagnosis.confidence).toBe(confidence);
  });

  test("a volume in memory that the container has mounted makes tmpfs surer, another's does not", () => {
    const pod = (mountedBy: string): object =>
      plainPod({
        containers: [{ limit: "48Mi" }],
        spec: {
          containers: [{ name: "app", volumeMounts: mountedBy === "app" ? [{ name: "scratch" }] : [] }],
          volumes: [{ name: "scratch", emptyDir: { medium: "Memory" } }],
        },
      });
    const kill = makeKill({ report: stats({ file: 47 * MIB, shmem: 47 * MIB }) });
    expect(diagnose(kill, { who: whoOf(pod("app")) }).confidence).toBe(0.95);
    expect(diagnose(kill, { who: whoOf(pod("other")) }).confidence).toBe(0.8);
  });

  test("a child that was killed beside PID 1 is told", () => {
    const { facts } = diagnose(makeKill({ kill: { pid1: false } }), { who: whoOf(plainPod({ containers: [{}] })) });
    expect(facts.some(({ says }) => says.includes("Kubernetes may say nothing"))).toBe(true);
  });
});

function whoOf(pod: object): Who {
  const podFacts = toPodFacts(pod);
  const [containerFacts] = podFacts?.containers ?? [];
  if (podFacts === undefined || containerFacts === undefined) throw new Error("no pod");
  const { namespace, name } = podFacts;
  return {
    sources: ["kubernetes_api"],
    missing: [],
    owners: [],
    namespace,
    pod: name,
    container: containerFacts.name,
    podFacts,
    containerFacts,
  };
}
