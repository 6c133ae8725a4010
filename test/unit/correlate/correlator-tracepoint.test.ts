/** Kills whose lines are lost: whose they are the tracepoint may say, but only where nobody else can be meant. */
import { expect, test } from "vitest";
import { type Correlator, createCorrelator } from "../../../src/correlate/correlator.ts";
import type { UnloggedKill } from "../../../src/correlate/kill.ts";

const A = "/kubepods/a";
const B = "/kubepods/b";

/** A node with two cgroups, of which nothing was seen from 1 s to `untilMs`. */
function stopped(untilMs: number): { correlator: Correlator; told(): UnloggedKill[] } {
  const correlator = createCorrelator({ startMs: 0, hasCounters: true });
  for (const cgroup of [A, B]) count(correlator, cgroup, 0, 100, "found");
  correlator.allRead(100);
  for (let nowMs = 100; nowMs <= 1000; nowMs += 50) correlator.tick(nowMs);
  return {
    correlator,
    told() {
      correlator.allRead(untilMs);
      const all = [];
      for (let nowMs = untilMs; nowMs <= untilMs + 10_000; nowMs += 50) all.push(...correlator.tick(nowMs));
      return all.flatMap((one) => (one.kind === "unlogged" ? one.kill : []));
    },
  };
}

function count(
  correlator: Correlator,
  cgroup: string,
  oomKill: number,
  atMs: number,
  why: "found" | "changed" = "changed",
): void {
  correlator.counter({ cgroup, atMs, local: { oomKill }, why, fromZero: false });
}

const mark = (correlator: Correlator, pid: number, atMs: number): void =>
  correlator.mark({ pid, comm: `p${pid}`, atUs: atMs * 1000 }, atMs);

const places = (kills: readonly UnloggedKill[]): unknown[] =>
  kills.map(({ victimCgroup, attribution, victim }) => [victimCgroup, attribution, victim?.pid]);

test("one kill and one mark", () => {
  const { correlator, told } = stopped(3000);
  mark(correlator, 7, 2000);
  count(correlator, A, 1, 3000);
  expect(places(told())).toEqual([[A, "exact", 7]]);
});

test.each([
  ["two kills and two marks: whose is whose nobody knows", [7, 8]],
  ["two kills, and only one of them was marked: it can be either", [8]],
])("%s", (_, marked) => {
  const { correlator, told } = stopped(3000);
  for (const pid of marked) mark(correlator, pid, 2000);
  count(correlator, A, 1, 3000);
  count(correlator, B, 1, 3000);
  expect(places(told())).toEqual([
    [A, "exact", undefined],
    [B, "exact", undefined],
  ]);
});

test("marks that are heard of late, as the agent was stopped, count as much", () => {
  const { correlator, told } = stopped(11_000);
  mark(correlator, 7, 1500);
  mark(correlator, 8, 9000);
  count(correlator, A, 1, 11_000);
  expect(places(told())).toEqual([[A, "exact", undefined]]);
});

test("two kills and two marks, one of which /proc has placed", () => {
  const { correlator, told } = stopped(3000);
  correlator.proc(8, { cgroup: B }, 2001);
  mark(correlator, 7, 2000);
  mark(correlator, 8, 2001);
  count(correlator, B, 1, 3000);
  expect(places(told())).toEqual([[B, "exact", 8]]);
});
