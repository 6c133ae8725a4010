/** What the reader of lines takes for granted of every format. */
import { expect, test } from "vitest";
import { parseReltime } from "../../../../parsers/captures/dmesg.ts";
import { LINE_FORMATS } from "../../../../parsers/captures/formats.ts";

const CONTEXT = { year: 2026, timezone: undefined, referenceUs: undefined };

test.each(LINE_FORMATS)("$name: reads its example, and no line that begins with a blank", ({ example, parse }) => {
  expect(parse(example, CONTEXT)).toBeDefined();
  expect(parse(` ${example}`, CONTEXT)).toBeUndefined();
});

test("dmesg -e: reads no line that begins with a blank", () => {
  const state = { lastUs: undefined };
  expect(parseReltime("[Nov24 06:29] Mem-Info:", CONTEXT, state)).toBeDefined();
  expect(parseReltime(" [Nov24 06:29] Mem-Info:", CONTEXT, state)).toBeUndefined();
});
