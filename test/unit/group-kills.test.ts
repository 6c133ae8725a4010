/** Group kills (memory.oom.group) of thousands of processes: linear time, bounded memory, each victim reported once. */
import { describe, expect, test } from "vitest";
import { MAX_VICTIMS } from "../../parsers/oom/draft.ts";
import type { OomReport } from "../../parsers/oom/report.ts";
import { createCorrelator } from "../../src/correlate/correlator.ts";
import { toKills } from "../../src/correlate/from-report.ts";
import { createPipeline } from "../../src/pipeline.ts";
import type { LogRecord } from "../../src/ship/log-record.ts";
import { countExecutedBlocks } from "../executed-blocks.ts";
import { CONTAINER_CGROUP, CONTAINER_ID, makeRecord } from "../kills.ts";

const FIRST_PID = 1000;

/** The lines of one group kill, with all of its victims in the tasks table. */
function printGroupKill(victims: number, isReaped = false): string[] {
  const pids = Array.from({ length: victims }, (_, index) => FIRST_PID + index);
  const kill = (pid: number): string =>
    `Memory cgroup out of memory: Killed process ${pid} (java) total-vm:1600kB, anon-rss:1200kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:40kB oom_score_adj:0`;
  const reaped = (pid: number): string =>
    `oom_reaper: reaped process ${pid} (java), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB`;
  return [
    "java invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
    `CPU: 0 PID: ${FIRST_PID} Comm: java Not tainted 6.1.0 #1`,
    "memory: usage 49152kB, limit 49152kB, failcnt 20",
    "Tasks state (memory values in pages):",
    "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name",
    ...pids.map((pid) => `[${pid}]     0 ${pid}      400      300    40960        0             0 java`),
    `oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=${CONTAINER_CGROUP},task_memcg=${CONTAINER_CGROUP},task=java,pid=${FIRST_PID},uid=0`,
    kill(FIRST_PID),
    `Tasks in ${CONTAINER_CGROUP} are going to be killed due to memory.oom.group set`,
    ...pids.map(kill),
    ...(isReaped ? pids.map(reaped) : []),
  ];
}

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
