/** A diagnosis as people see it: sentences on the record, a column of the table, the end of an explanation. */
import { describe, expect, test } from "vitest";
import type { Diagnosis } from "../../../src/diagnose/diagnosis.ts";
import { toLogRecord } from "../../../src/record/kill-record.ts";
import type { LogRecord } from "../../../src/record/log-record.ts";
import { explain } from "../../../src/replay/explain/explain.ts";
import { layOut } from "../../../src/replay/table/layout.ts";
import { toRow } from "../../../src/replay/table/row.ts";
import { makeKill } from "../../kills.ts";

const COMMAND = `kubectl set resources deployment/web -n shop -c app --limits=memory=768Mi ${"x".repeat(100)}`;

function recordOf(more: Partial<Diagnosis>): LogRecord {
  const diagnosis: Diagnosis = { cause: "leak", confidence: 0.87, facts: [], advice: [], ...more };
  return toLogRecord(makeKill(), { resource: {} }, { diagnosis });
}

describe("a fact is a sentence with its figures", () => {
  test.each([
    [{ bytes: 50_331_648 }, "48 MiB"],
    [{ seconds: 12.34 }, "12.3 s"],
    [{ seconds: 7200 }, "2 h"],
    [{ percent: 83.6 }, "84 %"],
    [{ bytesPerSecond: 1_258_291 }, "1.2 MiB/s"],
    [{ bytesPerSecond: 291.3 }, "1 MiB/h"],
    [{ count: 1 }, "once"],
    [{ count: 3 }, "3 times"],
    [{ number: -998 }, "-998"],
    [{ name: "a\u001b[2Jb" }, '"a\\x1b[2Jb"'],
  ])("%j is %s", (figure, text) => {
    const { attributes } = recordOf({ facts: [{ says: "so: {it}", figures: { it: figure }, source: "history" }] });
    expect(attributes["oom.cause.facts"]).toEqual([`so: ${text} [history]`]);
  });
});

test("history: a point a line, bytes, what was not read left out", () => {
  const points = [
    { seconds: 64.04, usage: 1024.4, anon: 512, file: 0 },
    { seconds: 0.25, usage: 4096 },
  ];
  const { attributes } = recordOf({ history: { seconds: 64.04, peak: 4096, bytesPerSecond: 47.6, points } });
  expect(attributes).toMatchObject({
    "oom.history.span": 64,
    "oom.history.peak": 4096,
    "oom.history.slope": 48,
    "oom.history.points": ["-64.0s usage=1024 anon=512 file=0", "-0.3s usage=4096"],
  });
});

test("an unknown cause has no confidence", () => {
  const record = toLogRecord(makeKill(), { resource: {} }, { diagnosis: { cause: "unknown", facts: [], advice: [] } });
  expect(record.attributes["oom.cause"]).toBe("unknown");
  expect(record.attributes).not.toHaveProperty(["oom.cause.confidence"]);
});

test("the table has a column for causes where one is known", () => {
  const known = toRow(recordOf({ cause: "page_cache" }));
  const unknown = toRow(recordOf({ cause: "unknown" }));
  const [head, first, second] = layOut([known, unknown], 200, (text) => text);
  const at = head?.indexOf("CAUSE") ?? -1;
  expect(at).toBeGreaterThan(0);
  expect(first?.slice(at)).toMatch(/^page cache/);
  expect(second?.slice(at)).toMatch(/^-/);
  expect(layOut([unknown], 200, (text) => text)[0]).not.toContain("CAUSE");
});

test("an explanation ends with the cause, its facts and whole commands", () => {
  const facts: Diagnosis["facts"] = [{ says: "it grew", figures: {}, source: "history" }];
  const lines = explain(recordOf({ facts, advice: [COMMAND] }), 80, String, String);
  expect(lines).toContain("The cause: a leak (87 % sure).");
  expect(lines).toContain("- it grew [history]");
  expect(lines).toContain(`  ${COMMAND}`);
});
