/** Kills printed about when counting began: they may have been counted before, and must not take another's count. */
import { expect, test } from "vitest";
import { type Correlator, type CorrelatorState, createCorrelator } from "../../../src/correlate/correlator.ts";
import type { Window } from "../../../src/correlate/matching.ts";
import { makeRecord } from "../../kills.ts";

const BEFORE = "/kubepods/before";
const AFTER = "/kubepods/after";
const START_MS = 1000;

function count(correlator: Correlator, cgroup: string, oomKill: number, atMs: number, isNew = false): void {
  correlator.counter({ cgroup, atMs, local: { oomKill }, why: "found", fromZero: isNew });
}

/** A kill line of which the kernel prints no more. */
function print(correlator: Correlator, pid: number, seq: number, window: Window): void {
  const record = { ...makeRecord(`Memory cgroup out of memory: Killed process ${pid} (x)`), seq };
  const victim = { pid, comm: "x", groupKill: false, truncated: false, record };
  const report = { victims: [victim], missing: [], records: [record] };
  correlator.report({ ...report, constraint: "memcg", outcome: "killed" }, () => window);
}

function tellUntil(correlator: Correlator, fromMs: number, untilMs: number): unknown[] {
  const all = [];
  for (let nowMs = fromMs; nowMs <= untilMs; nowMs += 50) all.push(...correlator.tick(nowMs));
  return all.map((one) =>
    one.kind === "logged"
      ? [one.kill.victim.pid, one.kill.victimCgroup, one.kill.attribution]
      : ["counter", one.kill.victimCgroup],
  );
}

/** The log is read from before the start: a line's stamp is right to 200 ms. */
const around = (atMs: number): Window => ({ afterMs: atMs - 200, untilMs: atMs + 200 });

function begin(): Correlator {
  const correlator = createCorrelator({ startMs: START_MS, hasCounters: true });
  count(correlator, BEFORE, 1, START_MS + 10);
  correlator.allRead(START_MS + 10);
  return correlator;
}

test("one that was counted before the start is in no container that was counted after it", () => {
  const correlator = begin();
  print(correlator, 7, 1, around(START_MS - 100));
  count(correlator, AFTER, 1, START_MS + 310, true);
  print(correlator, 8, 2, around(START_MS + 300));
  expect(tellUntil(correlator, START_MS + 350, START_MS + 10_000)).toEqual([
    [8, AFTER, "inferred"],
    [7, undefined, "unknown"],
  ]);
});

test("alone with a count it may be that one's, and is told once and nowhere", () => {
  const correlator = begin();
  print(correlator, 7, 1, around(START_MS - 100));
  count(correlator, AFTER, 1, START_MS + 90, true);
  expect(tellUntil(correlator, START_MS + 100, START_MS + 10_000)).toEqual([[7, undefined, "unknown"]]);
});

test("the next run knows it as well, which reads the line again", () => {
  const first = begin();
  print(first, 7, 1, around(START_MS - 100));
  const state: CorrelatorState = structuredClone(first.state(0, START_MS + 50));
  const second = createCorrelator({ startMs: START_MS + 2000, restored: state, hasCounters: true });
  count(second, BEFORE, 1, START_MS + 2010);
  count(second, AFTER, 1, START_MS + 2010);
  second.allRead(START_MS + 2010);
  print(second, 7, 1, around(START_MS - 100));
  print(second, 8, 2, around(START_MS + 300));
  expect(tellUntil(second, START_MS + 2050, START_MS + 12_000)).toEqual([
    [7, undefined, "unknown"],
    [8, AFTER, "inferred"],
  ]);
});

test("what was printed well after the start has its count", () => {
  const correlator = begin();
  count(correlator, AFTER, 1, START_MS + 590, true);
  print(correlator, 8, 1, around(START_MS + 580));
  expect(tellUntil(correlator, START_MS + 600, START_MS + 10_000)).toEqual([[8, AFTER, "inferred"]]);
});
