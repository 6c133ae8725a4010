/** The rules by which lines become reports: which lines belong together, when a report is handed on, what is no kill. */
import { describe, expect, test } from "vitest";
import type { KernelRecord } from "../../parsers/kernel-record.ts";
import { createOomAssembler, type OomObservation } from "../../parsers/oom/assemble.ts";
import type { OomReport } from "../../parsers/oom/report.ts";
import { makeRecord } from "../kills.ts";
import { cgroupOf, printReport, type ReportFigures, reportOf, withoutRecords } from "../report-lines.ts";

const A: ReportFigures = { style: "v2", base: 1_000, victimName: "alpha", triggerName: "alpha-main" };
const B: ReportFigures = { style: "v2", base: 5_000, victimName: "beta", triggerName: "beta-main" };

/** A record of a log that keeps neither sequence numbers nor callers, unless the test says so. */
const line = (text: string, more: Partial<KernelRecord> = {}): KernelRecord => makeRecord(text, more);

const linesOf = (figures: ReportFigures): string[] => printReport(figures).map(({ text }) => text);

/** All of a report's lines between the first that holds `from` and the last that holds `to`, both included. */
function part(figures: ReportFigures, from: string, to: string): string[] {
  const lines = linesOf(figures);
  const start = lines.findIndex((text) => text.includes(from));
  const end = lines.findLastIndex((text) => text.includes(to));
  if (start === -1 || end < start) throw new Error(`no such part: ${from} … ${to}`);
  return lines.slice(start, end + 1);
}

function read(lines: readonly (string | KernelRecord)[]): OomReport[] {
  const assembler = createOomAssembler();
  const seen = lines.flatMap((one) => assembler.push(typeof one === "string" ? line(one) : one, 0));
  return reportsOf([...seen, ...assembler.flush()]);
}

function reportsOf(seen: readonly OomObservation[]): OomReport[] {
  return seen.flatMap((one) => (one.kind === "report" ? [one.report] : []));
}

const killsOf = (reports: readonly OomReport[]): number[] =>
  reports.flatMap(({ victims }) => victims.map(({ pid }) => pid));

const kill = (pid: number, comm = "x", prefix = "Memory cgroup out of memory: "): string =>
  `${prefix}Killed process ${pid} (${comm}) total-vm:${pid}kB, anon-rss:2kB, file-rss:3kB, shmem-rss:4kB, UID:0 pgtables:5kB oom_score_adj:0`;
const group = (cgroup: string): string => `Tasks in ${cgroup} are going to be killed due to memory.oom.group set`;

test.each(["v2", "v1", "global", "4.14"] as const)("a whole report, %s", (style) => {
  const figures = { ...A, style };
  expect(read(linesOf(figures)).map(withoutRecords)).toEqual([reportOf(figures)]);
});

test("the lines of a report are kept in order, its call trace is not", () => {
  const texts = read(["noise", ...linesOf(A), "noise"])[0]?.records.map(({ text }) => text);
  expect(texts).toEqual(linesOf(A).filter((text) => !/^Call|^ dump|^Tasks state/.test(text)));
});

