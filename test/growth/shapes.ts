/** Inputs that were made to be slow to read, each at any size. */

export interface Shape {
  name: string;
  make(size: number): Buffer;
  /** bytes that are read at once; default 64 KiB */
  chunk?: number;
}

/** A report's lines, for what begins one. */
const HEAD = "java invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0";
const FIGURES = "total-vm:4kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:4kB oom_score_adj:0";
const SUMMARY =
  "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a,task_memcg=/a";
const TABLE = "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name";

/** One line, as long as wanted. */
function line(start: string, part: string, end = ""): Shape["make"] {
  return (size) => Buffer.from(start + repeat(part, size) + end, "latin1");
}

/** Many lines. */
function lines(part: string | ((index: number) => string), before = "", after = ""): Shape["make"] {
  return (size) => {
    let text = before;
    for (let index = 0; text.length < size; index++) text += `${typeof part === "string" ? part : part(index)}\n`;
    return Buffer.from(text + after, "latin1");
  };
}

function repeat(part: string, size: number): string {
  return part.repeat(Math.ceil(size / part.length));
}

function stamp(index: number): string {
  return `[${(100 + index / 1e6).toFixed(6).padStart(12)}]`;
}

/** Noise first, so that lines are passed over. */
const NOISE = Array.from({ length: 64 }, (_, index) => `${stamp(index)} eth0: up\n`).join("");

/** JSON in a string in JSON, a few times over. */
function nestedJson(size: number): Buffer {
  const log = (text: string): string => JSON.stringify({ log: `${text}\n`, stream: "stdout" });
  return Buffer.from(repeat(`${log(log(log(log(`${stamp(1)} eth0: up`))))}\n`, size));
}

/** As `kubectl get pods -o json` lays it out. */
function podList(size: number): Buffer {
  const pod = {
    kind: "Pod",
    metadata: { name: "checkout-7c9", namespace: "shop", labels: { app: "checkout", log: "x" } },
    status: { conditions: [{ type: "Ready", status: "True", message: "" }], containerStatuses: [{ ready: true }] },
  };
  const items = Array.from({ length: Math.ceil(size / 600) }, () => pod);
  return Buffer.from(JSON.stringify({ apiVersion: "v1", items, kind: "List" }, undefined, 4));
}

/** An object within the next, each with a key that a line may stand under. */
function deepObjects(size: number): Buffer {
  const depth = 40;
  const one = `${'{"log":1,"a":'.repeat(depth)}"${"x".repeat(2000)}"${"}".repeat(depth)}\n`;
  return Buffer.from(repeat(one, size));
}

function binaryField(size: number): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(size));
  return Buffer.concat([
    Buffer.from("_HOSTNAME=vm\nMESSAGE\n"),
    length,
    Buffer.from(repeat("\n", size)),
    Buffer.from("\n"),
  ]);
}

