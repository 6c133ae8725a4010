/** src/live.ts: what a run leaves behind for the next one. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { Settings } from "../../src/config/schema.ts";
import { createLive, type Live, type LiveState } from "../../src/live.ts";
import { openNames } from "../../src/names-of-node.ts";
import type { LogRecord } from "../../src/ship/log-record.ts";

const CGROUP = "/kubepods/burstable/pod2c48913c-b29f-11e7-9350-020968147796/app";
const BOOT_ID = "0123456789abcdef0123456789abcdef";

const closes: (() => void)[] = [];

afterEach(() => {
  for (const close of closes.splice(0)) close();
});

interface Run {
  live: Live;
  records: LogRecord[];
  /** the last that was saved */
  saved(): LiveState | undefined;
  /** how often */
  saves(): number;
}

function run(restored: LiveState | undefined, now: () => number): Run {
  const folder = mkdtempSync(join(tmpdir(), "oomscribe-live-"));
  const names = openNames({
    config: { settings: { "host-root": folder } as Settings },
    env: {},
    version: "1.2.3",
    events: { report: () => {}, counts: () => ({}) },
  });
  closes.push(() => {
    names.close();
    rmSync(folder, { recursive: true });
  });
  const records: LogRecord[] = [];
  let saved: LiveState | undefined;
  let saves = 0;
  const live = createLive({
    context: { resource: {}, bootId: BOOT_ID },
    restored,
    now,
    toWallUs: (atMs) => atMs * 1000,
    names,
    history: { of: () => undefined, lastOf: () => undefined, containersIn: () => [] },
    nearLimit: 0,
    hasCounters: true,
    readVictim: () => undefined,
    ownProcessOf: () => undefined,
    readSources: () => {},
    commit(more, state) {
      records.push(...more);
      saved = structuredClone(state);
      saves++;
    },
  });
  return { live, records, saved: () => saved, saves: () => saves };
}

test("a kill after a run that ended at once is known by its counter, though its line was overwritten", () => {
  let nowMs = 1000;
  const read = ({ live }: Run, oomKill: number): void => {
    const counters = { oomKill };
    live.counter({ cgroup: CGROUP, atMs: nowMs, why: "found", fromZero: false, local: counters });
    live.allRead(nowMs);
  };
  const first = run(undefined, () => nowMs);
  read(first, 3);
  first.live.tick(nowMs);
  // Killed here, and the kernel counts one more.
  nowMs += 100;
  const second = run(first.saved(), () => nowMs);
  read(second, 4);
  for (const endMs = nowMs + 10_000; nowMs < endMs; nowMs += 50) second.live.tick(nowMs);
  expect(second.records.map(({ eventName, attributes }) => [eventName, attributes["oom.victim.cgroup"]])).toEqual([
    ["oom.kill", CGROUP],
  ]);
});

test("while nothing is read the state is saved every ten seconds, after news within one", () => {
  let nowMs = 1000;
  const { live, saves } = run(undefined, () => nowMs);
  const pass = (ms: number): number => {
    const before = saves();
    for (const endMs = nowMs + ms; nowMs < endMs; nowMs += 50) live.tick(nowMs);
    return saves() - before;
  };
  pass(1000);
  expect(pass(60_000)).toBe(6);
  live.record({ text: "eth0: link up", origin: "kernel", seq: 7, original: "eth0: link up" }, nowMs);
  expect(pass(1000)).toBe(1);
  expect(pass(60_000)).toBe(6);
});
