/** Kills are counted once each, by what is known of them, and go on from the last run. */
import { expect, test } from "vitest";
import { createKillCounts } from "../../../src/agent/kill-counts.ts";
import type { LogRecord } from "../../../src/record/log-record.ts";

const kill = (scope: string, attribution: string, eventName = "oom.kill"): LogRecord => ({
  severityText: "ERROR",
  severityNumber: 17,
  eventName,
  body: "",
  resource: {},
  attributes: { "oom.scope": scope, "oom.attribution": attribution },
});

test("by scope and attribution; other records are none", () => {
  const counts = createKillCounts();
  counts.add([kill("container", "exact"), kill("node", "exact"), kill("x", "y", "oom.kernel_log.gap")], () => true);
  counts.add([kill("container", "exact"), kill("container", "unknown")], () => true);
  expect(counts.list()).toEqual([
    { scope: "container", attribution: "exact", kills: 2 },
    { scope: "node", attribution: "exact", kills: 1 },
    { scope: "container", attribution: "unknown", kills: 1 },
  ]);
});

test("what is known already is not counted again", () => {
  const counts = createKillCounts([{ scope: "node", attribution: "exact", kills: 4 }]);
  counts.add([kill("node", "exact")], () => false);
  counts.add([kill("node", "exact")], () => true);
  expect(counts.list()).toEqual([{ scope: "node", attribution: "exact", kills: 5 }]);
});

test("kill lines that no count confirms are kept apart, those without a record included", () => {
  const counts = createKillCounts();
  const suppressed: LogRecord = {
    ...kill("unknown", "unverified", "oom.unverified.suppressed"),
    attributes: { "oom.unverified.suppressed.count": 250 },
  };
  counts.add([kill("unknown", "unverified"), suppressed, kill("container", "exact")], () => true);
  expect(counts.list()).toEqual([
    { scope: "unknown", attribution: "unverified", kills: 251 },
    { scope: "container", attribution: "exact", kills: 1 },
  ]);
});
