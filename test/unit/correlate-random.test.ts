/** Random interleavings of lines, looks, removals, losses and restarts: no kill lost, none doubled, none misplaced. */
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import type { Kill } from "../../src/correlate/kill.ts";
import { type Outcome, type Plan, runNode } from "../node-model.ts";

vi.setConfig({ testTimeout: 120_000 });

const kill = fc.record({
  afterMs: fc.oneof(
    fc.integer({ min: 0, max: 3 }),
    fc.integer({ min: 4, max: 80 }),
    fc.integer({ min: 100, max: 3000 }),
  ),
  container: fc.integer({ min: 1, max: 4 }),
  hasReport: fc.boolean(),
  lost: fc.constant(false),
  removes: fc.constant(false),
  procMs: fc.constantFrom(0, 0, 0, 1, 50),
  isSeen: fc.constantFrom(false, false, true),
});
const looks = fc.array(
  fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 1, max: 20 }) }, fc.integer({ min: 20, max: 700 })),
  {
    minLength: 10,
    maxLength: 300,
  },
);
const plan = fc.record({
  version: fc.constantFrom<Plan["version"]>("v1", "v2"),
  kills: fc.array(kill, { minLength: 1, maxLength: 40 }),
  looks,
  restarts: fc.constant<number[]>([]),
  group: fc.constant<Plan["group"]>(undefined),
});

const sometimes = fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true));

/** The right cgroup, or the pod of a container that was gone before it was read. */
function expectPlace({ victimCgroup = "", attribution, identity }: Kill, cgroup: string): void {
  expect(attribution).not.toBe("unknown");
  if (identity?.kind === "container" || attribution === "exact") expect(victimCgroup).toBe(cgroup);
  else expect(cgroup.startsWith(`${victimCgroup}/`)).toBe(true);
}

/** Each kill whose line could be read is told once, and where a cgroup is told, it is the right one. */
function expectLogged({ kills, told }: Outcome): void {
  const byPid = new Map(kills.map((one) => [one.pid, one]));
  const pids = told.flatMap((one) => (one.kind === "logged" ? one.kill.victim.pid : []));
  expect(pids.toSorted()).toEqual(
    kills
      .filter((one) => !one.lost)
      .map((one) => one.pid)
      .toSorted(),
  );
  for (const one of told) {
    if (one.kind !== "logged" || one.kill.victimCgroup === undefined) continue;
    expectPlace(one.kill, byPid.get(one.kill.victim.pid)?.cgroup ?? "");
  }
}

/** As many kills are told as the kernel made. */
function expectCount({ kills, told }: Outcome): void {
  expect(told.length).toBe(kills.length);
}

const RUNS = { numRuns: 1000 };

describe("the agent runs all the time", () => {
  test("every line is read", () => {
    fc.assert(
      fc.property(plan, (one) => {
        const outcome = runNode(one);
        expectLogged(outcome);
        expectCount(outcome);
        expect(outcome.told.every(({ kind }) => kind === "logged")).toBe(true);
      }),
      RUNS,
    );
  });

  test("lines are lost: the counters tell those kills", () => {
    const lossy = plan.chain((one) =>
      fc.array(sometimes, { minLength: one.kills.length, maxLength: one.kills.length }).map((lost) => ({
        ...one,
        kills: one.kills.map((each, index) => ({ ...each, lost: lost[index] ?? false })),
      })),
    );
    fc.assert(
      fc.property(lossy, (one) => {
        const outcome = runNode(one);
        expectLogged(outcome);
        expectCount(outcome);
        for (const told of outcome.told) {
          if (told.kind !== "unlogged" || told.kill.attribution !== "exact") continue;
          const here = outcome.kills.filter((each) => each.cgroup === told.kill.victimCgroup);
          expect(here.length).toBeGreaterThan(0);
        }
      }),
      RUNS,
    );
  });

  test("containers are removed at once", () => {
    const removing = plan.chain((one) =>
      fc.array(sometimes, { minLength: one.kills.length, maxLength: one.kills.length }).map((removes) => ({
        ...one,
        kills: one.kills.map((each, index) => ({ ...each, removes: removes[index] ?? false })),
      })),
    );
    fc.assert(
      fc.property(removing, (one) => {
        const outcome = runNode(one);
        expectLogged(outcome);
        expectCount(outcome);
      }),
      RUNS,
    );
  });

  test("a whole cgroup is killed: its first victim is counted twice and told once", () => {
    const grouped = fc.tuple(plan, fc.nat(), fc.integer({ min: 1, max: 4 })).map(([one, at, members]) => ({
      ...one,
      group: { at: at % one.kills.length, members },
    }));
    fc.assert(
      fc.property(grouped, (one) => {
        const outcome = runNode(one);
        expectLogged(outcome);
        expectCount(outcome);
      }),
      RUNS,
    );
  });
});

test("a whole cgroup is killed and removed at once, and its container with it", () => {
  const removed = fc
    .tuple(plan, fc.nat(), fc.integer({ min: 1, max: 4 }), fc.boolean())
    .map(([one, at, members, lost]) => ({
      ...one,
      version: "v2" as const,
      group: { at: at % one.kills.length, members },
      kills: one.kills.map((each, index) =>
        index === at % one.kills.length ? { ...each, removes: true, lost } : each,
      ),
    }));
  fc.assert(
    fc.property(removed, (one) => {
      const outcome = runNode(one);
      expectLogged(outcome);
      expectCount(outcome);
    }),
    RUNS,
  );
});

describe("the agent is killed and started again", () => {
  test("nothing is told twice by another name, nothing is left out", () => {
    const restarting = fc
      .tuple(plan, fc.array(fc.nat({ max: 60 }), { minLength: 1, maxLength: 4 }))
      .map(([one, restarts]) => ({
        ...one,
        restarts,
      }));
    fc.assert(
      fc.property(restarting, (one) => {
        const outcome = runNode(one);
        const pids = outcome.told.flatMap((told) => (told.kind === "logged" ? told.kill.victim.pid : []));
        expect([...new Set(pids)].toSorted()).toEqual(outcome.kills.map(({ pid }) => pid).toSorted());
        expect(outcome.told.filter(({ kind }) => kind === "unlogged")).toEqual([]);
        const byPid = new Map(outcome.kills.map((each) => [each.pid, each.cgroup]));
        for (const told of outcome.told) {
          if (told.kind === "logged" && told.kill.victimCgroup !== undefined) {
            expectPlace(told.kill, byPid.get(told.kill.victim.pid) ?? "");
          }
        }
      }),
      RUNS,
    );
  });
});
