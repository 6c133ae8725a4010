/** What the last run saved may be anything: it is used where it is a state, reported where it is not, and never throws. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { type AgentState, readAgentState } from "../../src/agent-state.ts";
import type { Settings } from "../../src/config/schema.ts";
import { createContainerKillCounts } from "../../src/container-kill-counts.ts";
import type { CorrelatorState } from "../../src/correlate/correlator.ts";
import { isCorrelatorState } from "../../src/correlate/correlator-state.ts";
import { createKillCounts } from "../../src/kill-counts.ts";
import { createLive } from "../../src/live.ts";
import { openNames } from "../../src/names-of-node.ts";

const CGROUP = "/kubepods/burstable/pod2c48913c-b29f-11e7-9350-020968147796/app";
const window = { afterMs: 900.5, untilMs: 1000 };

/** One of everything that a state can hold. */
const correlator: CorrelatorState = {
  began: { fromMs: 1, untilMs: 2 },
  ledger: {
    counts: { savedMs: 1000, cgroups: { [CGROUP]: [3, 4], "/": [0, null] } },
    node: 7,
    open: [{ cgroup: CGROUP, ...window, of: "own", value: 3 }],
    owed: { [CGROUP]: [999.25] },
  },
  doubles: {
    counts: { savedMs: 1000, cgroups: { [CGROUP]: [1, 1] } },
    open: [{ cgroup: CGROUP, ...window, isGroup: true, isOptional: true, log: true, counter: false }],
  },
  unsettled: [{ ...window, cgroup: CGROUP, isGroup: true, isOptional: false }],
  told: [17],
  unwatched: ["/kubepods"],
};
const state: AgentState = {
  bootId: "0123456789abcdef0123456789abcdef",
  position: 42,
  correlator,
  pressure: { nodeUid: "u", isTrue: true, sinceMs: 5 },
  kills: [{ scope: "container", attribution: "exact", kills: 2 }],
  containerKills: [{ namespace: "n", pod: "p", container: "c", kills: 2 }],
};

function read(value: unknown): { state: AgentState | undefined; problems: string[] } {
  const problems: string[] = [];
  return { state: readAgentState(JSON.stringify(value), (problem) => problems.push(problem)), problems };
}

test("a state comes back as it was saved, also one without what is optional", () => {
  expect(read(state)).toEqual({ state, problems: [] });
  const { bootId, position: _, ...rest } = state;
  expect(read({ bootId, correlator: rest.correlator })).toMatchObject({ problems: [], state: { bootId, correlator } });
  expect(read({ ...state, position: -1 }).problems).toEqual([]);
});

test.each(["5", "null", "[]", "{", "", '"x"'])("%s is none", (json) => {
  const problems: string[] = [];
  expect(readAgentState(json, (problem) => problems.push(problem))).toBeUndefined();
  expect(problems).toEqual(["is not a JSON object"]);
});

test.each(["pressure", "kills", "containerKills"])("without a usable %s the rest is used", (name) => {
  const { [name as "kills"]: _, ...rest } = state;
  for (const bad of [7, [7], { isTrue: 1 }, "x"]) {
    expect(read({ ...state, [name]: bad })).toEqual({ state: rest, problems: [`${name} is not what the agent saves`] });
  }
});

describe("every part of the correlator's state is checked", () => {
  const paths = pathsOf(correlator);

  test("each of them, replaced by what it cannot be, makes the state unusable", () => {
    expect(paths.length).toBeGreaterThan(30);
    for (const path of paths) {
      for (const bad of [{ no: 1 }, [[]], -1.5e300]) {
        const value = replaced(correlator, path, bad);
        expect([path, isCorrelatorState(value)]).toEqual([path, false]);
      }
    }
  });

  test("counts that would be counted up to for years are none", () => {
    for (const bad of [-1, -1e15, 1.5, 2 ** 60]) {
      expect(isCorrelatorState(replaced(correlator, ["ledger", "counts", "cgroups", CGROUP, "0"], bad))).toBe(false);
      expect(isCorrelatorState(replaced(correlator, ["ledger", "node"], bad))).toBe(false);
    }
  });
});

describe("whatever was saved, the agent starts and reads", () => {
  const folder = mkdtempSync(join(tmpdir(), "oomscribe-state-"));
  const names = openNames({
    config: { settings: { "host-root": folder } as Settings },
    env: {},
    version: "1",
    events: { report: () => {}, counts: () => ({}) },
  });
  afterAll(() => {
    names.close();
    rmSync(folder, { recursive: true });
  });

  function start(restored: AgentState | undefined): void {
    let nowMs = 1000;
    createKillCounts(restored?.kills).list();
    createContainerKillCounts(restored?.containerKills).list();
    const live = createLive({
      context: { resource: {}, bootId: state.bootId },
      restored,
      now: () => nowMs,
      toWallUs: (atMs) => atMs * 1000,
      names,
      history: { of: () => undefined, lastOf: () => undefined, containersIn: () => [] },
      nearLimit: 0,
      hasCounters: true,
      readVictim: () => undefined,
      ownProcessOf: () => undefined,
      readSources: () => {},
      commit: (_, saved) => expect(isCorrelatorState(JSON.parse(JSON.stringify(saved.correlator)))).toBe(true),
    });
    for (const [cgroup, oomKill] of [
      ["/", 5],
      [CGROUP, 4],
    ] as const) {
      const counters = { oomKill, oomGroupKill: 2 };
      live.counter({ cgroup, atMs: nowMs, why: "found", fromZero: false, local: counters, tree: counters });
    }
    live.node({ oomKill: 9, atMs: nowMs });
    live.allRead(nowMs);
    const text = "Memory cgroup out of memory: Killed process 77 (java) total-vm:1kB, anon-rss:1kB, file-rss:0kB";
    live.record({ text, origin: "kernel", seq: 43, original: text }, nowMs);
    for (const endMs = nowMs + 8000; nowMs < endMs; nowMs += 500) live.tick(nowMs);
    live.flush();
  }

  const anyPath = fc.constantFrom(...pathsOf(state));
  const anyValue = fc.oneof(fc.jsonValue(), fc.integer(), fc.constantFrom(1e15, -1e15, 0, -1, "", null, [], {}));
  const mutated = fc
    .array(fc.tuple(anyPath, anyValue), { minLength: 1, maxLength: 3 })
    .map((changes) => changes.reduce<unknown>((value, [path, bad]) => replaced(value, path, bad), state));

  test("random JSON, and states with random JSON in them", () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), mutated, mutated), (value) => {
        start(read(value).state);
      }),
      { numRuns: 600 },
    );
  });
});

/** The way to every value within one, objects and lists included. */
function pathsOf(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [path];
  const own = Object.entries(value).flatMap(([key, one]) => pathsOf(one, [...path, key]));
  return path.length === 0 ? own : [path, ...own];
}

/** A copy with another value at the end of the way, where there is one. */
function replaced(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by;
  if (typeof value !== "object" || value === null) return value;
  const copy: Record<string, unknown> = Array.isArray(value) ? ([...value] as never) : { ...value };
  copy[key] = replaced(copy[key], rest, by);
  return copy;
}
