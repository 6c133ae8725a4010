/** Wall times of kernel records: both offsets against clocks whose truth the test knows. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createKernelClock, createPrintkLag, createRealtimeOffset } from "../../../src/sources/clock.ts";

const EPOCH_US = 1_795_516_736_455_180;

/** A reading of both clocks, the wall clock in the middle of it. */
function readingAt(monotonicUs: number, offsetUs: number, lastsUs = 0.2) {
  return {
    beforeUs: monotonicUs - lastsUs / 2,
    realtimeMs: Math.floor((monotonicUs + offsetUs) / 1000),
    afterUs: monotonicUs + lastsUs / 2,
  };
}

describe("CLOCK_REALTIME − CLOCK_MONOTONIC", () => {
  const anOffset = fc.integer({ min: 0, max: 2e15 });
  const someTimes = fc.array(fc.integer({ min: 1e6, max: 1e13 }), { minLength: 1, maxLength: 200 });

  test("one reading: half a millisecond", () => {
    const offset = createRealtimeOffset();
    expect(offset.add(readingAt(1e9, EPOCH_US))).toBe(true);
    expect(offset.errorUs).toBeCloseTo(500, 0);
    expect(Math.abs(offset.offsetUs - EPOCH_US)).toBeLessThanOrEqual(offset.errorUs);
  });

  test("is never wrong by more than it says, and only gets better", () => {
    fc.assert(
      fc.property(anOffset, someTimes, (offsetUs, times) => {
        const offset = createRealtimeOffset();
        let errorUs = Number.POSITIVE_INFINITY;
        for (const [index, time] of times.sort((a, b) => a - b).entries()) {
          expect(offset.add(readingAt(time, offsetUs))).toBe(index === 0);
          expect(offset.errorUs).toBeLessThanOrEqual(errorUs + 0.5);
          errorUs = offset.errorUs;
          expect(Math.abs(offset.offsetUs - offsetUs)).toBeLessThanOrEqual(errorUs + 0.5);
        }
      }),
    );
  });

  test("a hundred readings, twenty a second: some ten microseconds", () => {
    const offset = createRealtimeOffset();
    for (let index = 0; index < 100; index++) offset.add(readingAt(1e9 + index * 50_013.7, EPOCH_US));
    expect(offset.errorUs).toBeLessThan(20);
  });

  test("a reading that was interrupted says little, and does no harm", () => {
    const offset = createRealtimeOffset();
    for (let index = 0; index < 100; index++) offset.add(readingAt(1e9 + index * 50_013.7, EPOCH_US));
    const errorUs = offset.errorUs;
    expect(offset.add(readingAt(2e9, EPOCH_US, 3_000_000))).toBe(false);
    expect(offset.errorUs).toBe(errorUs);
  });

  test.each([3_600_000_000, -3_600_000_000, 2000, -2000])("a step of %i µs is noticed by the next reading", (step) => {
    const offset = createRealtimeOffset();
    for (let index = 0; index < 100; index++) offset.add(readingAt(1e9 + index * 50_013.7, EPOCH_US));
    expect(offset.add(readingAt(2e9, EPOCH_US + step))).toBe(true);
    expect(Math.abs(offset.offsetUs - EPOCH_US - step)).toBeLessThan(501);
  });

  test.each([300, -300])("a step of %i µs is noticed by one of the next", (step) => {
    const offset = createRealtimeOffset();
    for (let index = 0; index < 200; index++) {
      offset.add(readingAt(1e9 + index * 50_013.7, EPOCH_US + (index < 100 ? 0 : step)));
    }
    expect(Math.abs(offset.offsetUs - EPOCH_US - step)).toBeLessThan(50);
  });
});

