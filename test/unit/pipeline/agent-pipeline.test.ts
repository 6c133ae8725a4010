/** src/pipeline/agent-pipeline.ts: what a run leaves behind for the next one. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { parseKmsgRecord } from "../../../parsers/kmsg.ts";
import { openNames } from "../../../src/agent/open-enricher.ts";
import type { Settings } from "../../../src/config/schema.ts";
import { createLive, type Live, type LiveState } from "../../../src/pipeline/agent-pipeline.ts";
import type { LogRecord } from "../../../src/record/log-record.ts";

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

describe("kill lines that no count confirms", () => {
  const START_MS = 100_000;

  interface Node extends Run {
    /** A kill line of the kernel's facility is printed; what the node counts of it has been counted before. */
    print(pid: number, isCounted: boolean): void;
    pass(ms: number): void;
    nowMs(): number;
  }

  function startNode({ hasNodeCount = true, restored }: { hasNodeCount?: boolean; restored?: LiveState } = {}): Node {
    let nowMs = START_MS;
    let seq = 1;
    let oomKill = 7;
    const one = run(restored, () => nowMs);
    const { live } = one;
    const look = (): void => {
      if (hasNodeCount) live.node({ oomKill, atMs: nowMs });
    };
    live.counter({ cgroup: CGROUP, atMs: nowMs, why: "found", fromZero: false, local: { oomKill: 0 } });
    look();
    live.allRead(nowMs);
    live.tick(nowMs);
    const pass = (ms: number): void => {
      for (const endMs = nowMs + ms; nowMs < endMs; ) {
        nowMs += 50;
        look();
        live.tick(nowMs);
      }
    };
    pass(1000);
    return {
      ...one,
      pass,
      nowMs: () => nowMs,
      print(pid, isCounted) {
        nowMs += 1;
        if (isCounted) {
          oomKill++;
          live.counter({
            cgroup: CGROUP,
            atMs: nowMs,
            why: "changed",
            fromZero: false,
            local: { oomKill: oomKill - 7 },
          });
        }
        const record = parseKmsgRecord(
          `3,${seq++},${nowMs * 1000},-;Memory cgroup out of memory: Killed process ${pid} (systemd) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:0kB oom_score_adj:0`,
        );
        if (record === undefined) throw new Error("no record");
        live.record(record, nowMs);
        look();
        live.tick(nowMs);
      },
    };
  }

  const kills = ({ records }: Run): LogRecord[] => records.filter(({ eventName }) => eventName === "oom.kill");

  test("one alone is a warning, within two seconds, of which nothing but the line is said", () => {
    const node = startNode();
    node.print(1, false);
    node.pass(2000);
    expect(kills(node)).toMatchObject([
      {
        severityText: "WARN",
        severityNumber: 13,
        body: "the kernel's log says that systemd (pid 1) was OOM-killed, but no counter of the kernel confirms it: the line may be forged",
        attributes: { "process.pid": 1, "oom.attribution": "unverified", "oom.evidence": ["kill_line"] },
      },
    ]);
    const [record] = kills(node);
    for (const key of ["oom.cause", "oom.advice", "oom.victim.cgroup", "oom.attribution.candidates"]) {
      expect(record?.attributes).not.toHaveProperty(key);
    }
  });

  test("a real kill a moment later has its cgroup, as if there were no other", () => {
    const node = startNode();
    node.print(1, false);
    node.pass(300);
    node.print(2, true);
    node.pass(10_000);
    expect(kills(node).map(({ attributes }) => [attributes["process.pid"], attributes["oom.attribution"]])).toEqual([
      [2, "inferred"],
      [1, "unverified"],
    ]);
    expect(kills(node)[0]).toMatchObject({ severityText: "ERROR", attributes: { "oom.victim.cgroup": CGROUP } });
  });

  test("where the node's kills are not counted it is reported as it is", () => {
    const node = startNode({ hasNodeCount: false });
    node.print(1, false);
    node.pass(3000);
    expect(kills(node)).toMatchObject([
      { severityText: "ERROR", attributes: { "oom.attribution": "unknown", "oom.evidence": ["kill_line"] } },
    ]);
  });

  test("a flood of them has a hundred records and their number, and real kills have theirs", () => {
    const node = startNode();
    for (let pid = 1; pid <= 1000; pid++) {
      node.print(pid, false);
      if (pid % 100 === 0) {
        node.pass(1000);
        node.print(10_000 + pid, true);
        node.pass(1000);
      }
    }
    node.pass(10_000);
    node.live.flush();
    const forged = kills(node).filter(({ attributes }) => attributes["oom.attribution"] === "unverified");
    const suppressed = node.records.filter(({ eventName }) => eventName === "oom.unverified.suppressed");
    const numbers = suppressed.map(({ attributes }) => Number(attributes["oom.unverified.suppressed.count"]));
    expect(forged.length).toBeGreaterThanOrEqual(100);
    expect(forged.length).toBeLessThanOrEqual(105);
    expect(suppressed.length).toBe(1);
    expect(forged.length + numbers.reduce((sum, number) => sum + number, 0)).toBe(1000);
    expect(kills(node).filter(({ attributes }) => attributes["oom.attribution"] === "inferred").length).toBe(10);
  });

  test("what is left out and not reported yet is so by the next run", () => {
    const first = startNode();
    for (let pid = 1; pid <= 150; pid++) first.print(pid, false);
    first.pass(5000);
    const saved = first.saved();
    const second = run(saved, () => first.nowMs());
    second.live.flush();
    expect(second.records.map(({ body }) => body)).toEqual([
      "50 unverified kill lines suppressed: no counter of the kernel confirms them, and their records are rate limited",
    ]);
  });
});
