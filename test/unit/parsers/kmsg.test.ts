/** The record format of /dev/kmsg: every field, fields of kernels to come, and what is no record. */
import { describe, expect, test } from "vitest";
import { decodeBytes, encodeBytes, undoKmsgEscapesIfEscaped, undoUnprintableEscapes } from "../../../parsers/bytes.ts";
import { addKmsgField, parseKmsgLine, parseKmsgRecord } from "../../../parsers/kmsg.ts";

test("every field of a record with its dictionary", () => {
  const header = "6,339,5140900,-,caller=T17986;NET: Registered protocol family 10";
  expect(parseKmsgRecord(`${header}\n SUBSYSTEM=pci\n DEVICE=+pci:0000:00:01.0\n`)).toEqual({
    origin: "kernel",
    level: 6,
    facility: 0,
    seq: 339,
    monotonicUs: 5_140_900,
    flag: "-",
    caller: "T17986",
    text: "NET: Registered protocol family 10",
    original: header,
    fields: { SUBSYSTEM: "pci", DEVICE: "+pci:0000:00:01.0" },
  });
});

describe("priority: facility << 3 | level, and only facility 0 is the kernel's", () => {
  test.each([
    ["0", "kernel", 0, 0],
    ["3", "kernel", 0, 3],
    ["7", "kernel", 0, 7],
    ["8", "user", 1, 0],
    ["11", "user", 1, 3],
    ["30", "user", 3, 6],
    ["191", "user", 23, 7],
    ["2047", "user", 255, 7],
    // Beyond 32 bits: no kernel prints it, but it must never turn into facility 0.
    ["4294967299", "user", 536870912, 3],
  ])("%s", (priority, origin, facility, level) => {
    expect(parseKmsgLine(`${priority},1,2,-;x`)).toMatchObject({ origin, facility, level });
  });
});

describe("what stands between the time and the semicolon", () => {
  test.each([
    ["", undefined, undefined],
    [",-", "-", undefined],
    [",c", "c", undefined],
    [",+", "+", undefined],
    [",-,caller=T1", "-", "T1"],
    [",-,caller=C0", "-", "C0"],
    [",c,caller=T4194303", "c", "T4194303"],
    [",-,caller=T1,cpu=3,later=", "-", "T1"],
    [",-,new,caller=T1", "-", "T1"],
    [",caller=T1", undefined, "T1"],
  ])("1,2,3%s;x", (prefix, flag, caller) => {
    const record = parseKmsgRecord(`1,2,3${prefix};x`);
    expect(record).toMatchObject({ seq: 2, monotonicUs: 3, text: "x" });
    expect(record?.flag).toBe(flag);
    expect(record?.caller).toBe(caller);
  });
});

test("the first semicolon ends the prefix; commas, semicolons and equals signs behind it are text", () => {
  expect(parseKmsgRecord("4,5,6,-;a;b,caller=T9;c=d")).toMatchObject({ text: "a;b,caller=T9;c=d", flag: "-" });
  expect(parseKmsgRecord("4,5,6,-;a;b,caller=T9;c=d")?.caller).toBeUndefined();
});

test("sequence number and time of a node that is up for years", () => {
  expect(parseKmsgRecord("6,4294967296,315360000000001,-;x")).toMatchObject({
    seq: 4_294_967_296,
    monotonicUs: 315_360_000_000_001,
  });
});

describe("\\xNN is undone exactly once, as a byte", () => {
  test.each([
    ["\\x0a", "\n"],
    ["\\x5c", "\\"],
    ["a\\x5cx2db.service", "a\\x2db.service"],
    ["\\x5cx5cx41", "\\x5cx41"],
    ["\\xd1\\x81", "\xd1\x81"],
    ["\\xff\\xfe", "\xff\xfe"],
    ["\\x00\\x7f\\x1b[31m", "\0\x7f\x1b[31m"],
    // No escapes of the kernel: two lower-case digits it always is.
    ["\\x5", "\\x5"],
    ["\\xgg \\x5C \\n \\", "\\xgg \\x5C \\n \\"],
  ])("%s", (escaped, text) => {
    expect(parseKmsgRecord(`3,1,2,-;${escaped}`)?.text).toBe(text);
  });

  test("the line as it stood is kept", () => {
    expect(parseKmsgRecord("3,1,2,-;a\\x0ab\n")?.original).toBe("3,1,2,-;a\\x0ab");
  });
});

