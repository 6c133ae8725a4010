/** A kill that comes again is the same kill; what is remembered is bounded. */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { LogRecord } from "../../../src/record/log-record.ts";
import { createSeen } from "../../../src/replay/dedupe.ts";
import { MAX_COMPARED } from "../../../src/replay/recent-rows.ts";
import { runCli } from "../../cli-process.ts";
import { countExecutedBlocks } from "../../executed-blocks.ts";

const UID = "0f".repeat(16);

let uids = 0;

/** A record of a kill as another format has it: another UID each. */
function record(more: Partial<LogRecord["attributes"]> & { us?: number; host?: string } = {}): LogRecord {
  const { us, host, ...attributes } = more;
  return {
    ...(us === undefined ? {} : { timestampUs: us }),
    severityText: "ERROR",
    severityNumber: 17,
    eventName: "oom.kill",
    body: "",
    resource: host === undefined ? {} : { "host.name": host },
    attributes: {
      "log.record.uid": (uids++).toString(16).padStart(32, "0"),
      "process.pid": 7,
      "oom.victim.total_vm": 1024,
      "oom.victim.anon_rss": 512,
      "oom.victim.file_rss": 0,
      ...(attributes as LogRecord["attributes"]),
    },
  };
}

const SECOND = 1_000_000;
const pairs: [what: string, one: LogRecord, other: LogRecord, isOne: boolean][] = [
  ["the same UID", record({ "log.record.uid": UID }), record({ "log.record.uid": UID, "process.pid": 8 }), true],
  ["no time in either", record(), record(), true],
  [
    "the kernel's time in one, wall time in the other",
    record({ "oom.kernel.monotonic": 5.5 }),
    record({ us: 1 }),
    true,
  ],
  [
    "the same time of the kernel's",
    record({ "oom.kernel.monotonic": 5.5 }),
    record({ "oom.kernel.monotonic": 5.5 }),
    true,
  ],
  [
    "another time of the kernel's",
    record({ "oom.kernel.monotonic": 5.5 }),
    record({ "oom.kernel.monotonic": 5.6 }),
    false,
  ],
  ["wall times a second apart", record({ us: 10 * SECOND }), record({ us: 11 * SECOND }), true],
  ["wall times a minute apart", record({ us: 10 * SECOND }), record({ us: 70 * SECOND }), false],
  ["other boots", record({ "oom.kernel.boot_id": "a" }), record({ "oom.kernel.boot_id": "b" }), false],
  ["other hosts", record({ host: "a" }), record({ host: "b" }), false],
  ["another process", record(), record({ "process.pid": 8 }), false],
  ["another size", record(), record({ "oom.victim.anon_rss": 513 }), false],
];

test.each(pairs)("%s", (_, one, other, isOne) => {
  const seen = createSeen();
  expect(seen.add(one)).toBe(true);
  expect(seen.add(other)).toBe(!isOne);
});

test("without figures only the UID tells", () => {
  const bare = (): LogRecord => {
    const { "oom.victim.anon_rss": _, ...attributes } = record().attributes;
    return { ...record(), attributes };
  };
  const seen = createSeen();
  expect([seen.add(bare()), seen.add(bare())]).toEqual([true, true]);
});

test("a kill is new again when it has been forgotten", () => {
  const seen = createSeen(2);
  const [a, b, c] = [1, 2, 3].map((pid) => record({ "process.pid": pid })) as [LogRecord, LogRecord, LogRecord];
  expect([a, a, b, a, c, b, a].map((one) => seen.add(one))).toEqual([true, false, true, false, true, false, true]);
});

test("time is linear in kills of the same figures, none of which is another", async () => {
  const steps = (kills: number): Promise<number> =>
    countExecutedBlocks(() => {
      const seen = createSeen();
      for (let kill = 0; kill < kills; kill++) seen.add(record({ "oom.kernel.monotonic": kill }));
    });
  const [one, twice] = [await steps(2000), await steps(4000)];
  expect(twice / one).toBeLessThan(2.5);
});

test("of kills of the same figures the last are remembered", () => {
  const seen = createSeen();
  for (let kill = 0; kill < 4000; kill++) expect(seen.add(record({ "oom.kernel.monotonic": kill }))).toBe(true);
  expect(seen.add(record({ "oom.kernel.monotonic": 3999 }))).toBe(false);
  expect(seen.add(record({ "oom.kernel.monotonic": 3999 - MAX_COMPARED + 1 }))).toBe(false);
});

const captures: [what: string, names: string[], kills: number][] = [
  [
    "one kill in seven formats",
    ["kmsg", "dmesg", "dmesg-T", "dmesg-iso", "dmesg-r", "dmesg-x", "dmesg.json"].map(
      (ending) => `v1-6.18/01-container-limit.${ending}`,
    ),
    1,
  ],
  ["three kills, twice in one file", ["formats/wrappers-three/mixed-duplicate.log"], 3],
  ["a report that was written twice", ["composed/repeated.log"], 1],
  ["two processes of one pid", ["composed/pid-reused.log"], 2],
];

test.each(captures)("%s", async (_, names, kills) => {
  const files = names.map((name) => fileURLToPath(new URL(`../../captures/${name}`, import.meta.url)));
  const { stdout } = await runCli(["replay", "--output", "ndjson", ...files]);
  const events = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).eventName);
  expect(events.filter((event) => event === "oom.kill")).toHaveLength(kills);
});
