/** The kills of a capture in the words of its `.expected.json`: one flat object a kill, what the text does not hold left out. */
import { toKills } from "../src/correlate/from-report.ts";
import type { Kill } from "../src/correlate/kill.ts";
import { describeKill } from "./corpus.ts";
import { readReports } from "./kills.ts";

/** As test/captures/README.md describes it; sizes in kB as printed. */
export type ExpectedKill = Readonly<Record<string, unknown>>;

/** Fields that only the report's head and body tell: lost with them. */
export const OF_THE_REPORT = [
  "trigger_comm",
  "trigger_pid",
  "usage_kb",
  "limit_kb",
  "failcnt",
  "tasks_listed",
] as const;
/** What a kill says for itself: `tgid` from its row in the table. */
const OF_THE_VICTIM = [
  "pid",
  "comm",
  "tgid",
  "constraint",
  "uid",
  "total_vm_kb",
  "anon_rss_kb",
  "file_rss_kb",
  "shmem_rss_kb",
  "pgtables_kb",
  "oom_score_adj",
  "oom_memcg",
  "task_memcg",
  "monotonic_us",
  "nodemask",
  "cpuset",
] as const;

export function readKills(capture: string): Kill[] {
  return readReports(capture).reports.flatMap(toKills);
}

/** The kill's fields under the names of expected.json, as far as the case names such a field at all. */
export function toExpected(kill: Kill, expected: ExpectedKill): ExpectedKill {
  const { victim, report, record } = kill;
  const all: Record<string, unknown> = {
    ...describeKill({ victim, report }),
    tgid: report.tasks?.find((task) => task.pid === victim.pid)?.tgid,
    oom_memcg: kill.limitCgroup,
    task_memcg: kill.victimCgroup,
    monotonic_us: record.monotonicUs,
    nodemask: report.summary?.nodemask,
    cpuset: report.summary?.cpuset,
  };
  // Of a group kill's other members the case does not repeat what the report says; the rest it always names.
  const isMember = expected["group_kill"] === true && expected["trigger_comm"] === undefined;
  const optional = ["tgid", "monotonic_us", "nodemask", "cpuset", ...(isMember ? OF_THE_REPORT : [])];
  const keys = [...OF_THE_VICTIM, ...OF_THE_REPORT].filter(
    (key) => (key in expected && !(key === "tgid" && isBare(expected))) || !optional.includes(key),
  );
  return Object.fromEntries(keys.map((key) => [key, all[key]]));
}

/** What the case says of a kill, under the same names. */
export function ofCase(expected: ExpectedKill): ExpectedKill {
  const keys: readonly string[] = [...OF_THE_VICTIM, ...OF_THE_REPORT];
  const isTold = ([key, value]: [string, unknown]): boolean =>
    // Without a table its length is 0 for a person, and absent in a report; tgid is the truth, not the log's.
    keys.includes(key) && !(key === "tasks_listed" && value === 0) && !(key === "tgid" && isBare(expected));
  return Object.fromEntries(Object.entries(expected).filter(isTold));
}

/** The kernel's rate limit dropped all but its kill line. */
function isBare(expected: ExpectedKill): boolean {
  return expected["head_suppressed"] === true;
}
