/** log.record.original: bounded, the kill line always in it, every line as it stands in the input. */
import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { encodeBytes } from "../../../parsers/bytes.ts";
import type { KernelRecord } from "../../../parsers/kernel-record.ts";
import { quoteLines } from "../../../src/record/original.ts";
import { makeRecord, readReports } from "../../kills.ts";

const HEAD = makeRecord("java invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0");
const TRACE = makeRecord("Call Trace:");
const USAGE = makeRecord("memory: usage 8192kB, limit 8192kB, failcnt 19");
const SUMMARY = makeRecord("oom-kill:constraint=CONSTRAINT_MEMCG,task=java,pid=1,uid=0");
const REST_OF_SUMMARY = makeRecord(",task=java,pid=1,uid=0", { flag: "c" });
const OWN = makeRecord("Memory cgroup out of memory: Killed process 1 (java)");
const OTHER_KILL = makeRecord("Memory cgroup out of memory: Killed process 2 (child)");
const GROUP = makeRecord("Tasks in /a are going to be killed due to memory.oom.group set");
const ALL = [HEAD, TRACE, USAGE, SUMMARY, REST_OF_SUMMARY, OWN, GROUP, OTHER_KILL];

function bytesOf(records: readonly KernelRecord[]): number {
  return records.map((record) => record.original).join("\n").length;
}

test("a report that fits is quoted whole", () => {
  expect(quoteLines(OWN, ALL, bytesOf(ALL))).toBe(ALL.map((record) => record.original).join("\n"));
});

test.each<[string, KernelRecord[]]>([
  ["the kill line", [OWN]],
  ["then the head", [HEAD, OWN]],
  ["then what names cgroups and limits", [HEAD, USAGE, SUMMARY, REST_OF_SUMMARY, OWN, GROUP]],
  ["then other kills", [HEAD, USAGE, SUMMARY, REST_OF_SUMMARY, OWN, GROUP, OTHER_KILL]],
])("room goes to %s, and the order stays that of the input", (_, kept) => {
  const noise = Array.from({ length: 50 }, (_unused, index) => makeRecord(`noise ${index} ${"x".repeat(200)}`));
  const lines = [...noise.slice(0, 25), ...ALL.filter((record) => record !== TRACE), ...noise.slice(25)];
  expect(quoteLines(OWN, lines, bytesOf(kept))).toBe(kept.map((record) => record.original).join("\n"));
});

test("a line that does not fit leaves its place to the next", () => {
  const long = makeRecord("x".repeat(500));
  expect(quoteLines(OWN, [OWN, long, TRACE], bytesOf([OWN, TRACE]))).toBe(`${OWN.original}\n${TRACE.original}`);
});

test("the kill line is quoted though the report keeps it no more", () => {
  expect(quoteLines(OWN, [HEAD], 8192)).toBe(`${HEAD.original}\n${OWN.original}`);
  expect(quoteLines(OWN, [HEAD], OWN.original.length)).toBe(OWN.original);
});

test("a kill line longer than the bound is cut", () => {
  const long = makeRecord(`Killed process 1 (a) ${"x".repeat(9000)}`);
  expect(quoteLines(long, [HEAD, long], 8192)).toBe(long.original.slice(0, 8192));
});

test("names are decoded as UTF-8, broken ones leniently", () => {
  const line = makeRecord(`Killed process 1 (${encodeBytes("中")}\xff)`);
  expect(quoteLines(line, [HEAD, line, TRACE], 8192).split("\n")[1]).toBe("Killed process 1 (中\ufffd)");
});

const captures = ["v1-6.18", "v2-6.1", "v2-6.12", "generated"].flatMap((folder) =>
  readdirSync(new URL(`../../captures/${folder}`, import.meta.url))
    .filter((name) => name.endsWith(".kmsg"))
    .map((name) => `${folder}/${name}`),
);

describe.each([300, 2000, 8192])("in real captures, within %i bytes", (limit) => {
  test.each(captures)("%s", (capture) => {
    const { reports, text } = readReports(capture);
    const input = new Set(text.split("\n"));
    for (const report of reports) {
      for (const { record } of report.victims) {
        const quoted = encodeBytes(quoteLines(record, report.records, limit));
        expect(quoted.length).toBeLessThanOrEqual(Math.max(limit, record.original.length));
        const lines = quoted.split("\n");
        expect(lines).toContain(record.original);
        for (const line of lines) expect(input).toContain(line);
        const places = lines.map((line) => report.records.findIndex((kept) => kept.original === line));
        expect(places).toEqual(places.toSorted((a, b) => a - b));
      }
    }
  });
});

test("the captures hold kills", () => {
  expect(captures.flatMap((capture) => readReports(capture).reports).length).toBeGreaterThan(100);
});