describe("dictionary lines", () => {
  test.each([
    ["no dictionary, with or without the last newline", "6,1,2,-;x\n", undefined],
    ["a value with equals signs", "6,1,2,-;x\n A=b=c\n", { A: "b=c" }],
    ["an empty value", "6,1,2,-;x\n A=\n", { A: "" }],
    ["an escaped value", "6,1,2,-;x\n A=\\x0a\\x5cx2d\n", { A: "\n\\x2d" }],
    ["lines that are none", "6,1,2,-;x\nA=b\n =c\n d\n\n E=f\n", { E: "f" }],
  ])("%s", (_, bytes, fields) => {
    expect(parseKmsgRecord(bytes)?.fields).toEqual(fields);
  });

  test("a key like a property of every object is a key like any other", () => {
    const record = parseKmsgRecord("6,1,2,-;x\n __proto__=1\n constructor=2\n");
    expect(Object.entries(record?.fields ?? {})).toEqual([
      ["__proto__", "1"],
      ["constructor", "2"],
    ]);
  });

  test("addKmsgField says whether the line was one", () => {
    const record = parseKmsgLine("6,1,2,-;x");
    if (record === undefined) throw new Error("no record");
    expect(addKmsgField(record, " A=b")).toBe(true);
    expect(addKmsgField(record, "6,2,3,-;y")).toBe(false);
    expect(record.fields).toEqual({ A: "b" });
  });
});

describe("no record", () => {
  test.each([
    "",
    "\n",
    ";",
    ",,,;x",
    "6",
    "6,",
    "6,1",
    "6,1,2",
    "6,1,2,-",
    "6,1,;x",
    "6,,2,-;x",
    ",1,2,-;x",
    "-6,1,2,-;x",
    " 6,1,2,-;x",
    "6,1,-2,-;x",
    "6,1,2.5,-;x",
    "0x6,1,2,-;x",
    "6, 1,2,-;x",
    "6;1,2,-;x",
    "6,1,123456789012345678901,-;x",
    "[    1.000000] Killed process 1 (a)",
    "<6>[    1.000000] x",
    "6,1,2,-\n;x",
    " SUBSYSTEM=pci",
  ])("%j", (bytes) => {
    expect(parseKmsgRecord(bytes)).toBeUndefined();
  });
});

test("an empty message is a record", () => {
  expect(parseKmsgRecord("6,1,2,-;")).toMatchObject({ text: "", seq: 1 });
});

describe("byte strings", () => {
  test.each(["", "abc", "сервер", "日本語🔥", "\0\n\x7f"])("%j → bytes → the same text", (text) => {
    expect(decodeBytes(encodeBytes(text))).toBe(text);
    expect(encodeBytes(text)).toBe(String.fromCharCode(...new TextEncoder().encode(text)));
  });

  test.each([
    ["w\xff\xfeb", "w\ufffd\ufffdb"],
    ["\xd1", "\ufffd"],
    ["ok\x80", "ok\ufffd"],
  ])("%j is decoded leniently", (bytes, text) => {
    expect(decodeBytes(bytes)).toBe(text);
  });

  test.each([
    ["a\\x0ab", "a\nb", "a\nb"],
    ["a\\xffb", "a\xffb", "a\xffb"],
    // A backslash that the kernel escaped; dmesg had undone it already.
    ["a\\x5cx2db", "a\\x2db", "a\\x5cx2db"],
    // systemd's own escape: the kernel never escapes a printable byte.
    ["a\\x2db \\x0a", "a\\x2db \\x0a", "a\\x2db \n"],
    ["plain", "plain", "plain"],
  ])("%j, escaped or not; after dmesg", (bytes, ifEscaped, afterDmesg) => {
    expect(undoKmsgEscapesIfEscaped(bytes)).toBe(ifEscaped);
    expect(undoUnprintableEscapes(bytes)).toBe(afterDmesg);
  });
});
