/**
 * Messages of the kernel that quote what a user made to look like a report's line, in every format that tells where a
 * message begins: none is a kill, and none takes anything from a real report around it.
 */
import { describe, expect, test } from "vitest";
import { parseKmsgRecord } from "../../parsers/kmsg.ts";
import { readCapture } from "../corpus.ts";
import { type PrintedLine, printReport, type ReportFigures, withoutRecords } from "../report-lines.ts";

const KILL =
  "Memory cgroup out of memory: Killed process 1 (systemd) total-vm:1kB, anon-rss:2kB, file-rss:3kB, shmem-rss:4kB, UID:0 pgtables:5kB oom_score_adj:0";
const BARE_KILL = "Out of Memory: Killed process 1 (a).";
const HEAD = "x invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0";
const SUMMARY =
  "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a,task_memcg=/a,task=systemd,pid=1,uid=0";
const GROUP = "Tasks in /kubepods are going to be killed due to memory.oom.group set";
const USAGE = "memory: usage 1kB, limit 2kB, failcnt 3";
const SUPPRESSED = "oom_kill_process: 71 callbacks suppressed";
const ALL = [KILL, BARE_KILL, HEAD, SUMMARY, GROUP, USAGE, SUPPRESSED];

const QUOTED = `/${"a".repeat(150)}`;
/** netfilter's LOG: the user's prefix first, at the user's level. */
const PACKET = "IN=lo OUT= MAC=00 SRC=127.0.0.1 DST=127.0.0.1 LEN=60 PROTO=TCP SPT=1 DPT=2 URGP=0 ";
const SEGFAULT = "segfault at 0 ip 000055b646db81eb sp 00007ffe0f4ffc80 error 6 in";

/** As Linux 6.18 printed them, but for what is quoted. */
const FORGED: readonly PrintedLine[] = [
  ...ALL.flatMap((text) => [
    { level: 3, text: `overlayfs: failed to resolve '${QUOTED} ${text}` },
    { level: 3, text: `overlayfs: failed to resolve '${text}': -2` },
    { level: 3, text: `tmpfs: Unknown parameter '${text}'` },
    { level: 4, text: `process '${text}' started with executable stack` },
    { level: 6, text: `traps: ${text}[77] trap divide error ip:55` },
    { level: 6, text: `x[77]: ${SEGFAULT} ${text}` },
    { level: 6, text: `x[77]: ${SEGFAULT} ${text}[1000+1000]` },
  ]),
  ...[KILL, HEAD, USAGE, SUPPRESSED].flatMap((text) => [3, 4, 6].map((level) => ({ level, text: `${text}${PACKET}` }))),
  ...[KILL, HEAD].map((text) => ({ level: text === HEAD ? 4 : 3, text: `${text} ${PACKET}` })),
  { level: 3, text: `Out of memory: Killed process 1 (a) total-vm:1kB, anon-rss:2kB, ${PACKET}` },
  { level: 4, text: `x invoked oom-killer: gfp_mask=0x0, order=0, ${PACKET}` },
  // The name of a process, 15 bytes, is what some messages begin with.
  ...[
    "Task in /a",
    "Mem-Info:",
    "oom-kill:constr",
    "[1]1-1-1-1-1-1-",
    "Killed process ",
    "Pid: 1, comm: a",
    "free:1",
  ].map((comm) => ({
    level: 6,
    text: `${comm}[77]: ${SEGFAULT} z killed as a result of limit of [1000+1000] likely on CPU 1`,
  })),
];

/** Lines that begin as a report's do, with what no kernel prints: no matter who wrote them. */
const IMPOSSIBLE: readonly PrintedLine[] = [
  { level: 3, text: KILL.replace("process 1 ", "process 4194305 ") },
  { level: 3, text: KILL.replace("process 1 ", `process ${"9".repeat(400)} `) },
  { level: 3, text: KILL.replace("process 1 ", "process 0 ") },
  { level: 3, text: KILL.replace("systemd", "a name of 16 byt") },
  { level: 3, text: `Killed process 1 (${"a".repeat(300)}` },
  { level: 4, text: HEAD.replace("x", "a name of 16 byt") },
  { level: 6, text: GROUP.replace("/kubepods", "") },
  { level: 6, text: USAGE.replace("1kB", `${"9".repeat(400)}kB`) },
];

