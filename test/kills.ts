/** Kills for tests: a bare kill line and a whole report, each part of which a test can replace. */
import { readFileSync } from "node:fs";
import type { KernelRecord } from "../parsers/kernel-record.ts";
import { parseKmsgRecord } from "../parsers/kmsg.ts";
import { createOomAssembler } from "../parsers/oom/assemble.ts";
import type { OomReport, Victim } from "../parsers/oom/report.ts";
import type { Kill, UnloggedKill } from "../src/correlate/kill.ts";
import type { Who } from "../src/identify/container-metadata.ts";

export const CONTAINER_ID = "7c1d0b9f3a5e4c6d8e2f1a0b9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a2b1c0d";
export const POD_UID = "1f3c9d1e-8b7a-4b55-9c1a-0d6f2f5e7a10";
export const POD_CGROUP = `/kubepods/burstable/pod${POD_UID}`;
export const CONTAINER_CGROUP = `${POD_CGROUP}/${CONTAINER_ID}`;
export const BOOT_ID = "0123456789abcdef0123456789abcdef";

/** A record whose line in the input is its text. */
export function makeRecord(text: string, more: Partial<KernelRecord> = {}): KernelRecord {
  return { origin: "kernel", text, original: text, ...more };
}

export interface KillParts {
  kill?: Partial<Omit<Kill, "victim" | "report">>;
  victim?: Partial<Victim>;
  report?: Partial<OomReport>;
}

const KILL_LINE = "Memory cgroup out of memory: Killed process 1234 (java)";

/** Only a kill line was read, and of it only who was killed. */
export function makeBareKill({ kill, victim, report }: KillParts = {}): Kill {
  const record = kill?.record ?? makeRecord(KILL_LINE);
  const whole: Victim = { pid: 1234, comm: "java", groupKill: false, truncated: false, record, ...victim };
  return {
    victim: whole,
    report: {
      victims: [whole],
      constraint: "unknown",
      outcome: "killed",
      missing: ["invoked", "tasks", "summary"],
      records: [record],
      ...report,
    },
    record,
    scope: "unknown",
    evidence: ["kill_line"],
    attribution: "unknown",
    ...kill,
  };
}

/** Every part of a report is there: a container of a burstable pod at its limit, cgroup v1 and v2 figures together. */
export function makeKill({ kill, victim, report }: KillParts = {}): Kill {
  const record = makeRecord(KILL_LINE, {
    seq: 4711,
    monotonicUs: 12_345_678_901,
    wallTimeUs: 1_767_225_600_123_457,
    timeAssumed: ["timezone"],
    bootId: BOOT_ID,
    host: "node-7",
    machineId: "fedcba9876543210fedcba9876543210",
  });
  return makeBareKill({
    kill: {
      record,
      scope: "container",
      evidence: ["report", "kill_line"],
      attribution: "exact",
      victimCgroup: CONTAINER_CGROUP,
      limitCgroup: CONTAINER_CGROUP,
      identity: {
        kind: "container",
        driver: "cgroupfs",
        runtime: "containerd",
        qos: "Burstable",
        podUid: POD_UID,
        containerId: CONTAINER_ID,
      },
      ...kill,
    },
    victim: {
      uid: 1000,
      totalVmKb: 49_208,
      anonRssKb: 47_872,
      fileRssKb: 716,
      shmemRssKb: 0,
      pgtablesKb: 128,
      oomScoreAdj: 985,
      reaper: { outcome: "reaped" },
      ...victim,
    },
    report: {
      constraint: "memcg",
      trigger: { comm: "GC Thread#0", pid: 1240, gfpFlags: "GFP_KERNEL|__GFP_ZERO", order: 0 },
      memory: { usageKb: 49_152, limitKb: 49_152, failcnt: 38 },
      swap: { usageKb: 0, limitKb: 9_007_199_254_740_988, failcnt: 0 },
      memcgStats: { path: CONTAINER_CGROUP, values: { anon: 49_020_928, file: 4096, pgfault: 12_276 } },
      tasks: [
        { pid: 1234, comm: "java", rss: 12_147 },
        { pid: 1300, comm: "sh -c x", rssAnon: 20, rssFile: 3, rssShmem: 1 },
      ],
      kernelRelease: "6.12.117",
      missing: [],
      ...report,
    },
  });
}

