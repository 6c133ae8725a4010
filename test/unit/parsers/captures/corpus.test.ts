/** Every capture of the corpus, in every format it was saved in, against the truth that was written down by reading it. */
import { describe, expect, test } from "vitest";
import {
  type Capture,
  describeKill,
  type ReadKill,
  readBytes,
  readCapture,
  readCorpus,
  type TrueKill,
} from "../../../corpus.ts";
import { OF_THE_REPORT } from "../../../expected-kills.ts";

const FIELDS = [
  "comm",
  "uid",
  "total_vm_kb",
  "anon_rss_kb",
  "file_rss_kb",
  "shmem_rss_kb",
  "pgtables_kb",
  "oom_score_adj",
  "constraint",
  "group_kill",
  "task_memcg",
  "oom_memcg",
] as const;

const corpus = readCorpus();

test("the corpus is there", () => {
  expect(corpus.length).toBeGreaterThan(240);
});

describe.each(corpus)("$name", (capture) => {
  const { kills } = readCapture(readBytes(capture.path), {
    context: { timezone: capture.tz, referenceUs: capture.referenceUs },
  });
  const readable = capture.kills.filter((kill) => !capture.lost.kills?.includes(kill.pid));

  test("as many kills as there are, each the right process", () => {
    const pids = kills.map(({ victim }) => victim.pid).filter((pid) => !capture.ambiguousPids.includes(pid));
    const expected = readable.map(({ pid }) => pid);
    // Where a capture holds a kill twice it is one kill: the replay tells that by the line.
    const found = /mixed-duplicate|repeated/.test(capture.name) ? [...new Set(pids)] : pids;
    expect(capture.anyOrder ? found.sort() : found).toEqual(capture.anyOrder ? expected.sort() : expected);
  });

  test.each(readable.map((kill, index) => ({ kill, index })))("kill of $kill.pid", ({ kill, index }) => {
    const nth = readable.slice(0, index).filter(({ pid }) => pid === kill.pid).length;
    const read = kills.filter(({ victim }) => victim.pid === kill.pid)[nth] as ReadKill;
    const described = describeKill(read);
    const wanted = wantedFields(capture, kill);
    expect(pick(described, Object.keys(wanted))).toEqual(wanted);
    expect(allowedNames(capture, kill)).toContain(described["comm"]);
    if (kill["trigger_pid"] === kill.pid && !capture.lost.head) {
      expect(allowedNames(capture, kill)).toContain(described["trigger_comm"]);
    }
    for (const [field, value] of Object.entries(capture.orNothing[String(kill.pid)] ?? {})) {
      expect([value, undefined], field).toContain(described[field]);
    }
    expectOrigin(capture, read);
    expectTime(capture, kill, read);
  });
});

function wantedFields(capture: Capture, kill: TrueKill): Record<string, unknown> {
  const lost = capture.lost.fields?.[String(kill.pid)] ?? [];
  const wanted: Record<string, unknown> = {};
  for (const field of [...FIELDS, ...(capture.lost.head ? [] : OF_THE_REPORT)]) {
    const isLost = lost.includes(field) || (capture.lost.head && isOfReport(field, kill));
    // Names are compared apart: a format may show one in several ways.
    if (field === "comm" || isLost || (field === "trigger_comm" && kill["trigger_pid"] === kill.pid)) continue;
    // No table at all is not an empty one.
    if (field in kill) wanted[field] = field === "tasks_listed" && kill[field] === 0 ? undefined : kill[field];
  }
  return wanted;
}

/** Without a head the kill line is all there is: no cgroup, nothing from the table. */
function isOfReport(field: string, kill: TrueKill): boolean {
  return field.endsWith("_memcg") || field === "group_kill" || (kill.from_table ?? []).includes(field);
}

function pick(from: Record<string, unknown>, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(keys.map((key) => [key, from[key]]));
}

function allowedNames(capture: Capture, kill: TrueKill): string[] {
  return [...(capture.lost.comm?.[String(kill.pid)] ?? []), kill.comm];
}

function expectOrigin(capture: Capture, { victim }: ReadKill): void {
  expect(victim.record.origin).not.toBe("user");
  if (capture.time === undefined || MIXED.test(capture.name)) return;
  const isKnown = !capture.lost.origin && !PRIORITY_ONLY.test(capture.name);
  expect(victim.record.origin).toBe(isKnown ? "kernel" : "unknown");
}

/** Some of its kills are in raw /dev/kmsg records, some in formats that lose the facility. */
const MIXED = /mixed/;
/**
 * A priority below 8 with nothing beside it: by the text alone it is not to be told whether the dmesg that printed it
 * is one that prints users' records so as well (util-linux before 2.39).
 */
const PRIORITY_ONLY = /(?:dmesg(?:-S)?-r|caller-syslog|new-dmesg-J)\.(?:log|json)$/;

/** What the clock of a format may be off, microseconds: seconds only, and daemons that stamp the moment of reading. */
const TOLERANCE_US = 2_100_000;

function expectTime(capture: Capture, kill: TrueKill, { victim }: ReadKill): void {
  const { monotonicUs, wallTimeUs } = victim.record;
  const { time = "", also } = capture;
  const trueMonotonicUs = kill["monotonic_us"] as number | undefined;
  if ((time === "monotonic" || also === "monotonic") && trueMonotonicUs !== undefined) {
    expect(Math.abs((monotonicUs ?? Number.NaN) - trueMonotonicUs)).toBeLessThanOrEqual(1);
  }
  if (time === "none" || time === "delta") expect(wallTimeUs).toBeUndefined();
  const trueWallUs = kill["wall_us"] as number | undefined;
  if (!time.startsWith("wall-") || trueWallUs === undefined) return;
  // A wrapper's time is when somebody logged the line: it is not taken for the kernel's.
  if (wallTimeUs === undefined) expect(capture.name).toMatch(/^wrappers-three\//);
  else if (time === "wall-min") expect(Math.abs(wallTimeUs - trueWallUs)).toBeLessThan(60_000_000);
  else expect(Math.abs(wallTimeUs - trueWallUs)).toBeLessThan(TOLERANCE_US);
}
