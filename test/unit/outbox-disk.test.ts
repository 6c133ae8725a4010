/** The outbox and a disk that does not do what it should: full, read-only, damaged, in use. */
import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { toReadableRecords } from "../../src/ship/otlp-record.ts";
import type { Unreadable } from "../../src/ship/outbox.ts";
import { OUTBOX_FILE, OutboxInUseError, SET_ASIDE_SUFFIX } from "../../src/ship/outbox-file.ts";
import { RETRY_MS } from "../../src/ship/outbox-tiers.ts";
import { decodeRecord } from "../../src/ship/stored-record.ts";
import {
  cleanUp,
  makeDirectory,
  numbered,
  numbersOf,
  onCleanUp,
  openTestOutbox,
  range,
  waiting,
} from "../outbox-fixture.ts";

afterEach(cleanUp);

const names = (outbox: { troubles: [string, unknown][] }): string[] => outbox.troubles.map(([name]) => name);

describe("a file that cannot be used is set aside, and the outbox begins anew", () => {
  const kept = range(0, 200).map((number) => numbered(number, 500));

  test.each<[string, (path: string) => void]>([
    ["not a database", (path) => writeFileSync(path, "no database, ".repeat(1000))],
    ["cut in the middle", (path) => truncateSync(path, Math.floor(statSync(path).size / 2 / 4096) * 4096)],
    [
      "overwritten in the middle",
      (path) => {
        const bytes = readFileSync(path);
        writeFileSync(path, bytes.fill(0xa5, 4096, 12 * 4096));
      },
    ],
    [
      "of another version",
      (path) => {
        const database = new DatabaseSync(path);
        database.exec("PRAGMA user_version = 99");
        database.close();
      },
    ],
  ])("%s", (_, damage) => {
    const directory = makeDirectory();
    const path = join(directory, OUTBOX_FILE);
    for (let round = 0; round < 2; round++) {
      const before = openTestOutbox(directory);
      before.commit(kept, { position: 1 });
      before.close();
      damage(path);

      const after = openTestOutbox(directory);
      expect(after.troubles).toEqual([
        ["outbox_file_set_aside", { path: path + SET_ASIDE_SUFFIX, error: expect.stringMatching(/./) }],
      ]);
      expect(after.restored).toBeUndefined();
      after.commit([numbered(1)], { position: 2 });
      expect(waiting(after)).toEqual([1]);
      expect(after.atRisk.records).toBe(0);
      after.close();
    }
    // One is kept, however often it happens.
    expect(readdirSync(directory).sort()).toEqual([OUTBOX_FILE, OUTBOX_FILE + SET_ASIDE_SUFFIX]);
  });

  test("damaged while it is open: what comes from then on is kept in memory, and in a new file", () => {
    const directory = makeDirectory();
    const path = join(directory, OUTBOX_FILE);
    const before = openTestOutbox(directory);
    // More than SQLite keeps of a file in memory.
    before.commit(
      range(0, 500).map((number) => numbered(number, 8000)),
      { position: 1 },
    );
    before.close();
    let nowMs = Date.now();
    const outbox = openTestOutbox(directory, { now: () => nowMs });
    const [{ id } = { id: 0 }] = outbox.take(1);
    writeFileSync(path, readFileSync(path).fill(0xa5, 4096));
    // SQLite notices by the pages that it has not yet read.
    for (let number = 500; !names(outbox).includes("outbox_disk_failed") && number < 600; number++) {
      waiting(outbox);
      outbox.commit([numbered(number, 500)], { position: number });
    }
    expect(names(outbox)).toContain("outbox_disk_failed");
    outbox.commit([numbered(999)], { position: 999 });
    expect(waiting(outbox)).toContain(999);
    nowMs += RETRY_MS;
    outbox.commit([numbered(1000)], { position: 1000 });
    expect(names(outbox).slice(-2)).toEqual(["outbox_file_set_aside", "outbox_disk_back"]);
    outbox.done([id]);
    expect(waiting(outbox).slice(-2)).toEqual([999, 1000]);
    outbox.close();
    expect(waiting(openTestOutbox(directory)).slice(-2)).toEqual([999, 1000]);
  });
});

