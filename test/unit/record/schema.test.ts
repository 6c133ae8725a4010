/** The catalogue of keys: complete, kept to, and the page that is made from it. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { renderRecordPage } from "../../../scripts/record-docs.ts";
import type { Diagnosis } from "../../../src/diagnose/diagnosis.ts";
import type { NearLimit } from "../../../src/diagnose/near-limit.ts";
import { toUnloggedRecord } from "../../../src/record/events/counter-only-kill.ts";
import { toDroppedRecord } from "../../../src/record/events/dropped-records.ts";
import { toEvictionRecord } from "../../../src/record/events/eviction.ts";
import { toFalseKillRecord } from "../../../src/record/events/false-oom-killed.ts";
import { toFollowUpRecord } from "../../../src/record/events/follow-up.ts";
import { toGapRecord, toSuppressedRecord } from "../../../src/record/events/log-gap.ts";
import { toMemoryPressureRecord } from "../../../src/record/events/memory-pressure.ts";
import { toNearLimitRecord } from "../../../src/record/events/near-limit.ts";
import { toUnverifiedSuppressedRecord } from "../../../src/record/events/unverified-suppressed.ts";
import { toLogRecord } from "../../../src/record/kill-record.ts";
import type { AttributeValue, LogRecord } from "../../../src/record/log-record.ts";
import { ATTRIBUTE_GROUPS, type AttributeEntry, type AttributeGroup } from "../../../src/record/schema.ts";
import {
  BOOT_ID,
  CONTAINER_CGROUP,
  CONTAINER_ID,
  killsOf,
  makeBareKill,
  makeKill,
  makeRecord,
  makeUnloggedKill,
  makeWho,
  readReports,
} from "../../kills.ts";

const groups: readonly AttributeGroup[] = ATTRIBUTE_GROUPS;
const NODE = {
  resource: {
    "host.name": "n1",
    "host.id": "m1",
    "k8s.node.name": "n1",
    "k8s.cluster.name": "c1",
    "deployment.environment.name": "e1",
    "cube.environment": "e1",
  },
  bootId: BOOT_ID,
};

const DIAGNOSIS: Diagnosis = {
  cause: "leak",
  confidence: 0.9,
  facts: [{ says: "it grew by {growth}", figures: { growth: { bytes: 4096 } }, source: "history" }],
  advice: ["true"],
  history: { seconds: 60, peak: 4096, bytesPerSecond: 1.5, points: [{ seconds: 60, usage: 1 }] },
};

const NEAR_LIMIT: NearLimit = {
  cgroup: CONTAINER_CGROUP,
  atMs: 1,
  workingSet: 91,
  limit: 100,
  percent: 91,
  bytesPerSecond: 1.5,
  secondsToLimit: 6,
};

interface Described extends AttributeEntry {
  group: AttributeGroup;
}

const catalogue = new Map<string, Described>();
for (const group of groups) {
  for (const [key, entry] of Object.entries(group.keys)) catalogue.set(key, { ...entry, group });
}

/** Every key at once: values that one kernel would never print together. */
function fullRecords(): LogRecord[] {
  const below = (prefix: string): [string, number][] =>
    [...catalogue.keys()].filter((key) => key.startsWith(prefix)).map((key) => [key.slice(prefix.length), 1]);
  const all = { usageKb: 1, limitKb: 2, failcnt: 3 };
  const kill = makeKill({
    victim: { truncated: true },
    report: {
      memory: all,
      swap: all,
      memsw: all,
      kmem: all,
      memcgStats: { path: "/", values: { ...Object.fromEntries(below("oom.memcg.stats.")), pgfault: 1 } },
      nodeMemory: {
        pages: { ...Object.fromEntries(below("oom.node.")), free_pcp: 1 },
        totalPages: 1,
        reservedPages: 1,
        swapTotalKb: 1,
        swapFreeKb: 1,
      },
      missing: ["invoked"],
    },
  });
  const inUnit = makeBareKill({
    kill: {
      identity: { kind: "unit", unit: "a.service", nested: "/init.scope", podUid: "0".repeat(32), staticPod: true },
      pid1: true,
      candidates: ["/a", "/b"],
    },
  });
  const who = makeWho();
  const pressure = { isTrue: true, sinceMs: 1000 };
  const node = { capacity: 2, allocatable: 1, conditions: ["MemoryPressure"], memoryPressure: pressure };
  const autoscaler = {
    name: "web",
    target: { kind: "Deployment", name: "web" },
    max: 3,
    current: 3,
    desired: 3,
    isAtMaximum: true,
    wantsMore: true,
  };
  const around = { isFirstOfRollout: true, autoscaler, missing: ["events"] } as const;
  const followUp = { containerId: CONTAINER_ID, who, uids: ["a"], kills: 1, waitedMs: 5, around } as const;
  const end = { is: "terminated", reason: "OOMKilled", exitCode: 137, finishedMs: 1 } as const;
  const suppressed = makeRecord("oom_kill_process: 71 callbacks suppressed", { textStart: "assumed" });
  return [
    toLogRecord(kill, NODE),
    toLogRecord(inUnit, NODE),
    toLogRecord(kill, NODE, { diagnosis: DIAGNOSIS }),
    toLogRecord(kill, NODE, { who, node }),
    toMemoryPressureRecord(
      { node, pressure: { ...pressure, isTrue: false, reason: "a", message: "b" }, beganMs: 1 },
      NODE,
    ),
    toMemoryPressureRecord({ node, pressure }, NODE),
    ...["StatefulSet", "DaemonSet", "Job", "CronJob"].map((kind) =>
      toLogRecord(kill, NODE, { who: makeWho({ owners: [{ kind, name: "x", evidence: "owner_reference" }] }) }),
    ),
    toLogRecord(kill, NODE, { who: { sources: ["docker"], missing: [], owners: [], container: "db" } }),
    toUnloggedRecord(makeUnloggedKill(), NODE, (ms) => ms * 1000),
    toUnloggedRecord(makeUnloggedKill({ victimCgroup: "/oomscribe-doctor-0123abcd" }), NODE, (ms) => ms * 1000),
    toUnloggedRecord(makeUnloggedKill(), NODE, (ms) => ms * 1000, { who }),
    toFollowUpRecord({ ...followUp, outcome: "oom_killed", next: "restarted", ended: end, isVisible: true }, NODE, 9),
    toFollowUpRecord(
      { ...followUp, outcome: "none", isVisible: false, pid1: false, events: ["a"], unscheduled: ["b"] },
      NODE,
      9,
    ),
    toFollowUpRecord({ ...followUp, outcome: "none", around: { missing: [] }, events: [] }, NODE, 9),
    toLogRecord(kill, NODE, { who, repeats: { recent: 2, ofRevision: 1, countedSinceMs: 0 }, ...around }),
    toUnverifiedSuppressedRecord({ count: 2, fromMs: 1, untilMs: 2 }, NODE, (ms) => ms * 1000),
    toEvictionRecord(who, NODE, 9),
    toFalseKillRecord({ containerId: CONTAINER_ID, ended: end }, () => who, NODE, 9),
    toNearLimitRecord(NEAR_LIMIT, NODE, who, 9),
    toSuppressedRecord({ count: 71, record: suppressed }, NODE),
    toGapRecord({ firstSeq: 1, lost: 2 }, NODE),
    toUnverifiedSuppressedRecord({ count: 50, fromMs: 1000, untilMs: 3000 }, NODE, (atMs) => atMs * 1000),
    toDroppedRecord({ reason: "too_old", records: 3, bytes: 900, sinceMs: 1, untilMs: 2 }, NODE),
  ];
}

