/** Random interleavings of lines, looks, removals, losses and restarts: no kill lost, none doubled, none misplaced. */
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import type { ToldKill } from "../../../src/correlate/correlator.ts";
import type { Kill } from "../../../src/correlate/kill.ts";
import type { Window } from "../../../src/correlate/matching.ts";
import { type Forgery, type KillPlan, type Outcome, type Plan, runNode } from "../../node-model.ts";

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

describe("kill lines are forged", () => {
  /** Somewhere among the kills. A report that is forged names a container in which nobody is killed. */
  const forgery = fc
    .record({
      afterKill: fc.nat({ max: 39 }),
      afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 3000 })),
      kind: fc.constantFrom<Forgery["kind"]>("line", "line", "proc", "report", "group"),
      container: fc.integer({ min: 1, max: 4 }),
    })
    .map((one) => ({ ...one, container: one.kind === "line" || one.kind === "proc" ? one.container : 5 }));

  const withForgeries = (one: Plan): fc.Arbitrary<Plan> =>
    fc.array(forgery, { minLength: 1, maxLength: 20 }).map((forgeries) => ({
      ...one,
      // Of what was printed about when counting began nothing can be said.
      kills: one.kills.map((each, index) => (index === 0 ? { ...each, afterMs: each.afterMs + 900 } : each)),
      forgeries: forgeries.map((each) => ({ ...each, afterKill: each.afterKill % one.kills.length })),
    }));

  const forgedPlan = plan.chain(withForgeries);

  const isConfirmed = ({ kill: { attribution } }: ToldKill): boolean => attribution !== "unverified";

  /** Each forged line is unverified, and says of no count that it is its own. */
  function expectForged({ told, forged }: Outcome): void {
    const lines = told.flatMap((one) => (one.kind === "logged" ? [one.kill] : []));
    const ofForged = lines.filter(({ victim }) => forged.includes(victim.pid));
    expect(ofForged.map(({ victim }) => victim.pid).toSorted()).toEqual(forged.toSorted());
    for (const { attribution, evidence, candidates } of ofForged) {
      expect({ attribution, candidates }).toEqual({ attribution: "unverified", candidates: undefined });
      expect(evidence).not.toContain("counter");
    }
  }

  /** Each real kill is in one record that is confirmed, in no cgroup more than were killed there. */
  function expectReal({ told, kills, forged }: Outcome): void {
    const confirmed = told.filter(isConfirmed);
    expect(confirmed.length).toBe(kills.length);
    const byPid = new Map(kills.map(({ pid, cgroup }) => [pid, cgroup]));
    const placed = new Map<string, number>();
    for (const one of confirmed) {
      const { victimCgroup } = one.kill;
      if (one.kind === "logged") {
        expect(forged).not.toContain(one.kill.victim.pid);
        if (victimCgroup !== undefined) expectPlace(one.kill, byPid.get(one.kill.victim.pid) ?? "");
      }
      if (victimCgroup !== undefined) placed.set(victimCgroup, (placed.get(victimCgroup) ?? 0) + 1);
    }
    for (const [cgroup, count] of placed) {
      const inIt = kills.filter((one) => one.cgroup === cgroup || one.cgroup.startsWith(`${cgroup}/`));
      expect(count).toBeLessThanOrEqual(inIt.length);
    }
  }

  /**
   * A kill that is read a while away from every forged line is reported as if there were none. A cgroup that is new may
   * have counted up to a second before it was found.
   */
  function expectUntouched({ told, forged, batches, kills }: Outcome, without: Outcome): void {
    const FOUND_MS = 1000;
    const describe = (all: readonly ToldKill[], pid: number): unknown =>
      all.flatMap((one) =>
        one.kind === "logged" && one.kill.victim.pid === pid
          ? [[one.kill.attribution, one.kill.victimCgroup, one.kill.candidates]]
          : [],
      );
    const withForged = batches.filter(({ pids }) => pids.some((pid) => forged.includes(pid)));
    const isNear = (one: Window): boolean =>
      withForged.some((other) => other.afterMs < one.untilMs && one.afterMs - FOUND_MS < other.untilMs);
    const apart = batches.filter((batch) => !isNear(batch)).flatMap(({ pids }) => pids);
    for (const { pid } of kills) {
      if (apart.includes(pid)) expect(describe(told, pid)).toEqual(describe(without.told, pid));
    }
  }

  test("among kills whose lines are all read", () => {
    fc.assert(
      fc.property(forgedPlan, (one) => {
        const outcome = runNode(one);
        expectForged(outcome);
        expectReal(outcome);
        const without = runNode({ ...one, forgeries: [] });
        expectUntouched(outcome, without);
      }),
      RUNS,
    );
  });

  test("beside a kill with a report the kill keeps its line, whoever is read with it", () => {
    const reported = forgedPlan.map((one) => ({
      ...one,
      kills: one.kills.map((each) => ({ ...each, hasReport: true })),
    }));
    fc.assert(
      fc.property(reported, (one) => {
        const outcome = runNode(one);
        expectForged(outcome);
        for (const { pid, cgroup } of outcome.kills) {
          const own = outcome.told.flatMap((told) =>
            told.kind === "logged" && told.kill.victim.pid === pid ? [told.kill] : [],
          );
          expect(own.map(({ victimCgroup, attribution }) => [victimCgroup, attribution])).toEqual([[cgroup, "exact"]]);
        }
      }),
      RUNS,
    );
  });

  test("among containers that are removed at once", () => {
    // A container's ID is never used again: its cgroup does not come back.
    const removed = (each: KillPlan, index: number): KillPlan =>
      index % 3 === 0 ? { ...each, removes: true, container: 10 + index } : each;
    const removing = plan.map((one) => ({ ...one, kills: one.kills.map(removed) })).chain(withForgeries);
    fc.assert(
      fc.property(removing, (one) => {
        const outcome = runNode(one);
        expectForged(outcome);
        expectReal(outcome);
      }),
      RUNS,
    );
  });

  test("beside a group kill that the kernel counts as one (5.17 and later)", () => {
    const grouped = fc
      .tuple(plan, fc.nat(), fc.integer({ min: 1, max: 4 }))
      .map(
        ([one, at, members]): Plan => ({
          ...one,
          version: "v2",
          group: { at: at % one.kills.length, members },
        }),
      )
      .chain(withForgeries);
    fc.assert(
      fc.property(grouped, (one) => {
        const outcome = runNode(one);
        expectForged(outcome);
        expectReal(outcome);
      }),
      RUNS,
    );
  });

  test("over restarts none of them is confirmed by another kill's count", () => {
    const restarting = fc
      .tuple(forgedPlan, fc.array(fc.nat({ max: 60 }), { minLength: 1, maxLength: 4 }))
      .map(([one, restarts]) => ({
        ...one,
        restarts,
      }));
    fc.assert(
      fc.property(restarting, (one) => {
        const { told, forged, kills } = runNode(one);
        const confirmed = told.filter(isConfirmed);
        const pids = confirmed.flatMap((each) => (each.kind === "logged" ? [each.kill.victim.pid] : []));
        expect(pids.filter((pid) => forged.includes(pid))).toEqual([]);
        const unlogged = confirmed.filter(({ kind }) => kind === "unlogged").length;
        expect(new Set(pids).size + unlogged).toBe(kills.length);
      }),
      RUNS,
    );
  });
});
