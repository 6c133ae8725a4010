/** What is kept of removed cgroups: so long, so many. */
import { expect, test } from "vitest";
import { createLedger } from "../../src/correlate/ledger.ts";
import { createRecentlyRemoved } from "../../src/correlate/recently-removed.ts";
import { createStepCounter } from "../../src/correlate/step-counter.ts";
import type { CounterReading } from "../../src/sources/cgroup-counters.ts";

test("until its time is up, or as many have gone after it", () => {
  const removed = createRecentlyRemoved<number>({ keptMs: 100, max: 2 });
  removed.add("/a", 1, 0);
  removed.add("/b", 2, 50);
  removed.prune(99);
  expect(removed.get("/a")).toBe(1);
  removed.prune(100);
  expect(["/a", "/b"].map(removed.has)).toEqual([false, true]);
  removed.add("/c", 3, 60);
  removed.add("/b", 4, 70);
  removed.add("/d", 5, 80);
  expect(["/b", "/c", "/d"].map(removed.get)).toEqual([4, undefined, 5]);
  removed.delete("/d");
  expect(removed.has("/d")).toBe(false);
});

function read(cgroup: string, atMs: number, why: CounterReading["why"], own: number, tree = own): CounterReading {
  return { cgroup, atMs, why, fromZero: true, local: { oomKill: own }, tree: { oomKill: tree } };
}

test("a kill that is told after its cgroup is gone takes no step of another cgroup of that name", () => {
  const ledger = createLedger(0, undefined);
  ledger.read(read("/unit", 10, "found", 0));
  ledger.read(read("/unit", 20, "removed", 0));
  ledger.owe("/unit", 15);
  ledger.read(read("/unit", 30, "found", 1));
  expect(ledger.open.map(({ cgroup }) => cgroup)).toEqual(["/unit"]);
});

test("what a removed cgroup has counted, and nothing below it shows, is told where it was", () => {
  const steps: string[] = [];
  const counter = createStepCounter({
    startMs: 0,
    restored: undefined,
    pick: ({ oomKill }) => oomKill,
    onStep: ({ cgroup, of }) => steps.push(`${of} ${cgroup}`),
  });
  for (const cgroup of ["/a", "/a/b"]) counter.read(read(cgroup, 10, "found", 0));
  counter.read(read("/a/b", 20, "removed", 0, 1));
  counter.read(read("/a", 20, "changed", 0, 1));
  counter.settle(20);
  counter.settle(2000);
  counter.settle(5000);
  expect(steps).toEqual(["below /a/b"]);
  expect(counter.state(5000).cgroups).toEqual({ "/a": [0, 1] });
});
