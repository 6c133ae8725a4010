/** Group kills (memory.oom.group) of thousands of processes: linear time, bounded memory, each victim reported once. */
import { describe, expect, test } from "vitest";
import { MAX_VICTIMS } from "../../parsers/oom/draft.ts";
import type { OomReport } from "../../parsers/oom/report.ts";
import { createCorrelator } from "../../src/correlate/correlator.ts";
import { toKills } from "../../src/correlate/from-report.ts";
import { createPipeline } from "../../src/pipeline.ts";
import type { LogRecord } from "../../src/ship/log-record.ts";
import { countExecutedBlocks } from "../executed-blocks.ts";
import { FIRST_PID, printGroupKill } from "../group-kill-lines.ts";
import { CONTAINER_CGROUP, CONTAINER_ID, makeRecord } from "../kills.ts";

interface Replayed {
  records: LogRecord[];
  /** records that were handed on before the end of the input */
  early: number;
}

function replay(lines: readonly string[]): Replayed {
  const records: LogRecord[] = [];
  const pipeline = createPipeline({ context: { resource: {} }, emit: (record) => records.push(record) });
  for (const [at, text] of lines.entries()) pipeline.push(makeRecord(text, { monotonicUs: at }), at / 1000);
  const early = records.length;
  pipeline.flush();
  return { records, early };
}

test("time is linear in the victims", async () => {
  const [small, large] = [printGroupKill(2000, true), printGroupKill(4000, true)];
  const blocks = [
    await countExecutedBlocks(() => replay(small)),
    await countExecutedBlocks(() => replay(large)),
  ] as const;
  expect(blocks[1] / blocks[0]).toBeLessThan(2.2);
});

describe("a group kill of more victims than a report holds", () => {
  const VICTIMS = 5 * MAX_VICTIMS;
  const { records, early } = replay(printGroupKill(VICTIMS));

  test("each victim has one record, in the order of the log", () => {
    const pids = records.map(({ attributes }) => attributes["process.pid"]);
    expect(pids).toEqual(Array.from({ length: VICTIMS }, (_, index) => FIRST_PID + index));
    expect(new Set(records.map(({ attributes }) => attributes["log.record.uid"])).size).toBe(VICTIMS);
  });

  test("each record has what the report says", () => {
    for (const { attributes, resource } of records) {
      expect(attributes).toMatchObject({
        "oom.attribution": "exact",
        "oom.group_kill": true,
        "oom.memory.limit": 49_152 * 1024,
        "oom.tasks.count": VICTIMS,
      });
      expect(resource["container.id"]).toBe(CONTAINER_ID);
    }
  });

  test("how many were killed is known at the end, and a minimum before", () => {
    const facts = records.map(({ attributes }) => String(attributes["oom.cause.facts"]));
    expect(facts[0]).toContain(`more than ${MAX_VICTIMS} processes of its cgroup were killed together`);
    expect(facts.at(-1)).toContain(`${VICTIMS} processes of its cgroup were killed together`);
    expect(facts.at(-1)).not.toContain("more than");
  });

  test("only the last victims wait for the end", () => {
    expect(early).toBeGreaterThan(VICTIMS - 2 * MAX_VICTIMS);
  });
});

/** A group kill in two parts, of two victims each. */
function parts(victimCgroup = CONTAINER_CGROUP): OomReport[] {
  const victim = (pid: number): OomReport["victims"][number] => ({
    pid,
    comm: "x",
    groupKill: true,
    truncated: false,
    record: makeRecord(`Memory cgroup out of memory: Killed process ${pid} (x)`),
  });
  const report = (pids: number[], part: Partial<OomReport>): OomReport => ({
    victims: pids.map(victim),
    constraint: "memcg",
    outcome: "killed",
    missing: [],
    records: [],
    victimCgroup,
    groupKillCgroup: CONTAINER_CGROUP,
    ...part,
  });
  return [report([1, 2], { isContinued: true }), report([3, 4], { victimsBefore: 2 })];
}

test("the first victim of a later part is not the one that the report names", () => {
  const child = `${CONTAINER_CGROUP}/child`;
  const cgroups = parts(child)
    .flatMap(toKills)
    .map(({ victimCgroup }) => victimCgroup);
  expect(cgroups).toEqual([child, CONTAINER_CGROUP, CONTAINER_CGROUP, CONTAINER_CGROUP]);
});

test("the kernel counts the first victim twice: once for all parts", () => {
  const correlator = createCorrelator({ startMs: 0, hasCounters: true });
  const read = (oomKill: number, atMs: number): void =>
    correlator.counter({
      cgroup: CONTAINER_CGROUP,
      atMs,
      local: { oomKill },
      why: oomKill === 0 ? "found" : "changed",
      fromZero: oomKill === 0,
    });
  read(0, 10);
  correlator.allRead(10);
  for (const part of parts()) correlator.report(part, () => ({ afterMs: 1000, untilMs: 1010 }));
  // Four victims, the first of them twice, and a kill of which the log has no line.
  read(6, 1020);
  const kinds: string[] = [];
  for (let nowMs = 1050; nowMs < 12_000; nowMs += 50) kinds.push(...correlator.tick(nowMs).map(({ kind }) => kind));
  expect(kinds.sort()).toEqual(["logged", "logged", "logged", "logged", "unlogged"]);
});
