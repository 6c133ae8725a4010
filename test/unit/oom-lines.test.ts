/** The other lines of a report: each row of each table reads its example, whatever names stand in it. */
import { describe, expect, test } from "vitest";
import { encodeBytes } from "../../parsers/bytes.ts";
import { INVOKED_WORDINGS, parseInvoked, parseTriggerTask, TRIGGER_TASK_WORDINGS } from "../../parsers/oom/invoked.ts";
import { addStatsLine, parseStatsHead, parseUsage, USAGE_WORDINGS } from "../../parsers/oom/memcg.ts";
import { addNodeMemoryLine } from "../../parsers/oom/node-memory.ts";
import { OTHER_WORDINGS, parseOtherLine, parseTaskIn, TASK_IN_WORDINGS } from "../../parsers/oom/others.ts";
import type { NodeMemory } from "../../parsers/oom/report.ts";
import { parseCutSummary, parseSummary, SUMMARY_WORDINGS } from "../../parsers/oom/summary.ts";
import type { Wording } from "../../parsers/oom/wording.ts";
import { HOSTILE_NAMES, rowsThatRead } from "../wordings.ts";

const parseSummaryLine = (text: string): unknown => parseSummary(text)?.summary;

const EXAMPLES: [
  table: string,
  rows: readonly Wording<unknown>[],
  parse: (text: string) => unknown,
  read: Record<string, unknown>,
][] = [
  [
    "invoked",
    INVOKED_WORDINGS,
    parseInvoked,
    {
      "invoked/score-adj": { comm: "java", gfpMask: "0xcc0", gfpFlags: "GFP_KERNEL", order: 0, oomScoreAdj: 0 },
      "invoked/oom-adj": { comm: "httpd", gfpMask: "0x201da", order: 0 },
      "invoked/cut": { comm: "java" },
    },
  ],
  [
    "trigger task",
    TRIGGER_TASK_WORDINGS,
    parseTriggerTask,
    {
      "trigger-task/cpu-pid-comm": { pid: 13233, uid: 0, comm: "java", kernelRelease: "6.18.44" },
      "trigger-task/pid-comm": { pid: 4321, comm: "httpd", kernelRelease: "2.6.32-754.el6.x86_64" },
      "trigger-task/cut": { pid: 24653, uid: 1001, comm: "bad" },
    },
  ],
  [
    "summary",
    SUMMARY_WORDINGS,
    parseSummaryLine,
    {
      "summary/oom-kill": {
        constraint: "memcg",
        nodemask: "(null)",
        cpuset: "/",
        memsAllowed: "0",
        globalOom: false,
        oomMemcg: "/a",
        taskMemcg: "/a/b",
        comm: "java",
        pid: 13233,
        uid: 0,
      },
    },
  ],
  [
    "usage",
    USAGE_WORDINGS,
    parseUsage,
    { "memcg/usage": { counter: "memory", usage: { usageKb: 49152, limitKb: 49152, failcnt: 73 } } },
  ],
  [
    "others",
    OTHER_WORDINGS,
    parseOtherLine,
    {
      "limit/task-in": { kind: "limit", limitCgroup: "/docker/ab", victimCgroup: "/docker/ab" },
      "limit/reached": { kind: "limit", limitCgroup: "/docker/ab" },
      "group-kill": { kind: "group_kill", cgroup: "/a" },
      "reaper/reaped": {
        kind: "reaper",
        pid: 4321,
        reaper: { outcome: "reaped", anonRssKb: 0, fileRssKb: 0, shmemRssKb: 0 },
      },
      "reaper/unable": { kind: "reaper", pid: 4321, reaper: { outcome: "unable" } },
      "already-exiting": { kind: "already_exiting", pid: 4321 },
      "no-killable-process": { kind: "no_killable_process" },
      panic: { kind: "panic" },
      sacrifice: { kind: "sacrifice", constraint: "memcg" },
      suppressed: { kind: "suppressed", count: 71 },
    },
  ],
  ["task in", TASK_IN_WORDINGS, parseTaskIn, { "limit/task-in-alone": "/system.slice/redis.service" }],
];

