/** Figures, names and paths beyond what a kernel can print: left out, or the line is none. */
import { describe, expect, test } from "vitest";
import { parseInvoked, parseTriggerTask } from "../../parsers/oom/invoked.ts";
import { parseCutKillLine, parseKillLine } from "../../parsers/oom/killed.ts";
import { createMarkVictimReader } from "../../parsers/oom/mark-victim.ts";
import { addStatsLine, parseStatsHead, parseUsage } from "../../parsers/oom/memcg.ts";
import { addNodeMemoryLine } from "../../parsers/oom/node-memory.ts";
import { parseOtherLine } from "../../parsers/oom/others.ts";
import { parseCutSummary, parseSummary } from "../../parsers/oom/summary.ts";
import { parseTaskRow, parseTasksHeader } from "../../parsers/oom/tasks.ts";
import { LONGEST_LINE } from "../../parsers/oom/wording.ts";

/** Beyond 2^53, beyond 2^64, and what is Infinity as a double. */
const HUGE = ["9007199254740992", "18446744073709551616", "9".repeat(400)];

describe.each(["0", "4194305", ...HUGE])("the pid %s is no process's", (pid) => {
  test.each([
    ["a kill line", parseKillLine(`Out of memory: Killed process ${pid} (a) total-vm:1kB, anon-rss:2kB, file-rss:3kB`)],
    ["a kill line by name alone", parseKillLine(`Out of Memory: Killed process ${pid} (a).`)],
    ["a kill line that was cut", parseCutKillLine(`Out of memory: Killed process ${pid} (a) total-vm:1kB, anon`)],
    ["a summary", parseSummary(summary({ pid }))],
    ["a reaper's line", parseOtherLine(`oom_reaper: unable to reap pid:${pid} (a)`)],
    [
      "a line of the exit",
      parseOtherLine(`Out of memory: OOM victim ${pid} (a) is already exiting. Skip killing the task`),
    ],
    ["a row", parseTaskRow(`[${pid}] 0 1 1 1 1 1 0 a`, parseTasksHeader(HEADER) ?? [])],
    ["an entry of the trace", readMark(`1.000001: mark_victim: pid=${pid}\n`)],
  ])("%s is none with it", (_, line) => {
    expect(line).toBeUndefined();
  });
});

const HEADER = "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name";

function summary({ pid = "5", uid = "0", oomMemcg = "/a", taskMemcg = "/a/b" }): string {
  return `oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=${oomMemcg},task_memcg=${taskMemcg},task=x,pid=${pid},uid=${uid}`;
}

function readMark(text: string): unknown {
  const reader = createMarkVictimReader();
  return [...reader.push(text), ...reader.flush()][0];
}

test.each(HUGE)("a size of %s kB is left out, and the kill stays", (kb) => {
  const sizes = `total-vm:${kb}kB, anon-rss:${kb}kB, file-rss:${kb}kB, shmem-rss:${kb}kB`;
  const text = `Out of memory: Killed process 5 (a) ${sizes}, UID:0 pgtables:${kb}kB oom_score_adj:0`;
  const kill = { pid: 5, comm: "a", constraint: "none", truncated: false, uid: 0, oomScoreAdj: 0 };
  expect(parseKillLine(text)).toEqual(kill);
  expect(
    readMark(
      `1.000001: mark_victim: pid=5 comm=a ${sizes.replaceAll(",", "")} uid=0 pgtables:${kb}kB oom_score_adj=0\n`,
    ),
  ).toEqual({
    atUs: 1_000_001,
    pid: 5,
    comm: "a",
    uid: 0,
    oomScoreAdj: 0,
  });
});

test("the highest figures that a kernel prints are read", () => {
  const text =
    "Killed process 4194304 (a) total-vm:140737488355328kB, anon-rss:9007199254740991kB, file-rss:0kB, shmem-rss:0kB, UID:4294967295 pgtables:0kB oom_score_adj:-1000";
  expect(parseKillLine(text)).toMatchObject({
    pid: 4_194_304,
    totalVmKb: 140_737_488_355_328,
    anonRssKb: 9_007_199_254_740_991,
    uid: 4_294_967_295,
    oomScoreAdj: -1000,
  });
});

test.each(["4294967296", ...HUGE])("the UID %s is left out; a summary with it is none", (uid) => {
  const sizes = "total-vm:1kB, anon-rss:2kB, file-rss:3kB";
  expect(parseKillLine(`Killed process 5, UID ${uid}, (a) ${sizes}`)).not.toHaveProperty("uid");
  expect(parseTriggerTask(`CPU: 1 UID: ${uid} PID: 7 Comm: a Not tainted 6.1.0 #1`)).not.toHaveProperty("uid");
  expect(parseSummary(summary({ uid }))).toBeUndefined();
});

