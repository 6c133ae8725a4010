/** The table for people: what is in it, that hostile names cannot break it, and that it fits. */
import { describe, expect, test } from "vitest";
import type { LogRecord } from "../../../../src/record/log-record.ts";
import { layOut } from "../../../../src/replay/table/layout.ts";
import { biggestUse, fullestCounter } from "../../../../src/replay/table/memory.ts";
import { toRow } from "../../../../src/replay/table/row.ts";
import { cutTo, pad, plainCell, widthOf } from "../../../../src/replay/table/text.ts";
import { capture, runCli } from "../../../cli-process.ts";

const GIB = 1024 ** 3;

function killOf(
  attributes: LogRecord["attributes"],
  resource: LogRecord["resource"] = {},
  timestampUs?: number,
): LogRecord {
  return {
    ...(timestampUs === undefined ? {} : { timestampUs }),
    severityText: "ERROR",
    severityNumber: 17,
    eventName: "oom.kill",
    body: "",
    resource,
    attributes: { "process.pid": 1, "process.executable.name": "x", "oom.scope": "unknown", ...attributes },
  };
}

describe("the table of real captures", () => {
  test("rows in the order of time, unknown as ?, and the summary", async () => {
    // Read from the captures: 460 has no report, 461 is in container a1a1…, 503 was killed as the node ran out.
    const { stdout, stderr, status } = await runCli(["replay", capture("v2-6.1/08-node-out-of-memory.kmsg")]);
    const lines = stdout.split("\n");
    expect(lines[0]).toMatch(/^SINCE BOOT +KILLED +PID +WHERE +LIMIT OF +USED\/LIMIT +VICTIM HELD/);
    expect(lines[1]).toMatch(/^\[ {3}60\.351585\] {2}worker-0 +460 +\? +\? +- +7\.9 MiB anon$/);
    expect(lines[2]).toMatch(
      /^\[ {3}60\.500280\] {2}worker-1 +461 +a1a1a1a1a1a1 pod 8f7d2\S+ +container +8\/8 MiB +7\.9 MiB anon$/,
    );
    expect(lines[5]).toMatch(
      /^\[ {3}71\.469677\] {2}node-eater +503 +free\.slice +node +507\.3\/511\.5 MiB +436\.2 MiB anon$/,
    );
    expect(lines[7]).toBe(
      "5 kills in 1 capture: 3 at a container's limit, 1 as the node ran out, 1 for an unknown limit.",
    );
    expect(stdout).toContain("1 kill without a cgroup: the log has the kill line but no report");
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  });

  test("a storm: how many kills have no cgroup, and why", async () => {
    const { stdout } = await runCli(["replay", capture("v1-6.18/06-storm-200-kills.kmsg")]);
    expect(stdout).toContain("200 kills in 1 capture: 40 at a container's limit, 160 for an unknown limit.");
    expect(stdout).toContain(
      "160 kills without a cgroup: the log has the kill line but no report (dropped by the kernel's",
    );
    // 62 + 50 + 44 `callbacks suppressed`
    expect(stdout).toContain("The kernel left 156 reports out of its log");
  });

  test("no colour in a pipe, colour where it is forced", async () => {
    const args = ["replay", capture("v1-6.18/01-container-limit.kmsg")];
    expect((await runCli(args)).stdout).not.toContain("\u001b");
    expect((await runCli(args, { env: { FORCE_COLOR: "1" } })).stdout).toContain("\u001b[1m");
  });

  test("assumed years and zones are named", async () => {
    const { stdout } = await runCli([
      "replay",
      "--year",
      "2026",
      capture("generated/155-gen-fmt-rsyslog-imklog-iso.log"),
    ]);
    expect(stdout).toContain("TIME (UTC)");
    const short = await runCli(["replay", "--year", "2026", capture("generated/161-gen-fmt-journalctl-short.log")]);
    expect(short.stdout).toContain("No year in the log: 2026 assumed; --year sets it.");
    expect(short.stdout).toContain("No time zone in the log");
  });
});