describe.each(EXAMPLES)("%s: each row reads its example", (_, rows, parse, read) => {
  test.each(rows)("$name: $example", ({ name, example }) => {
    expect(rowsThatRead(() => parse(example))).toEqual([name]);
    expect(parse(example)).toEqual(read[name]);
  });

  test("every row's values are written here, and no others", () => {
    expect(Object.keys(read).toSorted()).toEqual(rows.map(({ name }) => name).toSorted());
  });
});

describe("heads of other kernels", () => {
  test.each([
    [
      "stress invoked oom-killer: gfp_mask=0x14280ca(GFP_HIGHUSER_MOVABLE|__GFP_ZERO), nodemask=(null),  order=0, oom_score_adj=-998",
      {
        comm: "stress",
        gfpMask: "0x14280ca",
        gfpFlags: "GFP_HIGHUSER_MOVABLE|__GFP_ZERO",
        order: 0,
        oomScoreAdj: -998,
      },
    ],
    [
      "java invoked oom-killer: gfp_mask=0x24000c0(GFP_KERNEL), nodemask=0-1, order=2, oom_score_adj=0",
      { comm: "java", gfpMask: "0x24000c0", gfpFlags: "GFP_KERNEL", order: 2, oomScoreAdj: 0 },
    ],
    [
      "httpd invoked oom-killer: gfp_mask=0x201da, order=0, oom_adj=0, oom_score_adj=0",
      { comm: "httpd", gfpMask: "0x201da", order: 0, oomScoreAdj: 0 },
    ],
    [
      "httpd invoked oom-killer: gfp_mask=0x201d2, order=0, oomkilladj=-17",
      { comm: "httpd", gfpMask: "0x201d2", order: 0 },
    ],
    [
      "kworker/0:1 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=-1, oom_score_adj=0",
      { comm: "kworker/0:1", gfpMask: "0xcc0", gfpFlags: "GFP_KERNEL", order: -1, oomScoreAdj: 0 },
    ],
  ])("%s", (text, trigger) => {
    expect(parseInvoked(text)).toEqual(trigger);
  });
});

describe("lines of the trigger of other kernels", () => {
  test.each([
    [
      "CPU: 3 PID: 7 Comm: kworker/3:1 Kdump: loaded Tainted: G        W  OE     4.18.0-553.el8.x86_64 #1",
      { pid: 7, comm: "kworker/3:1", kernelRelease: "4.18.0-553.el8.x86_64" },
    ],
    [
      "CPU: 0 PID: 1 Comm: a b Tainted: P           O     5.15.0-119-generic #129-Ubuntu",
      { pid: 1, comm: "a b", kernelRelease: "5.15.0-119-generic" },
    ],
    [
      "CPU: 0 UID: 4294967294 PID: 9 Comm: x Not tainted 7.2.0-rc1 #1 ",
      { pid: 9, uid: 4_294_967_294, comm: "x", kernelRelease: "7.2.0-rc1" },
    ],
    [
      "Pid: 9, comm: a, comm: b Tainted: G        W    2.6.32 #1",
      { pid: 9, comm: "a, comm: b", kernelRelease: "2.6.32" },
    ],
    // Cut in its release: half a release would be another one.
    ["CPU: 0 PID: 1 Comm: a Tainted: G", { pid: 1, comm: "a Tainted: G" }],
    ["CPU: 0 PID: 1 Comm: java Not tainted 6.1", undefined],
  ])("%s", (text, task) => {
    expect(parseTriggerTask(text)).toEqual(task);
  });
});

const MEMCG = "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0";