describe("lost lines, in a log without sequence numbers", () => {
  test("a report without its head", () => {
    const [report] = read(part(A, "memory: usage", "Killed process"));
    expect(report).toMatchObject({ memory: { usageKb: 1_030 }, victimCgroup: cgroupOf(A), missing: ["invoked"] });
  });

  test("nothing but the summary and the kill", () => {
    const [report] = read(part(A, "oom-kill:", "Killed process"));
    expect(report).toMatchObject({ victimCgroup: cgroupOf(A), missing: ["invoked", "usage", "tasks"] });
  });

  test("nothing but the kill", () => {
    const [report] = read(part(A, "Killed process", "Killed process"));
    expect(report).toMatchObject({ constraint: "memcg", missing: ["invoked", "usage", "tasks", "summary"] });
  });

  test("the log ends before the kill: a report without a victim that says so", () => {
    const [report] = read(part(A, "invoked", "oom-kill:"));
    expect(report).toMatchObject({ victims: [], outcome: "incomplete", missing: ["kill_line"] });
  });

  test("the kill of one report is lost: the next has its own lines", () => {
    const reports = read([...part(A, "invoked", "oom-kill:"), ...linesOf(B)]);
    expect(reports.map(withoutRecords)[1]).toEqual(reportOf(B));
    expect(killsOf(reports)).toEqual([5_001]);
  });

  test("the head of one report and its kill are lost: the next has its own lines", () => {
    const reports = read([...part(A, "memory: usage", "Memory cgroup stats"), ...linesOf(B)]);
    expect(reports.map(withoutRecords)[1]).toEqual(reportOf(B));
  });

  test("up to 5.0, a report whose victim was gone already: the next has its own lines", () => {
    const [a, b] = [A, B].map((figures) => ({ ...figures, style: "4.14" as const }));
    if (a === undefined || b === undefined) throw new Error();
    const reports = read([...part(a, "invoked", "sacrifice child"), ...linesOf(b)]);
    expect(reports.map(withoutRecords)[1]).toEqual(reportOf(b));
    expect(killsOf(reports)).toEqual([5_001]);
  });

  test("one report's end and the next one's head are lost: a usage line that comes twice is not the first one's", () => {
    const reports = read([...part(A, "invoked", "swap:"), ...part(B, "memory: usage", "Killed process")]);
    const killed = reports.find(({ victims }) => victims.length > 0);
    expect(killed).toMatchObject({ memory: { usageKb: 5_030 }, missing: ["invoked"] });
    expect(killed?.trigger).toBeUndefined();
  });

  test("… nor is a summary of another cgroup than that of the statistics", () => {
    const reports = read([...part(A, "invoked", "Memory cgroup stats"), ...part(B, "oom-kill:", "Killed process")]);
    const killed = reports.find(({ victims }) => victims.length > 0);
    expect(killed?.missing).toEqual(["invoked", "usage", "tasks"]);
  });

  test("… nor is a summary whose victim the table does not list", () => {
    const [a, b] = [A, B].map((figures) => ({ ...figures, style: "global" as const }));
    if (a === undefined || b === undefined) throw new Error();
    const reports = read([...part(a, "invoked", "[1001]"), ...part(b, "oom-kill:", "Killed process")]);
    const killed = reports.find(({ victims }) => victims.length > 0);
    expect(killed?.missing).toEqual(["invoked", "tasks"]);
    expect(killed?.nodeMemory).toBeUndefined();
  });

  test("the table lists a thread of the victim, whose leader has exited: it is the same report", () => {
    const lines = linesOf(A).map((text) => text.replace(/^\[1001\] {5}1046 1001/, "[1009]     1046 1001"));
    const [report, ...more] = read(lines);
    expect(more).toEqual([]);
    expect(report?.missing).toEqual([]);
  });
});

describe("a gap in the sequence numbers", () => {
  /** Numbered, with a hole where `undefined` stands. */
  const numbered = (texts: readonly (string | undefined)[]): KernelRecord[] =>
    texts.flatMap((text, seq) => (text === undefined ? [] : [line(text, { seq })]));

  test("between a report's head and a kill that it does not name: no trigger for that kill", () => {
    const reports = read(numbered([...part(A, "invoked", "swap:"), undefined, kill(77)]));
    const killed = reports.find(({ victims }) => victims.length > 0);
    expect(killed).toMatchObject({ missing: ["invoked", "usage", "tasks", "summary"] });
  });

  test("between a summary and the kill that it names: they still belong together", () => {
    const reports = read(
      numbered([...part(A, "invoked", "oom-kill:"), undefined, ...part(A, "Killed process", "reaped")]),
    );
    expect(reports.map(withoutRecords)).toEqual([reportOf(A)]);
  });

  test("user-space records are numbered too, and are no gap", () => {
    const lines = linesOf(A).flatMap((text) => [line(text), line("systemd[1]: x", { origin: "user" })]);
    expect(read(lines.map((record, seq) => ({ ...record, seq }))).map(withoutRecords)).toEqual([reportOf(A)]);
  });

  test("while nothing is under way it means nothing", () => {
    expect(read(numbered(["x", undefined, undefined, ...linesOf(A)])).map(withoutRecords)).toEqual([reportOf(A)]);
  });
});

