/** How long a record has waited: by the node's uptime, over restarts and reboots, whatever the wall clock does. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type AgeClockState, createAgeClock } from "../../../src/outbox/age-clock.ts";
import { createUptimeClock } from "../../../src/sources/clock.ts";

/** A run of the agent that begins and ends at these uptimes. */
function run(bootId: string | undefined, fromMs: number, untilMs: number, restored?: AgeClockState): AgeClockState {
  let upMs = fromMs;
  const clock = createAgeClock({ bootId, upMs: () => upMs, restored });
  upMs = untilMs;
  return clock.state();
}

test("begins at 0 and goes with the uptime", () => {
  expect(run("a", 50_000, 53_000)).toEqual({ bootId: "a", upMs: 53_000, atMs: 3000 });
});

test("in the same boot, the time between two runs counts", () => {
  const first = run("a", 50_000, 53_000);
  expect(run("a", 60_000, 61_000, first).atMs).toBe(11_000);
});

test("in another boot, the time since it began counts, the time between the boots does not", () => {
  const first = run("a", 50_000, 53_000);
  expect(run("b", 20_000, 21_000, first).atMs).toBe(3000 + 21_000);
});

test("where the boot is not known, the runs alone count", () => {
  const first = run(undefined, 50_000, 53_000);
  expect(run(undefined, 900_000, 901_000, first).atMs).toBe(4000);
});

test("an uptime that is behind what was saved, in the same boot: it goes on, and not back", () => {
  const first = run("a", 50_000, 53_000);
  expect(run("a", 10_000, 11_000, first).atMs).toBe(4000);
});

test.each([
  { bootId: "a", upMs: 1, atMs: 9e15 },
  { bootId: "a", upMs: 9e15, atMs: 1 },
  { bootId: "a", upMs: -5, atMs: 1 },
  { bootId: "a", upMs: 1, atMs: -9e15 },
])("a state that is damaged (%j): it begins anew, so that nothing is too old", (damaged) => {
  expect(run("a", 50_000, 53_000, damaged).atMs).toBe(3000);
});

test("never goes back, and never by more than the node was up", () => {
  const boots = fc.array(fc.record({ isReboot: fc.boolean(), offMs: fc.nat(1e6), runMs: fc.nat(1e6) }), {
    maxLength: 8,
  });
  fc.assert(
    fc.property(boots, (runs) => {
      let saved: AgeClockState | undefined;
      let boot = 0;
      let upMs = 0;
      let totalUpMs = 0;
      for (const { isReboot, offMs, runMs } of runs) {
        if (isReboot) boot++;
        const fromMs = isReboot ? offMs : upMs + offMs;
        totalUpMs += offMs + runMs;
        const before: number = saved?.atMs ?? 0;
        upMs = fromMs + runMs;
        saved = run(String(boot), fromMs, upMs, saved);
        expect(saved.atMs).toBeGreaterThanOrEqual(before + runMs);
        expect(saved.atMs).toBeLessThanOrEqual(totalUpMs);
      }
    }),
  );
});

test("CLOCK_BOOTTIME: a time in which the node was suspended counts, from the next look at /proc/uptime on", () => {
  let monotonic = 5000;
  let uptime: string | undefined = "105.50 400.00\n";
  let reads = 0;
  const upMs = createUptimeClock(
    () => {
      reads++;
      return uptime;
    },
    () => monotonic,
  );
  expect(upMs()).toBe(105_500);
  monotonic += 9000;
  uptime = "3714.50 1.00\n";
  expect([upMs(), reads]).toEqual([114_500, 1]);
  monotonic += 1000;
  expect([upMs(), reads]).toEqual([3_714_500, 2]);
  uptime = undefined;
  monotonic += 10_000;
  expect(upMs()).toBe(3_724_500);
});

test("CLOCK_BOOTTIME of this node is what /proc/uptime says", () => {
  const before = Number.parseFloat(readFileSync("/proc/uptime", "utf8"));
  const upMs = createUptimeClock()();
  const after = Number.parseFloat(readFileSync("/proc/uptime", "utf8"));
  expect(upMs).toBeGreaterThanOrEqual(before * 1000);
  expect(upMs).toBeLessThan((after + 0.02) * 1000);
});
