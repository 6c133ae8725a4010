/** memory.stat and its neighbours, of both versions of cgroups. */
import { describe, expect, test } from "vitest";
import {
  heldOf,
  parseBytes,
  parseLimit,
  parseMemoryStat,
  parsePressure,
} from "../../../../parsers/cgroup/memory-stat.ts";

/** Linux 6.12, shortened; `anon_thp` and `file_mapped` begin like what is looked for. */
const V2 = `anon 50212864
file 8392704
kernel 1306624
kernel_stack 49152
pagetables 159744
percpu 0
sock 0
vmalloc 12288
shmem 4194304
file_mapped 77
anon_thp 33554432
inactive_anon 50000000
inactive_file 3145728
slab_reclaimable 500000
slab 1024000
`;
const V1 = `cache 4096
rss 8192
shmem 0
inactive_file 1
hierarchical_memory_limit 50331648
total_cache 8392704
total_rss 50212864
total_rss_huge 0
total_shmem 4194304
total_mapped_file 77
total_inactive_file 3145728
`;

test.each([
  ["v2", V2, { anon: 50_212_864, file: 4_198_400, shmem: 4_194_304, inactiveFile: 3_145_728, kernel: 1_306_624 }],
  ["v1: of what is below it too", V1, { anon: 50_212_864, file: 4_198_400, shmem: 4_194_304, inactiveFile: 3_145_728 }],
  ["v2 before 5.18: kernel memory in parts", V2.replace(/^kernel .*\n/m, ""), { kernel: 1_245_184 }],
  ["nothing", "", {}],
  ["v2 cut in a number is what it is", "anon 12", { anon: 12 }],
  ["no number", "anon x\nfile -1\n", {}],
])("%s", (name, text, parts) => {
  expect(parseMemoryStat(text, name.startsWith("v1") ? "v1" : "v2")).toMatchObject(parts);
  if (Object.keys(parts).length === 0) expect(parseMemoryStat(text, "v2")).toEqual({});
});

test.each([
  ["max\n", undefined],
  ["9223372036854771712\n", undefined],
  ["9223372036854710272\n", undefined],
  ["50331648\n", 50_331_648],
  ["0\n", 0],
  ["", undefined],
])("the limit %j is %s", (text, limit) => {
  expect(parseLimit(text)).toBe(limit);
});

test("a number alone", () => {
  expect(parseBytes("4096\n")).toBe(4096);
  expect(parseBytes("4096 1\n")).toBeUndefined();
});

test("PSI: some tasks waited", () => {
  const text = "some avg10=12.34 avg60=5.00 avg300=1.00 total=99\nfull avg10=1.00 avg60=0.00 avg300=0.00 total=9\n";
  expect(parsePressure(text)).toBe(12.34);
  expect(parsePressure("")).toBeUndefined();
});

describe("what is held", () => {
  test.each([
    [{ usage: 100, anon: 50, shmem: 10, kernel: 5, file: 35 }, 65],
    [{ usage: 100, anon: 50 }, 50],
    [{ usage: 100 }, 100],
    // Statistics may run ahead of the counter.
    [{ usage: 100, anon: 120 }, 100],
  ])("of %j is %i", (sample, held) => {
    expect(heldOf(sample)).toBe(held);
  });
});