describe("interleaved reports", () => {
  const [a, b] = [linesOf(A), linesOf(B)];
  const zipped = a.flatMap((text, index) => [line(text, { caller: "T1002" }), line(b[index] ?? "", { caller: "C1" })]);

  test("with the caller: both whole", () => {
    const reports = read(zipped).map(withoutRecords);
    expect(reports.toSorted((one, other) => one.constraint.localeCompare(other.constraint))).toEqual([
      reportOf(A),
      reportOf(B),
    ]);
  });

  test("without it: each kill with what its own summary and kill line say, and nothing else", () => {
    const killed = read(zipped.map(({ caller: _, ...record }) => record)).filter(({ victims }) => victims.length > 0);
    expect(killed.map(({ victimCgroup }) => victimCgroup)).toEqual([cgroupOf(A), cgroupOf(B)]);
    for (const report of killed) {
      expect(report.missing).toEqual(["invoked", "usage", "tasks"]);
      expect(report.memcgStats ?? report.nodeMemory ?? report.kernelRelease).toBeUndefined();
    }
  });

  test("two heads more than a second apart are two reports one after the other", () => {
    const assembler = createOomAssembler();
    const seen = [
      ...part(A, "invoked", "swap:").flatMap((text) => assembler.push(line(text), 0)),
      ...linesOf(B).flatMap((text) => assembler.push(line(text), 1_001)),
      ...assembler.flush(),
    ];
    expect(reportsOf(seen).map(withoutRecords)[1]).toEqual(reportOf(B));
  });
});

describe("group kills", () => {
  test("the first victim is named twice and is one victim; all are the group's", () => {
    const cgroup = cgroupOf(A);
    const member = `[1003]     0 1003     1      1    1        0             0 other`;
    const lines = linesOf(A).flatMap((text) => (text.startsWith("[1001]") ? [text, member] : [text]));
    const kills = [group(cgroup), kill(1_003), kill(1_001), kill(1_002)];
    const [report, ...more] = read([...lines.slice(0, -1), ...kills]);
    expect(more).toEqual([]);
    expect(report?.victims.map(({ pid, groupKill }) => [pid, groupKill])).toEqual([
      [1_001, true],
      [1_003, true],
      [1_002, true],
    ]);
    expect(report?.groupKillCgroup).toBe(cgroup);
  });

  test("that follow each other with their heads dropped", () => {
    const lines = [kill(1), group("/a"), kill(2), kill(1), kill(3), group("/b"), kill(3), kill(4)];
    expect(read(lines).map(({ groupKillCgroup, victims }) => [groupKillCgroup, victims.map(({ pid }) => pid)])).toEqual(
      [
        ["/a", [1, 2]],
        ["/b", [3, 4]],
      ],
    );
  });

  test("with the next report right behind", () => {
    const reports = read([kill(1), group("/a"), kill(1), kill(2), ...linesOf(B)]);
    expect(killsOf(reports)).toEqual([1, 2, 5_001]);
    expect(reports.map(withoutRecords)[1]).toEqual(reportOf(B));
  });

  test("a kill that the table does not list is no member", () => {
    const reports = read([...linesOf(A).slice(0, -1), group(cgroupOf(A)), kill(1_001), kill(77)]);
    expect(reports.map(({ victims }) => victims.map(({ pid, groupKill }) => [pid, groupKill]))).toEqual([
      [[1_001, true]],
      [[77, false]],
    ]);
  });

  test("the first victim's own line is lost: its report is still the group's", () => {
    const [report, ...more] = read([...part(A, "invoked", "oom-kill:"), group(cgroupOf(A)), kill(1_002), kill(1_001)]);
    expect(more).toEqual([]);
    expect(report?.victims.map(({ pid, groupKill }) => [pid, groupKill])).toEqual([
      [1_002, true],
      [1_001, true],
    ]);
    expect(report?.missing).toEqual([]);
  });

  test("the group's own line is lost: the first victim is still one", () => {
    expect(killsOf(read([kill(1), kill(2), kill(1)]))).toEqual([1, 2]);
  });

  test("another cgroup's report is not the group's", () => {
    const reports = read([...linesOf(A), group("/another"), kill(7)]);
    expect(reports.map(withoutRecords)[0]).toEqual(reportOf(A));
    expect(reports[1]).toMatchObject({ groupKillCgroup: "/another", victims: [{ pid: 7, groupKill: true }] });
  });
});