describe("one owner", () => {
  test("a second outbox on the directory is refused, and told what to do", () => {
    const directory = makeDirectory();
    const first = openTestOutbox(directory);
    first.commit([numbered(1)], { position: 1 });
    const script = `
      import { openOutbox } from ${JSON.stringify(fileURLToPath(new URL("../../src/ship/outbox.ts", import.meta.url)))};
      try { openOutbox({ directory: ${JSON.stringify(directory)}, onTrouble() {} }); } catch (error) {
        process.stdout.write(error.name + ": " + error.message);
      }`;
    const child = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
    expect(child.stdout).toMatch(/^OutboxInUseError: the outbox .* is in use by another process.*stop the other/);
    first.commit([numbered(2)], { position: 2 });
    expect(waiting(first)).toEqual([1, 2]);
    expect(first.troubles).toEqual([]);
  });

  test("also in one process, until the first is closed", () => {
    const directory = makeDirectory();
    const first = openTestOutbox(directory);
    expect(() => openTestOutbox(directory)).toThrow(OutboxInUseError);
    first.commit([numbered(1)], { position: 1 });
    first.close();
    expect(openTestOutbox(directory).restored).toEqual({ position: 1 });
  });
});

test("a directory that cannot be made: in memory, until it can", () => {
  const parent = makeDirectory();
  const obstacle = join(parent, "state");
  writeFileSync(obstacle, "a file where a directory should be");
  let nowMs = Date.now();
  const outbox = openTestOutbox(join(obstacle, "outbox"), { now: () => nowMs });
  expect(names(outbox)).toEqual(["outbox_disk_failed"]);
  outbox.commit([numbered(1), numbered(2)], { position: 2 });
  const [first] = outbox.take(1);
  expect(outbox.atRisk.records).toBe(2);

  rmSync(obstacle);
  outbox.commit([numbered(3)], { position: 3 });
  expect(outbox.atRisk.records).toBe(3);
  nowMs += RETRY_MS;
  outbox.commit([numbered(4)], { position: 4 });
  expect(names(outbox)).toEqual(["outbox_disk_failed", "outbox_disk_back"]);
  expect(outbox.atRisk.records).toBe(0);
  outbox.done([first?.id ?? 0]);
  outbox.close();
  const after = openTestOutbox(join(obstacle, "outbox"));
  expect(after.restored).toEqual({ position: 4 });
  expect(waiting(after)).toEqual([2, 3, 4]);
});

