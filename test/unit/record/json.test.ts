/** The printed shape of a record. */
import { expect, test } from "vitest";
import { toJson } from "../../../src/record/json.ts";
import type { LogRecord } from "../../../src/record/log-record.ts";

const RECORD: LogRecord = {
  severityText: "ERROR",
  severityNumber: 17,
  eventName: "oom.kill",
  body: 'a\n"b"',
  resource: { "os.type": "linux" },
  attributes: { "process.pid": 1, "oom.evidence": ["report"], "oom.group_kill": false },
};

test("one line, keys in the documented order", () => {
  expect(toJson({ ...RECORD, timestampUs: 1_767_225_600_123_457 })).toBe(
    '{"timestamp":"2026-01-01T00:00:00.123457Z","severityText":"ERROR","severityNumber":17,"eventName":"oom.kill",' +
      '"body":"a\\n\\"b\\"","resource":{"os.type":"linux"},' +
      '"attributes":{"process.pid":1,"oom.evidence":["report"],"oom.group_kill":false}}',
  );
});

test.each([
  [undefined, null],
  [0, "1970-01-01T00:00:00.000000Z"],
  [-1, "1969-12-31T23:59:59.999999Z"],
  [1_000_007, "1970-01-01T00:00:01.000007Z"],
  [253_402_300_800_000_000, "+010000-01-01T00:00:00.000000Z"],
  [8.64e18, "+275760-09-13T00:00:00.000000Z"],
  [8.65e18, null],
  [Number.NaN, null],
])("timestamp %s is printed as %s", (timestampUs, expected) => {
  const record = timestampUs === undefined ? RECORD : { ...RECORD, timestampUs };
  expect(JSON.parse(toJson(record)).timestamp).toBe(expected);
});