describe("names in every position", () => {
  test.each(HOSTILE_NAMES)("%j", (comm) => {
    const name = encodeBytes(comm);
    expect(parseInvoked(`${name} invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=3, oom_score_adj=-5`)).toEqual({
      comm,
      gfpMask: "0xcc0",
      gfpFlags: "GFP_KERNEL",
      order: 3,
      oomScoreAdj: -5,
    });
    expect(parseTriggerTask(`CPU: 1 UID: 8 PID: 77 Comm: ${name} Not tainted 6.18.44 #1`)).toEqual({
      pid: 77,
      uid: 8,
      comm,
      kernelRelease: "6.18.44",
    });
    expect(
      parseOtherLine(`Memory cgroup out of memory: OOM victim 77 (${name}) is already exiting. Skip killing the task`),
    ).toEqual({ kind: "already_exiting", pid: 77 });
    expect(
      parseOtherLine(`oom_reaper: reaped process 77 (${name}), now anon-rss:1kB, file-rss:2kB, shmem-rss:3kB`),
    ).toEqual({
      kind: "reaper",
      pid: 77,
      reaper: { outcome: "reaped", anonRssKb: 1, fileRssKb: 2, shmemRssKb: 3 },
    });
    expect(parseOtherLine(`oom_reaper: unable to reap pid:77 (${name})`)).toEqual({
      kind: "reaper",
      pid: 77,
      reaper: { outcome: "unable" },
    });
    const line = parseSummary(`${MEMCG},oom_memcg=/a,task_memcg=/a/b,task=${name},pid=77,uid=8`);
    expect(line?.settle(comm)).toMatchObject({ oomMemcg: "/a", taskMemcg: "/a/b", comm, pid: 77, uid: 8 });
  });
});

describe("the summary", () => {
  test.each([
    [
      "a global report",
      "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=kubepods,mems_allowed=0-1,global_oom,task_memcg=/,task=java,pid=5,uid=1000",
      { constraint: "none", memsAllowed: "0-1", globalOom: true, taskMemcg: "/", cpuset: "kubepods" },
    ],
    [
      "a cpuset's",
      "oom-kill:constraint=CONSTRAINT_CPUSET,nodemask=(null),cpuset=a,mems_allowed=1,global_oom,task_memcg=/,task=a,pid=5,uid=0",
      { constraint: "cpuset", globalOom: true },
    ],
    [
      "a memory policy's",
      "oom-kill:constraint=CONSTRAINT_MEMORY_POLICY,nodemask=0,cpuset=/,mems_allowed=0-1,global_oom,task_memcg=/,task=a,pid=5,uid=0",
      { constraint: "memory_policy", nodemask: "0" },
    ],
    [
      "a constraint to come",
      "oom-kill:constraint=toString,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/,task=a,pid=5,uid=0",
      { constraint: "unknown" },
    ],
    [
      "a name that is not UTF-8",
      `${MEMCG},oom_memcg=/a,task_memcg=/a,task=w\xff\xfeb,pid=5,uid=0`,
      { comm: "w\ufffd\ufffdb" },
    ],
    [
      "a cgroup with commas and blanks",
      `${MEMCG},oom_memcg=/a,b c,task_memcg=/a,b c/d,pid=3,task=x,pid=5,uid=0`,
      { oomMemcg: "/a,b c", taskMemcg: "/a,b c/d,pid=3", comm: "x", pid: 5 },
    ],
    [
      "a cgroup with the key of the next",
      `${MEMCG},oom_memcg=/a,task_memcg=/b,task_memcg=/a,task_memcg=/b/c,task=x,pid=5,uid=0`,
      { oomMemcg: "/a,task_memcg=/b", taskMemcg: "/a,task_memcg=/b/c", comm: "x" },
    ],
    [
      "a victim that was moved out of the cgroup",
      `${MEMCG},oom_memcg=/a,task_memcg=/b,task=x,pid=5,uid=0`,
      { oomMemcg: "/a", taskMemcg: "/b" },
    ],
    [
      "a UID above 2^31, which is printed with %d",
      `${MEMCG},oom_memcg=/a,task_memcg=/a,task=x,pid=5,uid=-2`,
      { uid: 4_294_967_294 },
    ],
    [
      "a UID above 2^31",
      `${MEMCG},oom_memcg=/a,task_memcg=/a,task=x,pid=4194304,uid=4294967294`,
      { pid: 4_194_304, uid: 4_294_967_294 },
    ],
  ])("%s", (_, text, summary) => {
    expect(parseSummary(text)?.summary).toMatchObject(summary);
  });

  test("the kill line's name settles where the path ends", () => {
    const line = parseSummary(`${MEMCG},oom_memcg=/a,task_memcg=/a/b,task=c,task=d,pid=5,uid=0`);
    expect(line?.settle("d")).toMatchObject({ taskMemcg: "/a/b,task=c", comm: "d" });
    expect(line?.settle("c,task=d")).toMatchObject({ taskMemcg: "/a/b", comm: "c,task=d" });
    expect(line?.settle("another")).toMatchObject({ taskMemcg: "/a/b", comm: "c,task=d" });
  });

  test("cut anywhere it is no summary, but for a cut in its last figure", () => {
    const text = `${MEMCG},oom_memcg=/a,task_memcg=/a/b,task=java,pid=77,uid=1000`;
    for (let end = 0; end < text.indexOf("uid=") + 5; end++) expect(parseSummary(text.slice(0, end))).toBeUndefined();
  });

  test("of a cut one, the limit's path counts only where its end is there", () => {
    const text = `${MEMCG},oom_memcg=/a/b,task_memcg=/a/b/c,task=java,pid=77,uid=1000`;
    const pathEnds = text.indexOf("/a/b/c");
    for (let end = 0; end < text.length; end++) {
      const { constraint, oomMemcg } = parseCutSummary(text.slice(0, end));
      expect([undefined, "memcg"]).toContain(constraint);
      expect(oomMemcg).toBe(end < pathEnds ? undefined : "/a/b");
    }
  });
});