describe("the directory is removed under it", () => {
  function setUp() {
    const parent = makeDirectory();
    const directory = join(parent, "state");
    let nowMs = Date.now();
    const outbox = openTestOutbox(directory, { now: () => nowMs });
    const kept = range(0, 100).map((number) => numbered(number, 500));
    outbox.commit(kept, { position: 1 });
    const settled = outbox.take(10).map(({ id }) => id);
    outbox.done(settled);
    return { parent, directory, outbox, passTime: () => (nowMs += RETRY_MS) };
  }
  /** Another process, as after SIGKILL: what has not been closed. */
  function readAsAfterCrash(directory: string): { kept: number[]; restored: unknown } {
    const copy = join(makeDirectory(), "copy");
    cpSync(directory, copy, { recursive: true });
    const outbox = openTestOutbox(copy);
    const found = { kept: waiting(outbox), restored: outbox.restored };
    outbox.close();
    return found;
  }

  test("it is made anew with all that waits before the next record is saved", () => {
    const { directory, outbox } = setUp();
    rmSync(directory, { recursive: true });
    outbox.commit([numbered(100)], { position: 2 });
    expect(outbox.troubles).toEqual([["outbox_file_removed", { path: directory, records: 90 }]]);
    expect(outbox.atRisk.records).toBe(0);
    expect(readAsAfterCrash(directory)).toEqual({ kept: range(10, 101), restored: { position: 2 } });
    // What was settled is known in the new file.
    outbox.commit([numbered(3)], { position: 3 });
    expect(waiting(outbox)).toEqual(range(10, 101));
  });

  test("without a new record, at a tick; what is out keeps its place", () => {
    const { directory, outbox, passTime } = setUp();
    const out = outbox.take(5);
    rmSync(directory, { recursive: true });
    passTime();
    outbox.commit([], { position: 2 });
    expect(names(outbox)).toEqual(["outbox_file_removed"]);
    outbox.done(out.map(({ id }) => id));
    expect(readAsAfterCrash(directory)).toEqual({ kept: range(15, 100), restored: { position: 2 } });
  });

  test("the file alone is removed, its log is left", () => {
    const { directory, outbox } = setUp();
    rmSync(join(directory, OUTBOX_FILE));
    outbox.commit([numbered(100)], { position: 2 });
    outbox.commit([numbered(101)], { position: 3 });
    expect(readAsAfterCrash(directory)).toEqual({ kept: range(10, 102), restored: { position: 3 } });
  });

  test("again and again", () => {
    const { directory, outbox } = setUp();
    for (let round = 0; round < 5; round++) {
      rmSync(directory, { recursive: true });
      outbox.commit([numbered(100 + round)], { position: 2 + round });
      outbox.commit([], { position: 50 + round });
    }
    expect(names(outbox)).toEqual(Array(5).fill("outbox_file_removed"));
    expect(readAsAfterCrash(directory)).toEqual({ kept: range(10, 105), restored: { position: 54 } });
    expect(readdirSync(directory).sort()).toEqual([OUTBOX_FILE, `${OUTBOX_FILE}-wal`]);
  });

  test("it cannot be made: all goes on in the open file and counts as at risk, until it can", () => {
    const { directory, outbox, passTime } = setUp();
    rmSync(directory, { recursive: true });
    writeFileSync(directory, "a file where the directory was");
    for (let number = 100; number < 105; number++) outbox.commit([numbered(number)], { position: number });
    expect(outbox.troubles).toEqual([
      ["outbox_disk_failed", { path: directory, unreadable: 0, error: expect.stringMatching(/the file was removed/) }],
    ]);
    expect(waiting(outbox)).toEqual(range(10, 105));
    expect(outbox.atRisk.records).toBe(95);
    rmSync(directory);
    passTime();
    outbox.commit([], { position: 200 });
    expect(names(outbox)).toEqual(["outbox_disk_failed", "outbox_file_removed"]);
    expect(outbox.atRisk.records).toBe(0);
    expect(readAsAfterCrash(directory)).toEqual({ kept: range(10, 105), restored: { position: 200 } });
  });

  test("a mount that comes back: what it holds is taken in, before what has come since, and nothing twice", () => {
    const { parent, directory, outbox } = setUp();
    const aside = join(parent, "unmounted");
    cpSync(directory, aside, { recursive: true });
    const late = openTestOutbox(aside);
    late.commit([numbered(500)], { position: 0 });
    late.close();
    rmSync(directory, { recursive: true });
    cpSync(aside, directory, { recursive: true });
    outbox.commit([numbered(100)], { position: 2 });
    expect(names(outbox)).toEqual(["outbox_file_removed"]);
    expect(readAsAfterCrash(directory)).toEqual({ kept: [500, ...range(10, 101)], restored: { position: 2 } });
  });

  test("another agent has made a directory of its own there: neither loses anything", () => {
    const { directory, outbox, passTime } = setUp();
    rmSync(directory, { recursive: true });
    const other = openTestOutbox(directory);
    other.commit([numbered(900)], { position: 9 });
    outbox.commit([numbered(100)], { position: 2 });
    expect(outbox.troubles).toEqual([
      ["outbox_disk_failed", expect.objectContaining({ error: expect.stringMatching(/in use by another process/) })],
    ]);
    other.commit([numbered(901)], { position: 10 });
    expect([waiting(other), other.troubles]).toEqual([[900, 901], []]);
    other.close();
    passTime();
    outbox.commit([], { position: 3 });
    expect(waiting(outbox)).toEqual([900, 901, ...range(10, 101)]);
    expect(outbox.atRisk.records).toBe(0);
  });

  test("a process that ended between the copy and its name", () => {
    const { directory, outbox } = setUp();
    outbox.close();
    renameSync(join(directory, OUTBOX_FILE), join(directory, `${OUTBOX_FILE}.new`));
    const after = openTestOutbox(directory);
    expect([waiting(after), after.restored, after.troubles]).toEqual([range(10, 100), { position: 1 }, []]);
  });
});

