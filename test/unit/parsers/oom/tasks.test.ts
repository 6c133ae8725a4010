/** The tasks table: each kernel's columns by their header, names with blanks, and rows that were cut. */
import { describe, expect, test } from "vitest";
import { encodeBytes } from "../../../../parsers/bytes.ts";
import { parseTaskRow, parseTasksHeader } from "../../../../parsers/oom/tasks.ts";
import { HOSTILE_NAMES } from "../../../wordings.ts";

const TABLES: [since: string, header: string, row: string, values: object][] = [
  [
    "6.8",
    "[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name",
    "[  14128]     7 14129    15008    13369    12309     1060         3   159744        2          -998 right",
    {
      pid: 14128,
      uid: 7,
      tgid: 14129,
      totalVm: 15008,
      rss: 13369,
      rssAnon: 12309,
      rssFile: 1060,
      rssShmem: 3,
      pgtablesBytes: 159744,
      swapents: 2,
      oomScoreAdj: -998,
      comm: "right",
    },
  ],
  [
    "5.0",
    "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name",
    "[    246]     0   246     1020      808    49152        0             0 member-b",
    {
      pid: 246,
      uid: 0,
      tgid: 246,
      totalVm: 1020,
      rss: 808,
      pgtablesBytes: 49152,
      swapents: 0,
      oomScoreAdj: 0,
      comm: "member-b",
    },
  ],
  [
    "4.15",
    "[ pid ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name",
    "[12345]     0 12345     1020      808    49152        0           100 java",
    {
      pid: 12345,
      uid: 0,
      tgid: 12345,
      totalVm: 1020,
      rss: 808,
      pgtablesBytes: 49152,
      swapents: 0,
      oomScoreAdj: 100,
      comm: "java",
    },
  ],
  [
    "4.3",
    "[ pid ]   uid  tgid total_vm      rss nr_ptes nr_pmds swapents oom_score_adj name",
    "[  412]     0   412     9237      921      21       3        4         -1000 systemd-udevd",
    { pid: 412, uid: 0, tgid: 412, totalVm: 9237, rss: 921, swapents: 4, oomScoreAdj: -1000, comm: "systemd-udevd" },
  ],
  [
    "3.x",
    "[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name",
    "[  412]     0   412     9237      921      21        4         -1000 udevd",
    { pid: 412, uid: 0, tgid: 412, totalVm: 9237, rss: 921, swapents: 4, oomScoreAdj: -1000, comm: "udevd" },
  ],
  [
    "2.6.32",
    "[ pid ]   uid  tgid total_vm      rss cpu oom_adj oom_score_adj name",
    "[  412]     0   412     9237      921   1     -17         -1000 udevd",
    { pid: 412, uid: 0, tgid: 412, totalVm: 9237, rss: 921, oomScoreAdj: -1000, comm: "udevd" },
  ],
  [
    "2.6.29",
    "[ pid ]   uid  tgid total_vm      rss cpu oom_adj name",
    "[  412]     0   412     9237      921   1     -17 udevd",
    { pid: 412, uid: 0, tgid: 412, totalVm: 9237, rss: 921, comm: "udevd" },
  ],
];

function columnsOf(header: string): NonNullable<ReturnType<typeof parseTasksHeader>> {
  const columns = parseTasksHeader(header);
  if (columns === undefined) throw new Error(`no header: ${header}`);
  return columns;
}

describe.each(TABLES)("since %s", (_, header, row, values) => {
  test("a row", () => {
    expect(parseTaskRow(row, columnsOf(header))).toEqual(values);
  });

  test("cut anywhere, a row gives no wrong figure", () => {
    for (let end = 0; end < row.length; end++) {
      const { comm, ...figures } = parseTaskRow(row.slice(0, end), columnsOf(header)) ?? { comm: "" };
      expect(values, row.slice(0, end)).toMatchObject(figures);
      expect(row.endsWith(` ${comm}`) || comm === "" || row.includes(` ${comm}`)).toBe(true);
    }
  });
});

const COLUMNS = columnsOf(TABLES[1]?.[1] ?? "");
const FIGURES = "[    246]     9   246     1020      808    49152        0           -10 ";

test.each(HOSTILE_NAMES)("the name %j", (comm) => {
  expect(parseTaskRow(FIGURES + encodeBytes(comm), COLUMNS)).toMatchObject({
    pid: 246,
    uid: 9,
    oomScoreAdj: -10,
    comm,
  });
});

test("figures wider than their columns", () => {
  const row = "[4194303] 4294967294 4194303 123456789 123456789 1234567890 123456789          1000 a";
  expect(parseTaskRow(row, COLUMNS)).toMatchObject({ pid: 4_194_303, uid: 4_294_967_294, totalVm: 123_456_789 });
});

test("a column of a kernel to come is passed over", () => {
  const columns = columnsOf("[  pid  ]   uid  tgid constructor rss name");
  expect(parseTaskRow("[  1] 2 3 4 5 a", columns)).toEqual({ pid: 1, uid: 2, tgid: 3, rss: 5, comm: "a" });
});

test.each(["[  123.456789] x", "[  1]", "[  1] a", "[  1]     0   1     10", "[ T123] 0 1 2 3 4 5 6 x", "", "[", "x"])(
  "no row: %j",
  (text) => {
    expect(parseTaskRow(text, COLUMNS)).toBeUndefined();
  },
);

test.each(["[  pid  ] name", "[  pid  ]", "pid uid name", "[    246]     9   246 name"])("no header: %j", (text) => {
  expect(parseTasksHeader(text)).toBeUndefined();
});