const HOSTILE: [name: string, shown: string][] = [
  ["java", "java"],
  ["a b", '"a b"'],
  ["new\nline", '"new\\x0aline"'],
  ["a\u001b[31mc", '"a\\x1b[31mc"'],
  ["a\u202ecba", '"a\\u{202e}cba"'],
  ['say "x"', '"say \\"x\\""'],
  ["❤\ufe0f", '"❤\\u{fe0f}"'],
  ["a\\x2db.service", "a\\x2db.service"],
  ["сервер", "сервер"],
  ["数据🚀job", "数据🚀job"],
  ["w\ufffd", "w\ufffd"],
];

test.each(HOSTILE)("the name %j is shown as %s", (name, shown) => {
  expect(plainCell(name)).toBe(shown);
  expect(toRow(killOf({ "process.executable.name": name })).comm).toBe(shown);
});

test.each([
  ["java", 4],
  ["сервер", 6],
  ["数据🚀job", 9],
  ["한국", 4],
  ["ｆｕｌｌ", 8],
  ["e\u0301", 1],
  ["✓", 1],
])("%s takes %i columns", (text, columns) => {
  expect(widthOf(text)).toBe(columns);
  expect(widthOf(pad(text, 20))).toBe(20);
});

test("a kill that no count confirms says so in its row", () => {
  expect(toRow(killOf({ "oom.attribution": "unverified", "oom.group_kill": true })).note).toBe("unverified, group");
});

test("what is too long loses its end, a path its beginning, and never half a wide character", () => {
  expect(cutTo("abcdef", 4, false)).toBe("abc…");
  expect(cutTo("/a/b/cdef", 5, true)).toBe("…cdef");
  expect(cutTo("数据数据", 6, false)).toBe("数据…");
  expect(cutTo("abc", 3, false)).toBe("abc");
});

test.each([80, 100, 120, 160, 240])("it fits %i columns, with every column in line", (width) => {
  const long = { "container.id": "7c1d".repeat(16), "k8s.pod.uid": "0f2a1d5c-7e64-4b0e-9d6b-3c2f1a5b7e90" };
  const figures = { "oom.memory.usage": GIB, "oom.memory.limit": GIB, "oom.victim.anon_rss": GIB, "oom.scope": "pod" };
  const rows = [
    toRow(killOf({ ...figures, "process.executable.name": "数据数据🚀" }, long, 1.7e15)),
    toRow(
      killOf({ "oom.victim.cgroup": `/a${"/long-name".repeat(20)}/end`, "oom.attribution": "inferred" }, {}, 1.7e15),
    ),
    toRow(killOf({ "process.pid": 4194303 }, {}, 1.7e15)),
  ];
  const lines = layOut(rows, width, (text) => text);
  for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(width);
  // Each row's pid stands below the column's head, whatever stands before it.
  const at = lines[0]?.indexOf("PID") ?? -1;
  for (const [index, pid] of ["1", "1", "4194303"].entries()) {
    const line = lines[index + 1] ?? "";
    expect(widthOf(line.slice(0, line.indexOf(` ${pid} `) + 1))).toBe(at);
  }
});

test.each([
  [{ "oom.scope": "pod", "oom.memory.usage": 0.5 * GIB, "oom.memory.limit": GIB }, "512 MiB/1 GiB"],
  [{ "oom.scope": "pod", "oom.memory.usage": GIB }, "1 GiB"],
  [
    {
      "oom.scope": "container",
      "oom.memory.usage": GIB,
      "oom.memory.limit": 4 * GIB,
      "oom.memsw.usage": 2 * GIB,
      "oom.memsw.limit": 2 * GIB,
    },
    "2/2 GiB +swap",
  ],
  [{ "oom.scope": "node", "oom.node.total": 4 * GIB, "oom.node.free": GIB }, "3/4 GiB"],
  [{ "oom.scope": "node" }, undefined],
])("how full: %j is %s", (attributes, shown) => {
  expect(fullestCounter(attributes)).toBe(shown);
});

test("what filled the memory need not be what the victim held: a tmpfs", () => {
  const attributes = {
    "oom.scope": "container",
    "oom.memory.usage": 1000,
    "oom.memcg.stats.anon": 100,
    "oom.memcg.stats.file": 850,
    "oom.memcg.stats.shmem": 840,
  };
  expect(biggestUse(attributes)).toBe("shmem 84%");
});