describe("the reaper", () => {
  const reaped = (pid: number): string =>
    `oom_reaper: reaped process ${pid} (x), now anon-rss:${pid}kB, file-rss:0kB, shmem-rss:0kB`;

  test("comes between the lines of the next report, and is the victim's that it names", () => {
    const reports = read([
      kill(1),
      ...part(B, "invoked", "swap:"),
      reaped(1),
      ...part(B, "Memory cgroup stats", "reaped"),
    ]);
    expect(reports[0]?.victims[0]?.reaper).toMatchObject({ outcome: "reaped", anonRssKb: 1 });
    expect(reports.map(withoutRecords)[1]).toEqual(reportOf(B));
  });

  test("that could not, and one of a process that nobody knows", () => {
    const reports = read([kill(1), "oom_reaper: unable to reap pid:1 (x)", reaped(99)]);
    expect(reports.map(({ victims }) => victims.map(({ reaper }) => reaper))).toEqual([[{ outcome: "unable" }]]);
  });
});

describe("no kill", () => {
  test.each([
    [
      "Memory cgroup out of memory: OOM victim 1001 (alpha) is already exiting. Skip killing the task",
      "already_exiting",
    ],
    ["Out of memory and no killable processes...", "no_killable_process"],
    ["Kernel panic - not syncing: System is deadlocked on memory", "panic"],
  ])("%s", (text, outcome) => {
    const reports = read([...part(A, "invoked", "oom-kill:"), text, ...linesOf(B)]);
    expect(reports[0]).toMatchObject({ outcome, victims: [] });
    expect(reports.map(withoutRecords)[1]).toEqual(reportOf(B));
  });

  test.each([
    [
      "a page allocation failure",
      [
        "java: page allocation failure: order:4, mode:0xcc0(GFP_KERNEL), nodemask=(null)",
        "CPU: 0 PID: 5 Comm: java Not tainted 6.1.0 #1",
        "Mem-Info:",
        "active_anon:1 inactive_anon:2",
        "5 pages RAM",
      ],
    ],
    ["Mem-Info of SysRq-m", ["sysrq: Show Memory", "Mem-Info:", "active_anon:1 inactive_anon:2", "5 pages RAM"]],
    [
      "talk about kills",
      ["Would have Killed process", "Killed process", "process 5 was Killed", "oom_reaper: starting"],
    ],
    ["a kill line that a program quotes", ['say "Killed process 5 (x)"', "xKilled process 5 (x)"]],
  ])("%s", (_, lines) => {
    expect(read(lines)).toEqual([]);
  });

  test("a page allocation failure after a report does not give it another Mem-Info", () => {
    const global = { ...A, style: "global" as const };
    const failure = ["java: page allocation failure: order:4", "Mem-Info:", "active_anon:9 free:9", "9 pages RAM"];
    expect(read([...linesOf(global), ...failure]).map(withoutRecords)).toEqual([reportOf(global)]);
  });

  test("a user-space record, whatever it says", () => {
    expect(read([...linesOf(A), kill(1)].map((text) => line(text, { origin: "user" })))).toEqual([]);
  });

  test("where the facility is lost, a kill line of another level than the kernel's", () => {
    expect(read([line(kill(1), { origin: "unknown", level: 4 })])).toEqual([]);
    expect(killsOf(read([line(kill(1), { origin: "unknown", level: 3 })]))).toEqual([1]);
    expect(killsOf(read([line(kill(1), { origin: "unknown" })]))).toEqual([1]);
  });
});

