/** The counters of memory cgroups as every kernel's files have them. */
import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type MemoryCounters,
  parseMemoryCounters,
  parseNodeOomKills,
} from "../../../../parsers/cgroup/memory-events.ts";

test.each<[string, string, MemoryCounters]>([
  [
    "v2, 6.1",
    "low 0\nhigh 3\nmax 82\noom 3\noom_kill 4\noom_group_kill 1\n",
    { low: 0, high: 3, max: 82, oom: 3, oomKill: 4, oomGroupKill: 1 },
  ],
  ["v2, 4.14", "low 0\nhigh 0\nmax 0\noom 0\noom_kill 1\n", { low: 0, high: 0, max: 0, oom: 0, oomKill: 1 }],
  ["v2, keys to come", "max 1\nsock_throttled 7\noom_kill 2\nlater x\n", { max: 1, oomKill: 2 }],
  [
    "v1, 6.18",
    "oom_kill_disable 1\nunder_oom 1\noom_kill 12\n",
    { oomKillDisabled: true, underOom: true, oomKill: 12 },
  ],
  ["v1, 3.10", "oom_kill_disable 0\nunder_oom 0\n", { oomKillDisabled: false, underOom: false }],
  ["without its last newline", "oom 1\noom_kill 23", { oom: 1, oomKill: 23 }],
  ["empty", "", {}],
  ["no such lines", "\n \noom\noom \noom_kill -1\noom_kill 1x\n", {}],
])("%s", (_, text, expected) => {
  expect(parseMemoryCounters(text)).toEqual(expected);
});

test("a count beyond 32 bits", () => {
  expect(parseMemoryCounters("max 9007199254740991\n")).toEqual({ max: Number.MAX_SAFE_INTEGER });
});

test("any text is read, without an error", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => void parseMemoryCounters(text)));
});

test("any counters come out as they went in, with anything between", () => {
  const count = fc.option(fc.nat(), { nil: undefined });
  fc.assert(
    fc.property(count, count, fc.constantFrom("", "pages 4\n", "\n"), (oom, oomKill, noise) => {
      const text = `${noise}${oom === undefined ? "" : `oom ${oom}\n`}${noise}${oomKill === undefined ? "" : `oom_kill ${oomKill}\n`}`;
      expect({ oom: undefined, oomKill: undefined, ...parseMemoryCounters(text) }).toEqual({ oom, oomKill });
    }),
  );
});

describe("real kernels' files", () => {
  const captures = new URL("../../../captures/", import.meta.url);
  const files = ["v2-6.1/", "v2-6.12/"].flatMap((folder) =>
    readdirSync(new URL(folder, captures))
      .filter((name) => name.endsWith(".events.json"))
      .map((name) => folder + name),
  );

  test.each(files)("%s", (file) => {
    const all = JSON.parse(readFileSync(new URL(file, captures), "utf8")) as Record<string, Record<string, number>>;
    for (const counters of Object.values(all)) {
      const text = Object.entries(counters).map(([key, value]) => `${key} ${value}\n`);
      const { low, high, max, oom, oom_kill: oomKill, oom_group_kill: oomGroupKill } = counters;
      expect(parseMemoryCounters(text.join(""))).toEqual({ low, high, max, oom, oomKill, oomGroupKill });
    }
  });
});

test.each([
  ["nr_free_pages 1\noom_kill 17\nnuma_hit 2\n", 17],
  ["nr_free_pages 1\ndrop_slab 0\noom_kill 0", 0],
  ["nr_free_pages 1\n", undefined],
  ["no_oom_kill 3\n", undefined],
  ["", undefined],
])("the node's count in %j", (vmstat, expected) => {
  expect(parseNodeOomKills(vmstat)).toBe(expected);
});
