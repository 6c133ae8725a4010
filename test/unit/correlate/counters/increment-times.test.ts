/** When a cgroup's step was made, by the increments of the node's count: examples, and against every way to assign them. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { timeSteps } from "../../../../src/correlate/counters/increment-times.ts";
import { meets, type Window } from "../../../../src/correlate/matching.ts";

const at = (afterMs: number, untilMs: number): Window => ({ afterMs, untilMs });

test("a wide step is the one increment that is there", () => {
  const step = at(0, 100);
  const { windowOf, hidden } = timeSteps([step], [at(40, 60)]);
  expect([windowOf(step), hidden]).toEqual([at(40, 60), []]);
});

test("an increment that another step needs is not its own", () => {
  const wide = at(0, 100);
  const early = at(10, 30);
  const { windowOf } = timeSteps([wide, early], [at(10, 20), at(50, 60)]);
  expect([windowOf(wide), windowOf(early)]).toEqual([at(50, 60), at(10, 20)]);
});

test("two that can change places have both windows", () => {
  const one = at(0, 100);
  const other = at(0, 100);
  const { windowOf } = timeSteps([one, other], [at(10, 20), at(50, 60)]);
  expect([windowOf(one), windowOf(other)]).toEqual([at(10, 60), at(10, 60)]);
});

test("what no step is was at the time of any that can be left over in its place", () => {
  const step = at(0, 100);
  const { hidden } = timeSteps([step], [at(10, 20), at(50, 60), at(200, 210)]);
  expect(hidden).toEqual([at(10, 60), at(200, 210)]);
});

test("without increments a step has its own window", () => {
  const step = at(0, 100);
  const { windowOf, hidden } = timeSteps([step], []);
  expect([windowOf(step), hidden]).toEqual([at(0, 100), []]);
});

test("each step has the increments of every complete assignment, and no others", () => {
  const window = fc
    .tuple(fc.nat({ max: 12 }), fc.integer({ min: 1, max: 6 }))
    .map(([from, long]) => at(from, from + long));
  // Each step really is one of the increments: both hold the time of one kill.
  const pair = fc.tuple(window, fc.nat({ max: 3 }), fc.nat({ max: 3 }));
  fc.assert(
    fc.property(fc.array(pair, { minLength: 1, maxLength: 5 }), fc.array(window, { maxLength: 2 }), (pairs, more) => {
      const steps = pairs.map(([one, before, after]) => at(one.afterMs - before, one.untilMs + after));
      const increments = [...pairs.map(([one]) => one), ...more].toSorted((one, other) => one.afterMs - other.afterMs);
      const { windowOf, hidden } = timeSteps(steps, increments);
      expect(hidden.length).toBe(more.length);
      const possible = steps.map((): Window[] => []);
      for (const chosen of assignments(steps, increments)) {
        for (const [index, one] of chosen.entries()) possible[index]?.push(one);
      }
      for (const [index, step] of steps.entries()) {
        const all = possible[index] ?? [];
        expect(windowOf(step)).toEqual(
          at(
            Math.max(step.afterMs, Math.min(...all.map(({ afterMs }) => afterMs))),
            Math.min(step.untilMs, Math.max(...all.map(({ untilMs }) => untilMs))),
          ),
        );
      }
    }),
    { numRuns: 500 },
  );
});

/** Every way to give each step an increment of its own. */
function assignments(steps: readonly Window[], increments: readonly Window[]): Window[][] {
  const [step, ...rest] = steps;
  if (step === undefined) return [[]];
  return increments.flatMap((one, index) =>
    meets(one, step) ? assignments(rest, increments.toSpliced(index, 1)).map((others) => [one, ...others]) : [],
  );
}