test("in text of unknown beginning, and there alone, anything may stand before a whole kill line", () => {
  const text = `node-7 kernel: ${kill(5)}`;
  expect(killsOf(read([line(text, { textStart: "unknown" })]))).toEqual([5]);
  expect(killsOf(read([line(text)]))).toEqual([]);
});

describe("split lines", () => {
  const summary = part(A, "oom-kill:", "oom-kill:")[0] ?? "";
  const [first, second] = [summary.slice(0, 100), summary.slice(100)];
  const around = (pieces: (string | KernelRecord)[]): (string | KernelRecord)[] => [
    ...part(A, "invoked", "[1001]"),
    ...pieces,
    ...part(A, "Killed process", "reaped"),
  ];

  test("a summary in two printk records", () => {
    const pieces = [line(first, { flag: "-" }), line(second, { flag: "c" })];
    expect(read(around(pieces)).map(withoutRecords)).toEqual([reportOf(A)]);
  });

  test("another line between its pieces", () => {
    const pieces = [line(first, { flag: "-" }), "noise", line(second, { flag: "c" })];
    expect(read(around(pieces)).map(withoutRecords)).toEqual([reportOf(A)]);
  });

  test("its second piece is lost: the kill keeps the rest of its report", () => {
    const [report] = read(around([line(first)]));
    expect(report?.victims).toHaveLength(1);
    expect(report?.summary).toBeUndefined();
    expect(report).toMatchObject({ memory: { usageKb: 1_030 } });
  });

  test("a line break in a name makes two lines", () => {
    const [report, ...more] = read([
      "Out of memory: Killed process 5 (a",
      "b) total-vm:1kB, anon-rss:2kB, file-rss:3kB",
    ]);
    expect(more).toEqual([]);
    expect(report?.victims).toMatchObject([{ pid: 5, comm: "a\nb", totalVmKb: 1, truncated: false }]);
  });

  test("a kill line that ends within its name or figures is a kill all the same", () => {
    expect(read(["Out of memory: Killed process 5 (ja"])[0]?.victims).toMatchObject([
      { pid: 5, comm: "ja", truncated: true },
    ]);
    expect(read([kill(123_456).slice(0, 80)])[0]?.victims).toMatchObject([
      { pid: 123_456, comm: "x", totalVmKb: 123_456, truncated: true },
    ]);
  });

  test("3.15 to 3.18: `Task in` in three records", () => {
    const [report] = read([
      "a invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=0",
      "Task in /a/b",
      " killed as a result of limit of /a",
      "",
      "Killed process 5 (x) total-vm:1kB, anon-rss:2kB, file-rss:3kB",
    ]);
    expect(report).toMatchObject({
      victimCgroup: "/a/b",
      limitCgroup: "/a",
      constraint: "memcg",
      victims: [{ pid: 5 }],
    });
  });
});

test("5.4 and 5.5 print bytes after pgtables: and call them kB", () => {
  const [report] = read([
    "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name",
    "[  5]     0 5     1      1    163840        0             0 x",
    "Out of memory: Killed process 5 (x) total-vm:1kB, anon-rss:2kB, file-rss:3kB, shmem-rss:4kB, UID:0 pgtables:163840kB oom_score_adj:0",
  ]);
  expect(report?.victims[0]?.pgtablesKb).toBe(160);
});

test("reports that the rate limit dropped are told at once", () => {
  const assembler = createOomAssembler();
  const record = line("oom_kill_process: 71 callbacks suppressed");
  expect(assembler.push(record, 0)).toEqual([{ kind: "suppressed", suppressed: { count: 71, record } }]);
});

