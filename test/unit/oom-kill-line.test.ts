/** The kill line: each kernel's wording, names that look like the rest of the line, and lines that were cut. */
import { describe, expect, test } from "vitest";
import { encodeBytes } from "../../parsers/bytes.ts";
import { KILLED_WORDINGS, parseCutKillLine, parseEmbeddedKillLine, parseKillLine } from "../../parsers/oom/killed.ts";
import { HOSTILE_NAMES, rowsThatRead } from "../wordings.ts";

const SIZES = { totalVmKb: 67680, anonRssKb: 56796, fileRssKb: 4080 };
const JAVA = { pid: 4321, comm: "java", truncated: false };

test.each([
  [
    "killed/uid-pgtables-adj",
    {
      pid: 13233,
      comm: "java",
      constraint: "memcg",
      truncated: false,
      ...SIZES,
      shmemRssKb: 0,
      uid: 0,
      pgtablesKb: 172,
      oomScoreAdj: 0,
    },
  ],
  ["killed/total-vm", { ...JAVA, constraint: "unknown", ...SIZES, shmemRssKb: 0 }],
  ["killed/rhel7-uid", { ...JAVA, constraint: "unknown", ...SIZES, shmemRssKb: 0, uid: 1000 }],
  ["killed/rhel6-uid", { ...JAVA, comm: "httpd", constraint: "unknown", ...SIZES, uid: 48 }],
  ["killed/vsz", { ...JAVA, comm: "httpd", constraint: "unknown", ...SIZES }],
  ["killed/rhel5-uid", { ...JAVA, pid: 2817, comm: "mysqld", constraint: "none", uid: 27 }],
  ["killed/name-only", { ...JAVA, comm: "httpd", constraint: "none" }],
])("%s reads its example", (name, line) => {
  const row = KILLED_WORDINGS.find((wording) => wording.name === name);
  expect(rowsThatRead(() => parseKillLine(row?.example ?? ""))).toEqual([name]);
  expect(parseKillLine(row?.example ?? "")).toEqual(line);
});

test("every wording is tested here", () => {
  expect(KILLED_WORDINGS).toHaveLength(7);
});

const TAIL = "total-vm:1kB, anon-rss:2kB, file-rss:3kB, shmem-rss:4kB, UID:4294967294 pgtables:5kB oom_score_adj:-1000";

describe("the prefix says which kind of limit it was", () => {
  test.each([
    ["Memory cgroup out of memory: ", "memcg", undefined],
    ["Out of memory: ", "none", undefined],
    ["Out of Memory: ", "none", undefined],
    ["Out of memory (oom_kill_allocating_task): ", "none", undefined],
    ["No available memory (MPOL_BIND): ", "memory_policy", undefined],
    ["No available memory in cpuset: ", "cpuset", undefined],
    ["", "unknown", undefined],
    ["kernel: Memory cgroup out of memory: ", "memcg", "kernel: Memory cgroup out of memory: "],
    ["kernel: Out of memory: ", "none", "kernel: Out of memory: "],
    ["my log: ", "unknown", "my log: "],
    // A key of every object is no prefix of the kernel's.
    ["constructor", "unknown", "constructor"],
  ])("%j", (prefix, constraint, foreignPrefix) => {
    const text = `${prefix}Killed process 1 (a) ${TAIL}`;
    const whole = parseKillLine(text);
    const embedded = parseEmbeddedKillLine(text);
    if (foreignPrefix === undefined) expect(whole).toMatchObject({ pid: 1, constraint });
    else expect(whole).toBeUndefined();
    // A word that runs into the line is none of a wrapper's.
    if (foreignPrefix === "constructor") expect(embedded).toBeUndefined();
    else if (foreignPrefix !== undefined) expect(embedded).toMatchObject({ pid: 1, constraint, foreignPrefix });
  });
});