describe("what a file holds may be anything", () => {
  function openWith(sql: string, ...values: (string | number | bigint)[]) {
    const directory = makeDirectory();
    const before = openTestOutbox(directory);
    before.commit([numbered(1), numbered(2)], { position: 2 });
    before.close();
    const database = new DatabaseSync(join(directory, OUTBOX_FILE));
    database.prepare(sql).run(...values);
    database.close();
    const unreadable: Unreadable[] = [];
    return { outbox: openTestOutbox(directory, { onUnreadable: (one) => unreadable.push(one) }), unreadable };
  }

  test.each([
    ["5", "is not an object"],
    ["null", "is not an object"],
    ["[]", "is not an object"],
    ["{}", "severityText is not a string"],
    ['{"severityText":"a","eventName":"b"}', "body is not a string"],
    ["{", expect.stringMatching(/^is not JSON/)],
    [JSON.stringify({ ...numbered(1), attributes: null }), expect.stringMatching(/^attributes is not/)],
    [JSON.stringify({ ...numbered(1), resource: { a: {} } }), expect.stringMatching(/^resource is not/)],
    [JSON.stringify({ ...numbered(1), timestampUs: "yesterday" }), "timestampUs is not a time"],
  ])("a record that is %s is set aside with the reason, the others are there", (json, problem) => {
    const { outbox, unreadable } = openWith("UPDATE record SET json = ? WHERE id = 1", json);
    expect(waiting(outbox)).toEqual([2]);
    expect(outbox.troubles).toEqual([["outbox_record_unreadable", { records: 1 }]]);
    expect(unreadable).toEqual([{ what: "record", problem, text: json }]);
    expect(outbox.size.records).toBe(1);
  });

  test("a record that does not inflate", () => {
    const { outbox, unreadable } = openWith("UPDATE record SET deflated = x'ffffff' WHERE id = 1");
    expect(waiting(outbox)).toEqual([2]);
    expect(unreadable).toEqual([{ what: "record", problem: expect.stringMatching(/inflated/), text: "////" }]);
  });

  test("numbers that Node cannot read: the file is set aside", () => {
    const { outbox } = openWith("UPDATE record SET id = ? WHERE id = 1", 2n ** 62n);
    expect(names(outbox)).toEqual(["outbox_file_set_aside"]);
    outbox.commit([numbered(3)], { position: 3 });
    expect([waiting(outbox), outbox.atRisk.records]).toEqual([[3], 0]);
  });

  test("tables that are not ours: the file is set aside", () => {
    const { outbox } = openWith("ALTER TABLE record RENAME TO other");
    expect(names(outbox)).toEqual(["outbox_file_set_aside"]);
    outbox.commit([numbered(3)], { position: 3 });
    expect([waiting(outbox), outbox.atRisk.records]).toEqual([[3], 0]);
  });

  test("any JSON in place of a record: it is one, or it is set aside; what is taken can be sent", () => {
    const keys = ["severityText", "severityNumber", "eventName", "body", "resource", "attributes", "timestampUs"];
    const near = fc.record(Object.fromEntries(keys.map((key) => [key, fc.jsonValue()])), { requiredKeys: [] });
    const mutated = fc
      .tuple(fc.constantFrom(...keys), fc.jsonValue())
      .map(([key, value]) => ({ ...numbered(1), [key]: value }));
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), near, mutated), (value) => {
        const decoded = decodeRecord(JSON.stringify(value));
        if (!("record" in decoded)) return;
        expect(toReadableRecords([decoded.record], { name: "x" }, 0)).toHaveLength(1);
      }),
      { numRuns: 2000 },
    );
  });
});