describe("how long a report is held", () => {
  function pushed(lines: readonly string[]): ReturnType<typeof createOomAssembler> {
    const assembler = createOomAssembler();
    for (const text of lines) expect(assembler.push(line(text), 1_000)).toEqual([]);
    return assembler;
  }

  test("a kill: 300 ms after its last line", () => {
    const assembler = pushed([kill(1)]);
    expect(assembler.idle).toBe(false);
    expect(assembler.tick(1_300)).toEqual([]);
    expect(killsOf(reportsOf(assembler.tick(1_301)))).toEqual([1]);
    expect(assembler.idle).toBe(true);
    expect(assembler.flush()).toEqual([]);
  });

  test("a kill: 16 other records after its last line", () => {
    const assembler = pushed([kill(1), ...Array.from({ length: 16 }, () => "noise")]);
    expect(killsOf(reportsOf(assembler.push(line("noise"), 1_000)))).toEqual([1]);
  });

  test("the reaper's line does not prolong it", () => {
    const assembler = pushed([kill(1)]);
    expect(assembler.push(line("oom_reaper: unable to reap pid:1 (x)"), 1_250)).toEqual([]);
    expect(killsOf(reportsOf(assembler.tick(1_301)))).toEqual([1]);
  });

  test("a cut kill line that waits for its rest: 300 ms", () => {
    const assembler = pushed(["Out of memory: Killed process 5 (ja"]);
    expect(assembler.tick(1_300)).toEqual([]);
    expect(killsOf(reportsOf(assembler.tick(1_301)))).toEqual([5]);
  });

  test("a report without its kill: 10 s, for a slow console prints a long table", () => {
    const assembler = pushed(part(A, "invoked", "swap:"));
    expect(assembler.tick(11_000)).toEqual([]);
    expect(reportsOf(assembler.tick(11_001))).toMatchObject([{ victims: [], outcome: "incomplete" }]);
  });

  test("a report without its kill: 1,024 other records", () => {
    const assembler = pushed([...part(A, "invoked", "swap:"), ...Array.from({ length: 1_024 }, () => "noise")]);
    expect(reportsOf(assembler.push(line("noise"), 1_000))).toMatchObject([{ outcome: "incomplete" }]);
  });

  test("a head whose clock has gone back is another log's: what was under way lends it nothing", () => {
    const assembler = pushed(part(A, "invoked", "swap:"));
    const seen = linesOf(B).flatMap((text) => assembler.push(line(text), -2_000));
    expect(reportsOf([...seen, ...assembler.flush()]).map(withoutRecords)[1]).toEqual(reportOf(B));
  });

  test("a clock that goes back means another log", () => {
    const assembler = pushed(part(A, "invoked", "swap:"));
    expect(reportsOf(assembler.push(line("noise"), -20_000))).toMatchObject([{ outcome: "incomplete" }]);
  });
});

describe("bounds", () => {
  test("reports under way: heads without end leave one by one", () => {
    const assembler = createOomAssembler();
    let left = 0;
    for (let caller = 0; caller < 1_000; caller++) {
      left += assembler.push(line(linesOf(A)[0] ?? "", { caller: `T${caller}` }), 0).length;
    }
    expect(left).toBe(1_000 - 16);
  });

  test("records of a report: its first and its last, and no more than 512", () => {
    const rows = Array.from(
      { length: 2_000 },
      (_, index) => `[${index + 1}]     0 ${index + 1}     1      1    1        0             0 x`,
    );
    const [report] = read([...part(A, "invoked", " name"), ...rows, ...part(A, "oom-kill:", "reaped")]);
    expect(report?.records).toHaveLength(512);
    expect(report?.records[0]?.text).toContain("invoked oom-killer");
    expect(report?.records.at(-1)?.text).toContain("Killed process 1001");
    expect(report?.tasks).toHaveLength(2_000);
  });
});