const SHAPES: [name: string, build: (comm: string) => string][] = [
  ["killed/uid-pgtables-adj", (comm) => `Memory cgroup out of memory: Killed process 77 (${comm}) ${TAIL}`],
  ["killed/total-vm", (comm) => `Killed process 77 (${comm}) total-vm:1kB, anon-rss:2kB, file-rss:3kB`],
  ["killed/rhel7-uid", (comm) => `Killed process 77 (${comm}), UID 9, total-vm:1kB, anon-rss:2kB, file-rss:3kB`],
  ["killed/rhel6-uid", (comm) => `Killed process 77, UID 9, (${comm}) total-vm:1kB, anon-rss:2kB, file-rss:3kB`],
  ["killed/vsz", (comm) => `Killed process 77 (${comm}) vsz:1kB, anon-rss:2kB, file-rss:3kB`],
  ["killed/rhel5-uid", (comm) => `Out of memory: Killed process 77, UID 9, (${comm}).`],
  ["killed/name-only", (comm) => `Out of Memory: Killed process 77 (${comm}).`],
];

const hasNoSizes = (name: string): boolean => name === "killed/name-only" || name === "killed/rhel5-uid";

describe.each(SHAPES)("%s", (name, build) => {
  test.each(HOSTILE_NAMES)("keeps the name %j and its own figures", (comm) => {
    const text = build(encodeBytes(comm));
    expect(rowsThatRead(() => parseKillLine(text))).toEqual([name]);
    const line = parseKillLine(text);
    expect(line).toMatchObject({ pid: 77, comm, truncated: false });
    expect(line?.totalVmKb).toBe(hasNoSizes(name) ? undefined : 1);
    expect(line?.anonRssKb).toBe(hasNoSizes(name) ? undefined : 2);
  });

  test("a name that is not UTF-8 is decoded leniently", () => {
    expect(parseKillLine(build("w\xff\xfeb"))?.comm).toBe("w\ufffd\ufffdb");
  });

  test.each(["java", ...HOSTILE_NAMES])("cut anywhere, with the name %j, it never gives a wrong figure", (comm) => {
    const text = build(encodeBytes(comm));
    const whole = parseKillLine(text);
    for (let end = 0; end < text.length; end++) {
      const cut = text.slice(0, end);
      const line = parseKillLine(cut) ?? parseCutKillLine(cut);
      if (line === undefined) continue;
      const { comm: _, truncated, constraint, ...figures } = line;
      // Nothing tells that the last figure of the longest wording was cut, where a digit of it is left.
      if (!truncated) delete figures.oomScoreAdj;
      expect(whole, cut).toMatchObject({ constraint, ...figures });
    }
  });

  test("cut within an ordinary name's line it never gives a longer name", () => {
    const text = build("java");
    for (let end = text.indexOf("java"); end < text.length; end++) {
      const cut = text.slice(0, end);
      expect("java".startsWith((parseKillLine(cut) ?? parseCutKillLine(cut))?.comm ?? ""), cut).toBe(true);
    }
  });
});

test("a cut line says so, and what it lost is absent", () => {
  expect(
    parseCutKillLine("Memory cgroup out of memory: Killed process 13233 (java) total-vm:67680kB, anon-rss:567"),
  ).toEqual({
    pid: 13233,
    comm: "java",
    constraint: "memcg",
    truncated: true,
    totalVmKb: 67680,
  });
});

test("a wording of a kernel to come: the figures that are known are read", () => {
  const line =
    "Out of memory: Killed process 5 (java) total-vm:1kB, anon-rss:2kB, new-rss:7kB, file-rss:3kB, UID:4 later:1";
  expect(parseKillLine(line)).toBeUndefined();
  expect(parseCutKillLine(line)).toMatchObject({
    pid: 5,
    comm: "java",
    totalVmKb: 1,
    anonRssKb: 2,
    fileRssKb: 3,
    uid: 4,
  });
});

describe("no kill line", () => {
  test.each([
    "",
    "Killed process",
    "Killed process 12",
    "Killed process x (java) total-vm:1kB, anon-rss:2kB, file-rss:3kB",
    "killed process 12 (java)",
    "Memory cgroup out of memory: Kill process 4321 (java) score 1000 or sacrifice child",
    "Memory cgroup out of memory: OOM victim 4321 (java) is already exiting. Skip killing the task",
    "Would have killed process 4321 (java)",
  ])("%j", (text) => {
    expect(parseKillLine(text) ?? parseCutKillLine(text)).toBeUndefined();
  });
});