test("a file of an earlier run that turns up late: its records go first", () => {
  const parent = makeDirectory();
  const directory = join(parent, "outbox");
  const early = openTestOutbox(directory);
  early.commit(
    range(1, 6).map((number) => numbered(number)),
    { position: 5 },
  );
  early.close();
  const aside = join(parent, "unmounted");
  spawnSync("mv", [directory, aside]);
  writeFileSync(directory, "");

  let nowMs = Date.now();
  const outbox = openTestOutbox(directory, { now: () => nowMs });
  // 5 is read again, as the state was not there.
  outbox.commit([numbered(5), numbered(6), numbered(7)], { position: 7 });
  const [out] = outbox.take(1);
  rmSync(directory);
  spawnSync("mv", [aside, directory]);
  nowMs += RETRY_MS;
  outbox.commit([], { position: 8 });
  expect(waiting(outbox)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  outbox.done([out?.id ?? 0]);
  expect(waiting(outbox)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  outbox.close();
  expect(openTestOutbox(directory).restored).toEqual({ position: 8 });
});

/** A small file system of its own. @returns undefined where none can be mounted */
function mountTmpfs(size: string): string | undefined {
  const path = join(makeDirectory(), "disk");
  mkdirSync(path);
  if (spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", path]).status !== 0) return undefined;
  onCleanUp(() => spawnSync("umount", ["-l", path]));
  return path;
}

const canMount = mountTmpfs("64k") !== undefined;
cleanUp();

describe.skipIf(!canMount)("a small disk (needs root, to mount a tmpfs)", () => {
  function setUp(size: string) {
    const disk = mountTmpfs(size) ?? "";
    let nowMs = Date.now();
    const outbox = openTestOutbox(join(disk, "outbox"), { now: () => nowMs, maxMemoryBytes: 2_000_000 });
    return { disk, outbox, passTime: () => (nowMs += RETRY_MS) };
  }

  test("full: nothing is lost in memory, all is on disk when there is room again", () => {
    const { disk, outbox, passTime } = setUp("2m");
    writeFileSync(join(disk, "ballast"), Buffer.alloc(1_000_000));
    for (let number = 0; number < 200; number++) {
      outbox.commit([numbered(number, 8000)], { position: number });
    }
    expect(names(outbox)).toEqual(["outbox_disk_failed"]);
    expect(outbox.troubles[0]?.[1]["error"]).toMatch(/full/);
    expect(outbox.atRisk.records).toBeGreaterThan(0);
    expect(outbox.atRisk.records).toBeLessThan(200);
    expect(waiting(outbox)).toEqual(range(0, 200));

    // Still full: delivered ones do not come back, and are not on disk again later.
    const out = outbox.take(20);
    outbox.done(out.map(({ id }) => id));
    passTime();
    outbox.commit([numbered(200, 8000)], { position: 200 });
    expect(waiting(outbox)).toEqual(range(20, 201));
    expect(outbox.size.records).toBe(181);

    spawnSync("mount", ["-o", "remount,size=8m", disk]);
    passTime();
    outbox.commit([numbered(201, 8000)], { position: 201 });
    expect(names(outbox).at(-1)).toBe("outbox_disk_back");
    expect(outbox.atRisk.records).toBe(0);
    outbox.close();
    const after = openTestOutbox(join(disk, "outbox"));
    expect(after.restored).toEqual({ position: 201 });
    expect(waiting(after)).toEqual(range(20, 202));
  });

  test("full by itself: all is delivered in order and once, and is not found again when there is room", () => {
    const { disk, outbox, passTime } = setUp("1m");
    for (let number = 0; number < 150; number++) {
      outbox.commit([numbered(number, 8000)], { position: number });
    }
    expect(outbox.atRisk.records).toBeGreaterThan(0);
    const seen: number[] = [];
    for (let out = outbox.take(10); out.length > 0 && seen.length < 300; out = outbox.take(10)) {
      seen.push(...numbersOf(out));
      outbox.done(out.map(({ id }) => id));
      passTime();
    }
    expect(seen).toEqual(range(0, 150));
    expect(outbox.size).toEqual({ records: 0, bytes: 0 });
    spawnSync("mount", ["-o", "remount,size=4m", disk]);
    passTime();
    outbox.commit([numbered(150, 8000)], { position: 150 });
    expect(names(outbox).at(-1)).toBe("outbox_disk_back");
    outbox.close();
    const after = openTestOutbox(join(disk, "outbox"));
    expect(after.restored).toEqual({ position: 150 });
    expect(waiting(after)).toEqual([150]);
  });

  test("full for long: memory is bounded, the oldest in it are dropped and counted", () => {
    const { outbox } = setUp("512k");
    for (let number = 0; number < 1000; number++) {
      outbox.commit([numbered(number, 8000)], { position: number });
    }
    expect(outbox.atRisk.bytes).toBeLessThanOrEqual(2_000_000);
    const dropped = outbox.troubles.filter(([name]) => name === "outbox_dropped");
    const count = dropped.reduce((sum, [, { records }]) => sum + Number(records), 0);
    const kept = waiting(outbox);
    expect(kept.length + count).toBe(1000);
    expect(kept.at(-1)).toBe(999);
    expect(kept).toEqual(kept.toSorted((a, b) => a - b));
  });

  test("full from the start", () => {
    const disk = mountTmpfs("64k") ?? "";
    writeFileSync(join(disk, "ballast"), Buffer.alloc(60_000));
    const outbox = openTestOutbox(join(disk, "outbox"));
    outbox.commit([numbered(1)], { position: 1 });
    expect(names(outbox)).toEqual(["outbox_disk_failed"]);
    expect(waiting(outbox)).toEqual([1]);
  });

  test("read-only for a while", () => {
    const { disk, outbox, passTime } = setUp("4m");
    outbox.commit([numbered(1), numbered(2)], { position: 2 });
    outbox.close();
    spawnSync("mount", ["-o", "remount,ro", disk]);
    let nowMs = Date.now();
    const next = openTestOutbox(join(disk, "outbox"), { now: () => nowMs });
    expect(names(next)).toEqual(["outbox_disk_failed"]);
    next.commit([numbered(2), numbered(3)], { position: 3 });
    expect(waiting(next)).toEqual([2, 3]);
    spawnSync("mount", ["-o", "remount,rw", disk]);
    nowMs += RETRY_MS;
    next.commit([], { position: 4 });
    expect(waiting(next)).toEqual([1, 2, 3]);
    passTime();
    next.close();
    expect(openTestOutbox(join(disk, "outbox")).restored).toEqual({ position: 4 });
  });
});

test("the directory is its owner's alone", () => {
  const directory = join(makeDirectory(), "deep", "outbox");
  openTestOutbox(directory).commit([numbered(1)], { position: 1 });
  expect(statSync(directory).mode & 0o777).toBe(0o700);
});
