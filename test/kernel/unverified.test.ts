/** Kill lines for which nobody was killed, among real kills: the real counters of this kernel tell them apart. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { parseKmsgRecord } from "../../parsers/kmsg.ts";
import { openNames } from "../../src/agent/open-enricher.ts";
import { openNodeSources } from "../../src/agent/open-sources.ts";
import type { Settings } from "../../src/config/schema.ts";
import { createLive, type Live } from "../../src/pipeline/agent-pipeline.ts";
import type { LogRecord } from "../../src/record/log-record.ts";
import { createKernelClock, monotonicMs } from "../../src/sources/clock.ts";
import { readBootId } from "../../src/sources/host.ts";
import type { Events } from "../../src/telemetry/events.ts";
import { openTestCgroups, type TestCgroups, whyNoKills } from "./cgroup-v1.ts";
import { useCleanups } from "./cleanups.ts";
import { waitForReportBudget } from "./kernel-log.ts";
import { killOne } from "./kills.ts";

const MIB = 1024 * 1024;
const reason = whyNoKills();
if (reason !== undefined) process.stderr.write(`test/kernel/unverified.test.ts is skipped: ${reason}\n`);

let cgroups: TestCgroups;
const cleanups = useCleanups();

beforeEach(({ skip }) => skip(reason !== undefined, reason));
beforeAll(() => {
  if (reason === undefined) cgroups = openTestCgroups();
});
afterAll(() => cgroups?.remove());

interface Node {
  records: LogRecord[];
  /** A perfect kill line of the kernel, for which there was no kill. */
  forge(pid: number): void;
  /** From now on lines for which this is true are lost. */
  lose(isLost: (text: string) => boolean): void;
}

/** The agent's pipeline on this machine's log and counters. */
async function openNode(): Promise<Node> {
  const records: LogRecord[] = [];
  const events: Events = { report: () => {}, counts: () => ({}) };
  const settings = { kubernetes: "off" } as Settings;
  const names = openNames({ config: { settings }, env: {}, version: "0", events });
  const clock = createKernelClock();
  let live: Live | undefined;
  let isLost = (_: string): boolean => false;
  const sources = openNodeSources(
    { since: "now" },
    events,
    clock,
    (hasCounters, readSources, readVictim, history, ownProcessOf) => {
      const opened = createLive({
        context: { resource: {}, bootId: readBootId() ?? "" },
        restored: undefined,
        now: monotonicMs,
        toWallUs: (atMs) => clock.toRealtimeUs(atMs * 1000),
        names,
        hasCounters,
        readSources,
        readVictim,
        ownProcessOf,
        history,
        nearLimit: 0,
        commit: (made) => void records.push(...made),
      });
      live = opened;
      const record: Live["record"] = (one, atMs) => {
        if (!isLost(one.text)) opened.record(one, atMs);
      };
      return { live: { ...opened, record }, position: undefined };
    },
  );
  if (sources === undefined || live === undefined) throw new Error("neither log nor counters can be read");
  const { record } = live;
  cleanups.push(() => {
    sources.close();
    names.close();
  });
  await expect.poll(() => sources.status().log.isDrained).toBe(true);
  // What is printed about when counting began may have been counted before.
  await sleep(500);
  let seq = 4_000_000_000;
  return {
    records,
    forge(pid) {
      const atMs = monotonicMs();
      const text = `Memory cgroup out of memory: Killed process ${pid} (systemd) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:0kB oom_score_adj:0`;
      const forged = parseKmsgRecord(`3,${seq++},${Math.round(atMs * 1000)},-;${text}`);
      if (forged === undefined) throw new Error("the forged line cannot be read");
      record(forged, atMs);
    },
    lose(lost) {
      isLost = lost;
    },
  };
}

const of = (node: Node, pid: number): LogRecord[] =>
  node.records.filter(({ attributes }) => attributes["process.pid"] === pid);

test("a forged line beside a real kill is a warning, and the kill has its own cgroup", async () => {
  await waitForReportBudget(1);
  const node = await openNode();
  const cgroup = cgroups.root.child("real", 32 * MIB);
  node.forge(1);
  const { pid } = await killOne(cgroup);
  node.forge(2);
  await expect.poll(() => [pid, 1, 2].map((one) => of(node, one).length), { timeout: 10_000 }).toEqual([1, 1, 1]);
  expect(of(node, pid)).toMatchObject([
    { severityText: "ERROR", attributes: { "oom.attribution": "exact", "oom.victim.cgroup": cgroup.path } },
  ]);
  expect(of(node, pid)[0]?.attributes["oom.evidence"]).toContain("counter");
  for (const forged of [1, 2]) {
    expect(of(node, forged)).toMatchObject([{ severityText: "WARN", attributes: { "oom.attribution": "unverified" } }]);
    expect(of(node, forged)[0]?.attributes).not.toHaveProperty("oom.attribution.candidates");
    expect(of(node, forged)[0]?.attributes["oom.evidence"]).not.toContain("counter");
  }
});

test("a kill whose lines are lost is reported from its count, whatever was forged before it", async () => {
  const node = await openNode();
  const cgroup = cgroups.root.child("lost", 32 * MIB);
  for (let pid = 1; pid <= 20; pid++) node.forge(pid);
  // Their look at the log is over.
  await sleep(1000);
  node.lose((text) => text.includes("Killed process") || text.includes("oom-kill:") || text.includes("oom-killer"));
  await killOne(cgroup);
  const ofCount = (): LogRecord[] =>
    node.records.filter(({ attributes }) => attributes["oom.counter.cgroup"] === cgroup.path);
  await expect.poll(() => ofCount().length, { timeout: 15_000 }).toBe(1);
  expect(ofCount()).toMatchObject([
    {
      severityText: "ERROR",
      attributes: { "oom.attribution": "exact", "oom.victim.cgroup": cgroup.path, "oom.counter.value": 1 },
    },
  ]);
  for (let pid = 1; pid <= 20; pid++) {
    expect(of(node, pid)).toMatchObject([{ severityText: "WARN", attributes: { "oom.attribution": "unverified" } }]);
  }
  const inIt = node.records.filter(({ attributes }) => attributes["oom.victim.cgroup"] === cgroup.path);
  expect(inIt.length).toBe(1);
});