export const SHAPES: readonly Shape[] = [
  { name: "logfmt pairs", make: line("", 'level="x" ', "x") },
  { name: "logfmt, a line of 26 pairs each", make: lines(`${'level="x" '.repeat(26)}y`) },
  { name: "fluent-bit without its end", make: line("[0] kmsg: [", '{"log"=>"a\\"') },
  { name: "fluent-bit kmsg without its end", make: line("[0] kmsg.0: [", '{"priority"=>4, "sequence"=>9, ') },
  { name: "labels of Loki", make: line("{", 'job="kmsg",') },
  { name: "docker JSON in docker JSON", make: nestedJson },
  { name: "half-open JSON", make: lines('{"log":"x') },
  { name: "JSON that never closes", make: lines('"a": 1,', "{\n") },
  { name: "brackets, deep", make: lines("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[") },
  { name: "objects within objects", make: deepObjects },
  { name: "pretty-printed JSON", make: podList },
  {
    name: "a JSON document in one line",
    make: (size) => Buffer.from(JSON.stringify(JSON.parse(podList(size).toString()))),
  },
  { name: "a line without an end", make: line(NOISE, "x") },
  { name: "a line without an end, a few bytes at a time", make: line(NOISE, "x"), chunk: 64 },
  { name: "lines, a few bytes at a time", make: lines((index) => `${stamp(index)} eth0: up`), chunk: 16 },
  { name: "carriage returns", make: line("a", "\r", "\n") },
  { name: "carriage returns before a character", make: line("a", "\r", "b\r\n") },
  { name: "ANSI escapes", make: line(`${stamp(1)} \x1b[0m`, "\x1b[1;31", "\n") },
  { name: "ANSI strings without an end", make: line(`${stamp(1)} \x1b[0m`, "\x1b]0;", "\n") },
  { name: "HTML tags without an end", make: line("<html>\n", "<a ", "\n") },
  { name: "escapes of /dev/kmsg", make: lines(`6,1,1,-;${"\\x0a".repeat(500)}`) },
  { name: "dictionary of /dev/kmsg", make: lines((index) => ` KEY${index}=x`, "6,1,1,-;eth0: up\n") },
  { name: "quoted quotes", make: lines(`msg="${'\\"'.repeat(2000)}`) },
  { name: "stamps of syslog", make: line("", "Nov 24 10:37:42 vm ", "\n") },
  { name: "klog around klog", make: line("", "I1124 06:29:38.123456    1 kmsg.go:12] ", "\n") },
  { name: "stern's prefixes", make: lines(repeat("kmsg-x7k2p ", 4000)) },
  { name: "RFC 5424 data without an end", make: lines(`<6>1 2026-11-24T06:29:37Z a b c d ${'[x y="\\"'.repeat(500)}`) },
  { name: "brackets that begin a time", make: lines(` ${"[a b ".repeat(40)}`) },
  { name: "a binary field of the journal", make: binaryField },
  {
    name: "a field of journalctl's verbose",
    make: lines("            x", "Tue 2026-11-24 06:32:57.987738 UTC [s=e;i=9]\n    MESSAGE=x\n"),
  },
  { name: "a message's further lines", make: lines("               x", `${NOISE}${stamp(99)} hello\n`) },
  { name: "partial lines of CRI", make: lines("2026-11-24T06:29:38.000000000Z stdout P x") },
  { name: "zero bytes", make: line(NOISE, "\0") },
  { name: "UTF-16", make: (size) => Buffer.from(`\ufeff${NOISE}${lines("eth0: up")(size / 2).toString()}`, "utf16le") },
  {
    name: "broken at a terminal's edge",
    make: lines((index) => `${stamp(index)} ${"x".repeat(65)}\n${"y".repeat(80)}\n${"z".repeat(80)}`),
  },
  { name: "heads of reports", make: lines((index) => `${stamp(index)} ${HEAD}`) },
  {
    name: "rows of a table",
    make: lines(
      (index) =>
        `${stamp(index)} [  ${1000 + index}]     0  1000     6325     4922    98304        0             0 java`,
      `${stamp(0)} ${HEAD}\n${stamp(0)} ${TABLE}\n`,
    ),
  },
  {
    name: "words of a kill in noise, the kill far away",
    make: lines(
      () => `${stamp(1)} oom_kill: no`,
      NOISE,
      `${stamp(9)} Out of memory: Killed process 7 (java) ${FIGURES}\n`,
    ),
    chunk: 1 << 20,
  },
  { name: "beginnings of kill lines", make: lines(`${stamp(1)} ${"Killed process 1 (".repeat(400)}`) },
  {
    name: "tails of kill lines",
    make: lines(`${stamp(1)} Out of memory: Killed process 1 (${") total-vm:".repeat(600)}`),
  },
  { name: "names in a summary", make: lines(`${stamp(1)} ${SUMMARY}${",task_memcg=/a,task=".repeat(300)}`) },
  { name: "Tasks in", make: lines(`x: ${"Tasks in /".repeat(600)}`) },
];
