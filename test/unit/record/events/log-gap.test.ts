/** Records of what the kernel's log does not hold. */
import { expect, test } from "vitest";
import { toGapRecord, toSuppressedRecord } from "../../../../src/record/events/log-gap.ts";
import { BOOT_ID, makeRecord } from "../../../kills.ts";

test("suppressed reports: how many, and the kernel's line", () => {
  const text = "oom_kill_process: 71 callbacks suppressed";
  const record = makeRecord(text, { seq: 9, monotonicUs: 1_500_000, wallTimeUs: 1_767_225_600_000_001, host: "n1" });
  expect(toSuppressedRecord({ count: 71, record }, { resource: { "k8s.node.name": "n1" } })).toEqual({
    timestampUs: 1_767_225_600_000_001,
    severityText: "WARN",
    severityNumber: 13,
    eventName: "oom.report.suppressed",
    body: "the kernel left 71 OOM reports out of its log (rate limit): the kills have a line each, without their cgroup",
    resource: { "os.type": "linux", "k8s.node.name": "n1", "host.name": "n1" },
    attributes: {
      "event.name": "oom.report.suppressed",
      "log.record.uid": expect.stringMatching(/^[0-9a-f]{32}$/),
      "log.record.original": text,
      "oom.report.suppressed.count": 71,
      "oom.origin": "kernel",
      "oom.kernel.seq": 9,
      "oom.kernel.monotonic": 1.5,
    },
  });
});

test("a gap: which sequence numbers are lost", () => {
  const context = { resource: { "host.name": "n1" }, bootId: BOOT_ID };
  expect(toGapRecord({ firstSeq: 100, lost: 42, noticedUs: 7 }, context)).toEqual({
    timestampUs: 7,
    severityText: "WARN",
    severityNumber: 13,
    eventName: "oom.kernel_log.gap",
    body: "42 lines of the kernel's log were overwritten before they were read: kills among them are unknown",
    resource: { "os.type": "linux", "host.name": "n1" },
    attributes: {
      "event.name": "oom.kernel_log.gap",
      "log.record.uid": expect.stringMatching(/^[0-9a-f]{32}$/),
      "oom.kernel_log.gap.lost": 42,
      "oom.kernel_log.gap.first_seq": 100,
      "oom.kernel_log.gap.last_seq": 141,
      "oom.kernel.boot_id": BOOT_ID,
    },
  });
});

test("of one line each, and without a time where none is known", () => {
  expect(toGapRecord({ firstSeq: 5, lost: 1 }, { resource: {} }).body).toMatch(/^1 line of/);
  expect(toGapRecord({ firstSeq: 5, lost: 1 }, { resource: {} })).not.toHaveProperty("timestampUs");
  const record = makeRecord("dump_header: 1 callbacks suppressed");
  expect(toSuppressedRecord({ count: 1, record }, { resource: {} }).body).toMatch(/^the kernel left 1 OOM report out/);
  expect(toSuppressedRecord({ count: 1, record }, { resource: {} })).not.toHaveProperty("timestampUs");
});