test.each(["1001", "-1001", ...HUGE])("the oom_score_adj %s is left out", (adj) => {
  const sizes = "total-vm:1kB, anon-rss:2kB, file-rss:3kB, shmem-rss:4kB";
  expect(parseKillLine(`Killed process 5 (a) ${sizes}, UID:0 pgtables:5kB oom_score_adj:${adj}`)).toMatchObject({
    pid: 5,
  });
  expect(parseKillLine(`Killed process 5 (a) ${sizes}, UID:0 pgtables:5kB oom_score_adj:${adj}`)).not.toHaveProperty(
    "oomScoreAdj",
  );
  expect(parseInvoked(`a invoked oom-killer: gfp_mask=0x1, order=0, oom_score_adj=${adj}`)).toEqual({
    comm: "a",
    gfpMask: "0x1",
    order: 0,
  });
});

test.each(["64", "-2", ...HUGE])("the order %s is left out", (order) => {
  expect(parseInvoked(`a invoked oom-killer: gfp_mask=0x1, order=${order}, oom_score_adj=0`)).not.toHaveProperty(
    "order",
  );
});

test.each(HUGE)("%s in figures of the cgroup and the node", (count) => {
  expect(parseUsage(`memory: usage ${count}kB, limit 2kB, failcnt 3`)).toBeUndefined();
  expect(parseUsage(`memory: usage 1kB, limit ${count}kB, failcnt ${count}`)).toEqual({
    counter: "memory",
    usage: { usageKb: 1 },
  });
  const stats = parseStatsHead(`Memory cgroup stats for /a: cache:${count}KB rss:1KB`);
  expect(stats).toEqual({ path: "/a", values: { rss: 1024 } });
  expect(stats !== undefined && addStatsLine(stats, `anon ${count}`) && stats.values).toEqual({ rss: 1024 });
  const memory = { pages: {} };
  for (const line of [`free:${count} dirty:1`, `${count} pages RAM`, `Free swap  = ${count}kB`]) {
    addNodeMemoryLine(memory, line);
  }
  expect(memory).toEqual({ pages: { dirty: 1 } });
  expect(parseOtherLine(`oom_kill_process: ${count} callbacks suppressed`)).toBeUndefined();
  expect(
    parseTaskRow(`[7] ${count} ${count} ${count} 5 ${count} ${count} ${count} a`, parseTasksHeader(HEADER) ?? []),
  ).toEqual({ pid: 7, comm: "a", rss: 5 });
});

test("a UID above 2^31, which some tables print with %d", () => {
  expect(parseTaskRow("[7] -2 7 1 1 1 1 0 a", parseTasksHeader(HEADER) ?? [])).toMatchObject({ uid: 4_294_967_294 });
});

describe("a cgroup's path is never empty, nor what the kernel prints in its place", () => {
  test.each(["", "(name too long)", "a"])("%j", (path) => {
    expect(parseSummary(summary({ taskMemcg: path, oomMemcg: path }))?.summary).toEqual({
      constraint: "memcg",
      nodemask: "(null)",
      cpuset: "/",
      memsAllowed: "0",
      globalOom: false,
      comm: "x",
      pid: 5,
      uid: 0,
    });
    expect(parseCutSummary(summary({ oomMemcg: path }))).toEqual({ constraint: "memcg" });
    expect(parseOtherLine(`Task in ${path} killed as a result of limit of ${path}`)).toBeUndefined();
    expect(parseOtherLine(`Memory limit reached of cgroup ${path}`)).toBeUndefined();
  });
});

test.each([
  ["a kill line", parseKillLine, (name: string) => `Killed process 5 (${name})`],
  ["a head", parseInvoked, (name: string) => `${name} invoked oom-killer: gfp_mask=0x1, order=0, oom_score_adj=0`],
  ["a trigger", parseTriggerTask, (name: string) => `Pid: 5, comm: ${name} Not tainted 2.6.32 #1`],
  [
    "a row",
    (text: string) => parseTaskRow(text, parseTasksHeader(HEADER) ?? []),
    (name: string) => `[7] 0 7 1 1 1 1 0 ${name}`,
  ],
  ["a reaper's line", parseOtherLine, (name: string) => `oom_reaper: unable to reap pid:5 (${name})`],
] as const)("a name has 15 bytes: %s", (_, parse, build) => {
  expect(parse(build("a".repeat(15)))).toBeDefined();
  expect(parse(build("a".repeat(16)))).toBeUndefined();
  // As logs show a byte that they escape or cannot decode.
  for (const byte of ["\\x5c", "#011", "\xef\xbf\xbd"]) {
    expect(parse(build(byte.repeat(15)))).toBeDefined();
    expect(parse(build(byte.repeat(16)))).toBeUndefined();
  }
});

test("a text longer than any line of a report reaches no pattern", () => {
  const name = "a".repeat(LONGEST_LINE);
  expect(parseOtherLine(`Memory limit reached of cgroup /${name.slice(100)}`)).toBeDefined();
  expect(parseOtherLine(`Memory limit reached of cgroup /${name}`)).toBeUndefined();
  expect(parseStatsHead(`Memory cgroup stats for /${name}:`)).toBeUndefined();
  expect(addNodeMemoryLine({ pages: {} }, `${"a:1 ".repeat(LONGEST_LINE / 4)}a:1`)).toBe(false);
});