function isOf(type: AttributeEntry["type"], value: AttributeValue): boolean {
  switch (type) {
    case "int":
      return Number.isSafeInteger(value);
    case "double":
      return Number.isFinite(value);
    case "string[]":
      return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === "string");
    default:
      return typeof value === type;
  }
}

function expectCatalogued(record: LogRecord): void {
  const places = [
    ["resource", record.resource],
    ["record", record.attributes],
  ] as const;
  for (const [place, attributes] of places) {
    for (const [key, value] of Object.entries(attributes)) {
      const entry = catalogue.get(key);
      expect(entry, `${key} is not in the catalogue`).toBeDefined();
      expect(entry?.group.on, key).toBe(place);
      expect(entry?.group.events, key).toContain(record.eventName);
      expect(isOf(entry?.type ?? "string", value), `${key}: ${JSON.stringify(value)} is no ${entry?.type}`).toBe(true);
    }
  }
  for (const [key, entry] of catalogue) {
    if (entry.when !== "always" || !entry.group.events.some((event) => event === record.eventName)) continue;
    expect(entry.group.on === "resource" ? record.resource : record.attributes, record.eventName).toHaveProperty([key]);
  }
}

test("no key stands twice", () => {
  const keys = groups.flatMap((group) => Object.keys(group.keys));
  expect(new Set(keys).size).toBe(keys.length);
});

test.each(fullRecords())("every key of a record is in the catalogue: $body", (record) => {
  expectCatalogued(record);
});

test("every key of the catalogue is carried by some record", () => {
  const carried = new Set(fullRecords().flatMap((record) => Object.keys({ ...record.resource, ...record.attributes })));
  expect([...catalogue.keys()].filter((key) => !carried.has(key))).toEqual([]);
});

describe.each(["v1-6.18", "v2-6.1", "v2-6.12", "generated"])("the kills of real captures: %s", (folder) => {
  const captures = readdirSync(new URL(`../../captures/${folder}`, import.meta.url));
  test.each(captures.filter((name) => name.endsWith(".kmsg")))("%s", (name) => {
    for (const kill of readReports(`${folder}/${name}`).reports.flatMap(killsOf)) {
      expectCatalogued(toLogRecord(kill, NODE));
    }
  });
});

test("docs/record.md is current: `npm run docs`", () => {
  expect(readFileSync(new URL("../../../docs/record.md", import.meta.url), "utf8")).toBe(renderRecordPage());
});