/** A kill that only a container's counter tells. */
export function makeUnloggedKill(more: Partial<UnloggedKill> = {}): UnloggedKill {
  return {
    counter: CONTAINER_CGROUP,
    value: 3,
    afterMs: 1000,
    untilMs: 1250,
    evidence: ["counter"],
    attribution: "exact",
    victimCgroup: CONTAINER_CGROUP,
    identity: { kind: "container", driver: "cgroupfs", podUid: POD_UID, containerId: CONTAINER_ID },
    ...more,
  };
}

/** The reports of a capture in the format of /dev/kmsg, and its text as a byte string. */
export function readReports(capture: string): { reports: OomReport[]; text: string } {
  const text = readFileSync(new URL(`captures/${capture}`, import.meta.url), "latin1");
  const assembler = createOomAssembler();
  const reports: OomReport[] = [];
  for (const line of text.split("\n")) {
    const record = parseKmsgRecord(line);
    if (record === undefined) continue;
    for (const seen of assembler.push(record, (record.monotonicUs ?? 0) / 1000)) {
      if (seen.kind === "report") reports.push(seen.report);
    }
  }
  for (const seen of assembler.flush()) if (seen.kind === "report") reports.push(seen.report);
  return { reports, text };
}

/** The kills of a report, as of a container whose cgroup nobody has looked up. */
export function killsOf(report: OomReport): Kill[] {
  return report.victims.map((victim) => ({
    victim,
    report,
    record: victim.record,
    scope: report.constraint === "memcg" ? "cgroup" : "node",
    evidence: ["report", "kill_line"],
    attribution: report.victimCgroup === undefined ? "unknown" : "exact",
    ...(report.victimCgroup === undefined ? {} : { victimCgroup: report.victimCgroup }),
    ...(report.limitCgroup === undefined ? {} : { limitCgroup: report.limitCgroup }),
  }));
}

/** A container of a Deployment of which everything is known, a resize under way and its pod being deleted. */
export function makeWho(more: Partial<Who> = {}): Who {
  const created = 1_767_000_000_000;
  return {
    sources: ["kubernetes_api", "containerd"],
    missing: ["limits"],
    namespace: "shop",
    pod: "checkout-54b94897df-9s5wg",
    podUid: POD_UID,
    configHash: "d8c9b774b8740642565fea02f8465ca2",
    node: "node-7",
    container: "api",
    containerKind: "container",
    restarts: 2,
    image: { name: "registry.example/checkout", tag: "1.4" },
    imageId: "sha256:ab",
    owners: [
      { kind: "ReplicaSet", name: "checkout-54b94897df", evidence: "owner_reference", createdMs: created },
      { kind: "Deployment", name: "checkout", evidence: "api" },
    ],
    service: { name: "checkout", namespace: "shop", version: "1.4", instanceId: "shop.checkout.api" },
    podFacts: {
      namespace: "shop",
      name: "checkout-54b94897df-9s5wg",
      labels: { "pod-template-hash": "54b94897df" },
      resourceAnnotations: {},
      qos: "Burstable",
      priority: 0,
      createdMs: created,
      deletionMs: created,
      memory: { request: 1, limit: 2 },
      message: "The node was low on resource: memory.",
      memoryVolumes: [],
      containers: [],
    },
    containerFacts: {
      name: "api",
      kind: "container",
      id: CONTAINER_ID,
      memory: { request: 33_554_432, limit: 67_108_864 },
      wanted: { limit: 134_217_728 },
      state: { is: "running", startedMs: created + 1000 },
      lastState: { is: "terminated", reason: "OOMKilled", exitCode: 137 },
    },
    ...more,
  };
}
