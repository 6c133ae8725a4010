/** log.record.uid: the same for the same kill, another for any other. */
import { describe, expect, test } from "vitest";
import { toGapRecord, toSuppressedRecord } from "../../../src/record/events/log-gap.ts";
import { toLogRecord } from "../../../src/record/kill-record.ts";
import { BOOT_ID, killsOf, makeBareKill, makeRecord, readReports } from "../../kills.ts";

const NODE = { resource: { "host.id": "m1" } };
const LINE = "Memory cgroup out of memory: Killed process 1234 (java)";

interface Place {
  seq?: number;
  monotonicUs?: number;
  wallTimeUs?: number;
  bootId?: string;
  text?: string;
  pid?: number;
  missing?: boolean;
}

function uid({ text = LINE, pid = 1234, missing, ...place }: Place, context = NODE): string {
  const record = makeRecord(text, place);
  const report = missing ? { records: [], missing: ["summary" as const] } : {};
  return String(
    toLogRecord(makeBareKill({ kill: { record }, victim: { pid }, report }), context).attributes["log.record.uid"],
  );
}

describe("is the same", () => {
  test.each<[string, Place, Place]>([
    ["read twice", { seq: 1, bootId: BOOT_ID }, { seq: 1, bootId: BOOT_ID }],
    ["whatever else of the report is left", { seq: 1, bootId: BOOT_ID }, { seq: 1, bootId: BOOT_ID, missing: true }],
    [
      "when wall time has drifted",
      { seq: 1, bootId: BOOT_ID, wallTimeUs: 1 },
      { seq: 1, bootId: BOOT_ID, wallTimeUs: 2 },
    ],
    ["when the format has the kernel's clock only", { seq: 1, monotonicUs: 5 }, { monotonicUs: 5, wallTimeUs: 9 }],
    ["by wall time where there is nothing else", { wallTimeUs: 9 }, { wallTimeUs: 9 }],
  ])("%s", (_, one, other) => {
    expect(uid(one)).toBe(uid(other));
  });

  test("with the boot ID of the record or of the run, with or without dashes", () => {
    const dashed = { ...NODE, bootId: "01234567-89ab-cdef-0123-456789abcdef" };
    expect(uid({ seq: 1 }, dashed)).toBe(uid({ seq: 1, bootId: BOOT_ID }));
  });
});

describe("differs", () => {
  test.each<[string, Place, Place]>([
    ["by sequence number", { seq: 1, bootId: BOOT_ID }, { seq: 2, bootId: BOOT_ID }],
    ["by boot", { seq: 1, bootId: BOOT_ID }, { seq: 1, bootId: "f".repeat(32) }],
    ["by the kernel's clock where the boot is unknown", { seq: 1, monotonicUs: 5 }, { seq: 1, monotonicUs: 6 }],
    ["by wall time", { wallTimeUs: 9 }, { wallTimeUs: 10 }],
    ["by pid at the same second", { wallTimeUs: 9 }, { wallTimeUs: 9, pid: 1235 }],
    ["by text", { wallTimeUs: 9 }, { wallTimeUs: 9, text: `${LINE} total-vm:1kB` }],
  ])("%s", (_, one, other) => {
    expect(uid(one)).not.toBe(uid(other));
  });

  test("by node", () => {
    const nodes = [{ "host.id": "m1" }, { "host.id": "m2" }, { "k8s.node.name": "n1" }, { "host.name": "h1" }, {}];
    const uids = nodes.map((resource) => uid({ seq: 1, bootId: BOOT_ID }, { resource } as typeof NODE));
    expect(new Set(uids).size).toBe(nodes.length);
  });
});

test.each(["v1-6.18/06-storm-200-kills.kmsg", "v2-6.12/03-oom-group.kmsg", "v2-6.1/07-storm-60-kills.kmsg"])(
  "no two kills of %s share one",
  (capture) => {
    const kills = readReports(capture).reports.flatMap(killsOf);
    const uids = kills.map((kill) => toLogRecord(kill, NODE).attributes["log.record.uid"]);
    expect(kills.length).toBeGreaterThan(1);
    expect(new Set(uids).size).toBe(kills.length);
  },
);

test("gaps and suppressed reports have their own", () => {
  const place = { seq: 1, bootId: BOOT_ID };
  const suppressed = { count: 3, record: makeRecord("oom_kill_process: 3 callbacks suppressed", place) };
  const gap = { firstSeq: 1, lost: 1, bootId: BOOT_ID };
  const uids = [
    toSuppressedRecord(suppressed, NODE),
    toSuppressedRecord({ ...suppressed, record: { ...suppressed.record, seq: 2 } }, NODE),
    toGapRecord(gap, NODE),
    toGapRecord({ ...gap, firstSeq: 2 }, NODE),
    toGapRecord({ ...gap, lost: 2 }, NODE),
  ].map((record) => record.attributes["log.record.uid"]);
  expect(new Set(uids).size).toBe(5);
  expect(toGapRecord(gap, NODE).attributes["log.record.uid"]).toBe(uids[2]);
});