describe("CLOCK_MONOTONIC − printk's clock", () => {
  const POLL_US = 50_000;

  test("where the clocks agree nothing is moved", () => {
    const lag = createPrintkLag();
    lag.add({ emptyAtUs: 1_000_000, readAtUs: 1_050_000, newestStampUs: 1_030_000, count: 5 });
    expect(lag.lagUs).toBe(0);
  });

  test("old records tell nothing but that they are old", () => {
    const lag = createPrintkLag();
    lag.add({ emptyAtUs: undefined, readAtUs: 9e9, newestStampUs: 1e9, count: 5000 });
    expect(lag.lagUs).toBe(0);
  });

  test("a clock that is ahead is seen by the first record that is read", () => {
    const lag = createPrintkLag();
    lag.add({ emptyAtUs: undefined, readAtUs: 1e9, newestStampUs: 1e9 + 5e6, count: 1 });
    expect(lag.lagUs).toBe(-5e6);
  });

  test("any lag is found by the first report that is read as it is printed, to the time between two looks", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -1e9, max: 1e9 }),
        fc.integer({ min: 0, max: POLL_US }),
        fc.integer({ min: 2, max: 300 }),
        (lagUs, afterUs, count) => {
          const lag = createPrintkLag();
          const emptyAtUs = 5e9;
          const newestStampUs = emptyAtUs + afterUs - lagUs;
          lag.add({ emptyAtUs, readAtUs: emptyAtUs + POLL_US, newestStampUs, count });
          expect(Math.abs(lag.lagUs - lagUs)).toBeLessThanOrEqual(POLL_US + 2000);
        },
      ),
    );
  });

  test("drift is followed for weeks", () => {
    fc.assert(
      fc.property(fc.double({ min: -100e-6, max: 100e-6, noNaN: true }), (drift) => {
        const lag = createPrintkLag();
        for (let hour = 1; hour < 24 * 60; hour++) {
          const printedUs = hour * 3.6e9;
          const newestStampUs = printedUs * (1 - drift);
          const emptyAtUs = printedUs - ((hour * 7919) % POLL_US);
          lag.add({ emptyAtUs, readAtUs: emptyAtUs + POLL_US, newestStampUs, count: 40 });
          // An hour's drift may come before it is seen.
          expect(Math.abs(lag.lagUs - printedUs * drift)).toBeLessThanOrEqual(POLL_US + 2000);
        }
      }),
      { numRuns: 20 },
    );
  });

  test("a line that its driver ended late, and that shows up alone, is not believed", () => {
    const lag = createPrintkLag();
    lag.add({ emptyAtUs: 60e6, readAtUs: 60e6 + POLL_US, newestStampUs: 50e6, count: 1 });
    expect(lag.lagUs).toBe(0);
  });
});

describe("the clock", () => {
  function createWorld() {
    const world = { nowUs: 1e9, offsetUs: EPOCH_US, asked: 0 };
    const clock = createKernelClock({
      monotonicUs() {
        world.asked++;
        world.nowUs += 0.2;
        return world.nowUs;
      },
      realtimeMs: () => Math.floor((world.nowUs + world.offsetUs) / 1000),
    });
    return { world, clock };
  }

  test("knows microseconds from the start", () => {
    const { world, clock } = createWorld();
    expect(clock.realtimeErrorUs).toBeLessThanOrEqual(20);
    expect(Math.abs(clock.toRealtimeUs(world.nowUs) - (world.nowUs + world.offsetUs))).toBeLessThanOrEqual(21);
    expect(world.nowUs - 1e9).toBeLessThanOrEqual(2001);
  });

  test("measures with one look where nothing has changed, and anew after a step", () => {
    const { world, clock } = createWorld();
    world.asked = 0;
    clock.measure();
    expect(world.asked).toBe(2);
    world.offsetUs += 3600e6;
    clock.measure();
    expect(clock.realtimeErrorUs).toBeLessThanOrEqual(20);
    expect(Math.abs(clock.toRealtimeUs(5e9) - (5e9 + world.offsetUs))).toBeLessThanOrEqual(21);
  });

  test("a record's stamp → monotonic → wall time, whole microseconds", () => {
    const { world, clock } = createWorld();
    const stampUs = world.nowUs - 5e6;
    clock.observe({ emptyAtUs: world.nowUs - 10_000, readAtUs: world.nowUs, newestStampUs: stampUs, count: 2 });
    const wallUs = clock.toRealtimeUs(clock.toMonotonicUs(stampUs));
    expect(Number.isInteger(wallUs)).toBe(true);
    expect(Math.abs(wallUs - (world.nowUs + world.offsetUs))).toBeLessThan(12_100);
    expect(clock.printkLagUs).toBeCloseTo(5e6 - 12_000, 0);
  });
});