describe("usage", () => {
  test.each([
    [
      "memory+swap: usage 1kB, limit 2kB, failcnt 3",
      { counter: "memsw", usage: { usageKb: 1, limitKb: 2, failcnt: 3 } },
    ],
    ["kmem: usage 1kB, limit 9007199254740988kB, failcnt 0", { counter: "kmem", usage: { usageKb: 1, failcnt: 0 } }],
    ["swap: usage 0kB, limit 0kB, failcnt 0", { counter: "swap", usage: { usageKb: 0, limitKb: 0, failcnt: 0 } }],
    // 64 KiB pages, and up to 3.18.
    [
      "memory: usage 1kB, limit 9007199254740928kB, failcnt 0",
      { counter: "memory", usage: { usageKb: 1, failcnt: 0 } },
    ],
    [
      "memory: usage 1kB, limit 9007199254740991kB, failcnt 0",
      { counter: "memory", usage: { usageKb: 1, failcnt: 0 } },
    ],
  ])("%s", (text, usage) => {
    expect(parseUsage(text)).toEqual(usage);
  });

  test.each([
    "memory: usage 1kB, limit 2kB",
    "memory: usage 1kB, limit 2kB, failcnt ",
    "x memory: usage 1kB, limit 2kB, failcnt 3",
    "swap_cgroup: usage 1kB, limit 2kB, failcnt 3",
  ])("no usage: %j", (text) => {
    expect(parseUsage(text)).toBeUndefined();
  });
});

describe("memcg stats", () => {
  test.each([
    ["Memory cgroup stats for /a/b:", { path: "/a/b", values: {} }],
    ["Memory cgroup stats for /a: b:", { path: "/a: b", values: {} }],
    [
      "Memory cgroup stats for /a: cache:0KB rss:7KB rss_huge:2KB",
      { path: "/a", values: { cache: 0, rss: 7168, rss_huge: 2048 } },
    ],
    ["Memory cgroup stats for : cache:1KB rss:7KB", { path: "", values: { cache: 1024, rss: 7168 } }],
    ["Memory cgroup stats for /\xd1\x81:", { path: "/с", values: {} }],
  ])("%s", (text, stats) => {
    expect(parseStatsHead(text)).toEqual(stats);
  });

  test.each(["Memory cgroup stats for /a/b", "Memory cgroup stats for", "memory cgroup stats for /a:"])(
    "no head: %j",
    (text) => {
      expect(parseStatsHead(text)).toBeUndefined();
    },
  );

  test("lines, one a record or several in one", () => {
    const stats = { path: "/a", values: {} };
    expect(addStatsLine(stats, "anon 8323072")).toBe(true);
    expect(addStatsLine(stats, "file 0\nkernel 65536\n")).toBe(true);
    expect(addStatsLine(stats, "Tasks state (memory values in pages):")).toBe(false);
    expect(addStatsLine(stats, "anon 12kB")).toBe(false);
    expect(stats.values).toEqual({ anon: 8_323_072, file: 0, kernel: 65_536 });
  });
});

