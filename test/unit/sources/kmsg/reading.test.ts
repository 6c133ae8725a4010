/** What one read of /dev/kmsg means, and which sequence numbers are missing. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createKmsgReadings } from "../../../../src/sources/kmsg/reading.ts";

const line = (seq: number): string => `6,${seq},1000,-;text\n`;

test.each([
  ["EAGAIN", { kind: "empty" }],
  ["EPIPE", { kind: "again" }],
  ["EINTR", { kind: "again" }],
  ["EINVAL", { kind: "too_large" }],
  ["EIO", { kind: "failed", code: "EIO" }],
])("the error %s", (code, meaning) => {
  expect(createKmsgReadings().onError(code)).toEqual(meaning);
});

test("an end of file, which the device does not have, is nothing to read", () => {
  expect(createKmsgReadings().onBytes("")).toEqual({ kind: "empty" });
});

test("the first record has no gap before it, whatever its number", () => {
  expect(createKmsgReadings().onBytes(line(4711))).toEqual({
    kind: "record",
    record: expect.objectContaining({ seq: 4711, text: "text" }),
  });
});

describe("a gap", () => {
  test.each([
    ["one record", 12, { lost: 1, firstSeq: 11, lastSeq: 11 }],
    ["many", 6011, { lost: 6000, firstSeq: 11, lastSeq: 6010 }],
    ["none", 11, undefined],
  ])("%s, with EPIPE and without", (_, seq, gap) => {
    for (const overwritten of [true, false]) {
      const readings = createKmsgReadings();
      readings.onBytes(line(10));
      if (overwritten) readings.onError("EPIPE");
      const reading = readings.onBytes(line(seq));
      expect(reading).toMatchObject({ kind: "record", record: { seq } });
      expect(reading).toEqual(expect.objectContaining(gap === undefined ? {} : { gap }));
      if (gap === undefined) expect(reading).not.toHaveProperty("gap");
    }
  });

  test("a number that was there before starts afresh, and nothing is thrown away", () => {
    const readings = createKmsgReadings();
    readings.onBytes(line(10));
    expect(readings.onBytes(line(3))).toMatchObject({ kind: "record", record: { seq: 3 } });
    expect(readings.onBytes(line(4))).not.toHaveProperty("gap");
  });

  test("an unreadable record is unreadable, and not lost as well", () => {
    const readings = createKmsgReadings();
    readings.onBytes(line(10));
    expect(readings.onBytes("gar\xffbage")).toEqual({ kind: "unreadable", bytes: "gar\xffbage" });
    expect(readings.onBytes(line(12))).not.toHaveProperty("gap");
    expect(readings.onBytes(line(14))).toMatchObject({ gap: { lost: 1, firstSeq: 13, lastSeq: 13 } });
  });

  test("read and lost are together what was written, whatever is missing", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 200 }), (isRead) => {
        const readings = createKmsgReadings();
        const seen: number[] = [0];
        readings.onBytes(line(0));
        for (const [index, read] of [...isRead, true].entries()) {
          if (!read) continue;
          const reading = readings.onBytes(line(index + 1));
          if (reading.kind !== "record") throw new Error(reading.kind);
          for (let seq = reading.gap?.firstSeq ?? 1; seq <= (reading.gap?.lastSeq ?? 0); seq++) seen.push(seq);
          expect(reading.gap?.lost ?? 0).toBe(reading.gap ? reading.gap.lastSeq - reading.gap.firstSeq + 1 : 0);
          seen.push(index + 1);
        }
        expect(seen).toEqual(Array.from({ length: isRead.length + 2 }, (_, seq) => seq));
      }),
    );
  });
});
