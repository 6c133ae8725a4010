/** Memory near its limit: told once when it passes the mark, with its speed, and as a record. */
import { describe, expect, test } from "vitest";
import { createNearLimitWatch, type NearLimit } from "../../../src/diagnose/near-limit.ts";
import { toNearLimitRecord } from "../../../src/record/events/near-limit.ts";
import type { MemorySample } from "../../../src/sources/memory-history/sample.ts";
import { CONTAINER_CGROUP } from "../../kills.ts";

const MIB = 1024 ** 2;
const LIMIT = 100 * MIB;
const MINUTE_S = 60;

/** Uses, in MiB, at times in seconds. */
function watch(
  percent: number,
  uses: readonly [second: number, used: number, more?: Partial<MemorySample>][],
): NearLimit[] {
  const nearLimit = createNearLimitWatch(percent);
  return uses.flatMap(([second, used, more]) => {
    const sample = { atMs: second * 1000, usage: used * MIB, anon: used * MIB, ...more };
    return nearLimit.see("/a", sample, LIMIT) ?? [];
  });
}

describe("when it is told", () => {
  test.each<[string, number, [number, number, Partial<MemorySample>?][], number[]]>([
    [
      "at the first sample from the mark on",
      90,
      [
        [0, 89],
        [1, 90],
        [2, 99],
      ],
      [1],
    ],
    [
      "at another mark",
      50,
      [
        [0, 49],
        [1, 51],
      ],
      [1],
    ],
    ["never where it is switched off", 0, [[0, 100]], []],
    ["not for page cache that is reclaimed first", 90, [[0, 100, { inactiveFile: 20 * MIB }]], []],
    [
      "not again around the mark",
      90,
      [
        [0, 91],
        [700, 85],
        [1400, 91],
      ],
      [0],
    ],
    [
      "not again within ten minutes",
      90,
      [
        [0, 91],
        [100, 20],
        [200, 91],
      ],
      [0],
    ],
    [
      "again after it has been well below, ten minutes later",
      90,
      [
        [0, 91],
        [100, 79],
        [10 * MINUTE_S, 91],
      ],
      [0, 600],
    ],
  ])("%s", (_, percent, uses, told) => {
    expect(watch(percent, uses).map(({ atMs }) => atMs / 1000)).toEqual(told);
  });

  test("nothing without a limit", () => {
    expect(createNearLimitWatch(90).see("/a", { atMs: 0, usage: LIMIT }, undefined)).toBeUndefined();
  });

  test("each cgroup for itself, and anew when it has gone and come again", () => {
    const nearLimit = createNearLimitWatch(90);
    const full = { atMs: 0, usage: LIMIT };
    expect(nearLimit.see("/a", full, LIMIT)).toBeDefined();
    expect(nearLimit.see("/b", full, LIMIT)).toBeDefined();
    expect(nearLimit.see("/a", full, LIMIT)).toBeUndefined();
    nearLimit.gone("/a");
    expect(nearLimit.see("/a", full, LIMIT)).toBeDefined();
  });
});

describe("how fast", () => {
  test("over the last minute alone", () => {
    const uses = Array.from({ length: 31 }, (_, step): [number, number] => [
      step * 10,
      step < 24 ? 30 : 30 + (step - 24) * 10,
    ]);
    const [near] = watch(90, uses);
    expect(near).toMatchObject({ atMs: 300_000, bytesPerSecond: MIB, secondsToLimit: 10 });
  });

  test("at a pace of more than a minute, since the sample before", () => {
    expect(
      watch(90, [
        [0, 31],
        [120, 91],
      ])[0],
    ).toMatchObject({ bytesPerSecond: MIB / 2, secondsToLimit: 18 });
  });

  test("unknown at first sight, and no time where it does not grow", () => {
    expect(watch(90, [[0, 95]])[0]).not.toHaveProperty("bytesPerSecond");
    const falling = watch(90, [
      [0, 89, { anon: 80 * MIB }],
      [30, 95, { anon: 70 * MIB }],
    ])[0];
    expect(falling?.bytesPerSecond).toBeLessThan(0);
    expect(falling).not.toHaveProperty("secondsToLimit");
  });
});

test("its record", () => {
  const near = {
    cgroup: CONTAINER_CGROUP,
    atMs: 5,
    workingSet: 91 * MIB,
    limit: LIMIT,
    percent: 91,
    bytesPerSecond: MIB,
    secondsToLimit: 9,
  };
  const record = toNearLimitRecord(
    near,
    { resource: { "host.name": "n1" }, bootId: "b" },
    undefined,
    1_767_225_600_000_000,
  );
  expect(record).toMatchObject({
    severityText: "WARN",
    eventName: "oom.near_limit",
    body: "container 7c1d0b9f3a5e of pod 1f3c9d1e-8b7a-4b55-9c1a-0d6f2f5e7a10 is near its memory limit: 91 MiB of 100 MiB, which it reaches in 9 s at its present speed",
    attributes: {
      "oom.near_limit.percent": 91,
      "oom.near_limit.time_to_limit": 9,
      "oom.near_limit.cgroup": CONTAINER_CGROUP,
    },
  });
  const uid = (one: NearLimit): unknown =>
    toNearLimitRecord(one, { resource: {} }, undefined, 1).attributes["log.record.uid"];
  expect(uid(near)).toBe(uid({ ...near, percent: 92 }));
  expect(uid(near)).not.toBe(uid({ ...near, atMs: 6 }));
});