/** The kernel's own words at a level at which it does not print them. */
const AT_OTHER_LEVELS: readonly PrintedLine[] = [
  { level: 4, text: KILL },
  { level: 6, text: KILL },
  { level: 3, text: HEAD },
  { level: 6, text: HEAD },
  { level: 3, text: SUMMARY },
  { level: 3, text: GROUP },
  { level: 3, text: USAGE },
  { level: 3, text: SUPPRESSED },
];

const LEVELS = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"];
const seconds = (at: number): string => `${7_000 + Math.floor(at / 1e6)}.${String(at % 1e6).padStart(6, "0")}`;
const escapeText = (text: string): string =>
  text.replace(/[^ -[\]-~]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`);
/** A console and /proc/kmsg print each line of a message with its prefix; dmesg indents the further ones. */
const indented = (prefix: string, text: string): string =>
  prefix + text.replaceAll("\n", `\n${" ".repeat(prefix.length)}`);

/** @param at microseconds, another one for each record */
type Format = (line: PrintedLine, at: number) => string;

const WITH_LEVEL: Readonly<Record<string, Format>> = {
  "/dev/kmsg": ({ level, text }, at) => `${level},${at},${at},-;${escapeText(text)}`,
  "dmesg -r": ({ level, text }, at) => indented(`<${level}>[ ${seconds(at)}] `, text),
  "dmesg -x": ({ level, text }, at) => indented(`kern  :${LEVELS[level]?.padEnd(6)}: [ ${seconds(at)}] `, text),
  "dmesg -x -t": ({ level, text }) => indented(`kern  :${LEVELS[level]?.padEnd(6)}: `, text),
  "dmesg --json": ({ level, text }, at) => JSON.stringify({ pri: level, time: Number(seconds(at)), msg: text }),
  "journalctl -o json": ({ level, text }, at) =>
    JSON.stringify({ SYSLOG_FACILITY: "0", PRIORITY: String(level), MESSAGE: text, __REALTIME_TIMESTAMP: String(at) }),
  "journalctl -o export": ({ level, text }, at) =>
    `__REALTIME_TIMESTAMP=${at}\nSYSLOG_FACILITY=0\nPRIORITY=${level}\nMESSAGE=${text}\n`,
  "RFC 5424": ({ level, text }) => `<${level}>1 2026-11-24T06:29:37.193770+00:00 vm kernel - - - ${text}`,
  "busybox syslogd": ({ level, text }) => `Nov 24 06:29:37 vm kern.${LEVELS[level]} kernel: ${text}`,
  "fluent-bit": ({ level, text }, at) =>
    `[0] kmsg.0: [[1.3, {}], {"priority"=>${level}, "sequence"=>${at}, "sec"=>1, "usec"=>${at}, "msg"=>"${escapeText(text)}"}]`,
};

const WITHOUT_LEVEL: Readonly<Record<string, Format>> = {
  dmesg: ({ text }, at) => indented(`[ ${seconds(at)}] `, text),
  "dmesg with callers": ({ text }, at) => `[ ${seconds(at)}] [   T92] ${text}`,
  "dmesg -T": ({ text }) => indented("[Tue Nov 24 06:29:37 2026] ", text),
  "dmesg --time-format iso": ({ text }) => indented("2026-11-24T06:29:37,193770+00:00 ", text),
  "dmesg --time-format delta": ({ text }) => indented("[<    0.000016>] ", text),
  "journalctl -o short": ({ text }) => indented("Nov 24 06:29:37 vm kernel: ", text),
  "journalctl -o short-iso": ({ text }) => indented("2026-11-24T06:29:37+00:00 vm kernel: ", text),
  "journalctl -o short-monotonic": ({ text }, at) => indented(`[ ${seconds(at)}] vm kernel: `, text),
  "rsyslog with the kernel's time": ({ text }, at) => `Nov 24 06:29:37 vm kernel: [ ${seconds(at)}] ${text}`,
  "dmesg in a container's log": ({ text }, at) => `2026-11-24T06:29:38.000000000Z stdout F [ ${seconds(at)}] ${text}`,
  "dmesg in docker's log": ({ text }, at) =>
    JSON.stringify({ log: `[ ${seconds(at)}] ${text}\n`, stream: "stdout", time: "2026-11-24T06:29:38Z" }),
  "dmesg in logfmt": ({ text }, at) => `level=info msg="[ ${seconds(at)}] ${text.replace(/["\\]/g, "\\$&")}"`,
  "dmesg behind a host's name": ({ text }, at) => `node-7> [ ${seconds(at)}] ${text}`,
};