describe("node memory", () => {
  test("the block of pages, RAM, reserved and swap", () => {
    const memory: NodeMemory = { pages: {} };
    for (const line of [
      "active_anon:470 inactive_anon:13088 isolated_anon:0\n active_file:1 free:12345 free_pcp:7 free_cma:0",
      " unevictable:3 dirty:0 writeback:0",
      "261996 pages RAM",
      "12 pages reserved",
      "Free swap  = 5kB",
      "Total swap = 9kB",
    ]) {
      expect(addNodeMemoryLine(memory, line), line).toBe(true);
    }
    expect(memory).toEqual({
      pages: {
        active_anon: 470,
        inactive_anon: 13_088,
        isolated_anon: 0,
        active_file: 1,
        free: 12_345,
        free_pcp: 7,
        free_cma: 0,
        unevictable: 3,
        dirty: 0,
        writeback: 0,
      },
      totalPages: 261_996,
      reservedPages: 12,
      swapTotalKb: 9,
      swapFreeKb: 5,
    });
  });

  test.each([
    "Node 0 active_anon:1880kB inactive_anon:52352kB",
    "lowmem_reserve[]: 0 192 192",
    "0 pages HighMem/MovableOnly",
    "0 pages cma reserved",
    "audit: type=1400 audit(1.2:3): pid:55",
    "e1000e eth0 link up speed:1000",
    " dump_stack_lvl+0x59/0x90",
    "free:12kB min:3kB",
    "free:12 is what is left",
    "",
  ])("nothing of it in %j", (line) => {
    const memory: NodeMemory = { pages: {} };
    expect(addNodeMemoryLine(memory, line)).toBe(false);
    expect(memory).toEqual({ pages: {} });
  });
});

describe("others", () => {
  test.each([
    [" killed as a result of limit of /a", { kind: "limit", limitCgroup: "/a" }],
    ["Task in killed as a result of limit of /a", { kind: "limit", limitCgroup: "/a" }],
    ["Task in / killed as a result of limit of /", { kind: "limit", victimCgroup: "/", limitCgroup: "/" }],
    ["Task in /a b killed as a result of limit of /a", { kind: "limit", victimCgroup: "/a b", limitCgroup: "/a" }],
    ["Memory cgroup out of memory and no killable processes...", { kind: "no_killable_process" }],
    ["Kernel panic - not syncing: Out of memory and no killable processes...", { kind: "panic" }],
    ["Kernel panic - not syncing: Out of memory: compulsory panic_on_oom is enabled", { kind: "panic" }],
    ["Out of memory: Kill process 5 (a) score 900 or sacrifice child", { kind: "sacrifice", constraint: "none" }],
    ["Out of memory: kill process 5 (a) score 900 or a child", { kind: "sacrifice", constraint: "none" }],
    [
      "oom_reaper: reaped process 5 (a), now anon-rss:0kB, file-rss:0kB, shmem-rss:7lkB",
      { kind: "reaper", pid: 5, reaper: { outcome: "reaped", anonRssKb: 0, fileRssKb: 0, shmemRssKb: 7 } },
    ],
    ["dump_header: 3 callbacks suppressed", { kind: "suppressed", count: 3 }],
  ])("%s", (text, line) => {
    expect(parseOtherLine(text)).toEqual(line);
  });

  test.each([
    "oom_reaper: reaped process 5 (a), now anon-rss:0kB, file-rss:0kB, shmem-rss:7",
    "oom_reaper: reaped process 5 (a), now anon-rss:0kB",
    "net_ratelimit: 71 callbacks suppressed",
    "oom_kill_process: 71 callbacks",
    "Kernel panic - not syncing: Attempted to kill init!",
    "Tasks in /a are going to be killed",
    "Tasks state (memory values in pages):",
  ])("none of them: %j", (text) => {
    expect(parseOtherLine(text)).toBeUndefined();
  });
});

test("names of rows are unique over all tables", () => {
  const names = EXAMPLES.flatMap(([, rows]) => rows.map(({ name }) => name));
  expect(new Set(names).size).toBe(names.length);
});