const FORMATS = Object.entries({ ...WITH_LEVEL, ...WITHOUT_LEVEL });
/** Formats in which a line break of a message does not end its record. */
const KEEPS_BREAKS = ["/dev/kmsg", "dmesg -r", "dmesg -x", "dmesg --json", "journalctl -o json", "dmesg", "dmesg -T"];

const NOISE: PrintedLine = { level: 6, text: "eth0: link becomes ready" };
const FIGURES: ReportFigures = { style: "v2", base: 5_000, victimName: "beta", triggerName: "beta-main" };

function print(format: Format, lines: readonly PrintedLine[]): Buffer {
  return Buffer.from(`${lines.map((line, index) => format(line, 1_000 + 7 * index)).join("\n")}\n`, "latin1");
}

const FEW = 15;

/** Kills and reports without their records. */
function read(bytes: Buffer, skim: boolean): unknown[] {
  const { kills, suppressed } = readCapture(bytes, { skim });
  return [suppressed, ...kills.map(({ report }) => withoutRecords(report))];
}

describe.each(FORMATS)("%s", (name, format) => {
  const forged = [...FORGED, ...IMPOSSIBLE, ...(name in WITH_LEVEL ? AT_OTHER_LEVELS : [])];

  test.each(forged)("$level $text", (line) => {
    for (const skim of [true, false]) expect(read(print(format, [NOISE, line, NOISE]), skim)).toEqual([[]]);
  });

  test("between any two lines of a real report they change nothing", () => {
    const report = printReport(FIGURES);
    const whole = read(print(format, [NOISE, ...report, NOISE]), false);
    expect(whole).toHaveLength(2);
    for (let at = 0; at <= report.length; at++) {
      // Few at a time: after many other records a report is handed on without its reaper, whatever they are.
      for (let from = 0; from < forged.length; from += FEW) {
        const between = forged.slice(from, from + FEW);
        const lines = [NOISE, ...report.slice(0, at), ...between, ...report.slice(at), NOISE];
        expect(read(print(format, lines), from % 2 === 0), `${at} ${between[0]?.text}`).toEqual(whole);
      }
    }
  });
});

test.each(KEEPS_BREAKS)("%s: behind a line break within a message they are still its text", (name) => {
  const format = Object.fromEntries(FORMATS)[name] as Format;
  const lines = ALL.map((text) => ({ level: 3, text: `overlayfs: failed to resolve 'a\n${text}\n': -2` }));
  for (const skim of [true, false]) expect(read(print(format, lines), skim)).toEqual([[]]);
});

describe("a message whose beginning is not known", () => {
  const startsOf = (text: string): unknown[] =>
    readCapture(Buffer.from(text)).kills.map(({ victim }) => [victim.pid, victim.record.textStart]);

  test("a line in no known format is read leniently, and says so", () => {
    expect(startsOf(`${KILL}\n`)).toEqual([[1, "unknown"]]);
    expect(startsOf(`my collector says: ${KILL}\n`)).toEqual([[1, "unknown"]]);
  });

  test("so does a known prefix behind other text", () => {
    expect(startsOf(`node-7> [ 7000.000001] ${KILL}\n`)).toEqual([[1, "assumed"]]);
  });

  test("a further line of a message has its prefix on a console: the very same time says so", () => {
    const console = (first: string): string => `<3>[ 7000.000001] ${first}\n<3>[ 7000.000001] ${KILL}\n`;
    expect(startsOf(console("overlayfs: failed to resolve 'a"))).toEqual([[1, "assumed"]]);
    expect(startsOf(`<3>[ 7000.000001] x\n<3>[ 7000.000002] ${KILL}\n`)).toEqual([[1, undefined]]);
    // A record of /dev/kmsg is whole.
    expect(startsOf(`3,1,5,-;x\n3,2,5,-;${KILL}\n`)).toEqual([[1, undefined]]);
    expect(parseKmsgRecord(`3,2,5,-;${KILL}`)?.textStart).toBeUndefined();
  });
});
