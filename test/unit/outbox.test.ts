/** The outbox: what is committed is there, in order and once, within its bounds; on disk and in memory alike. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { LogRecord } from "../../src/ship/log-record.ts";
import type { OutboxOptions } from "../../src/ship/outbox.ts";
import { OUTBOX_FILE } from "../../src/ship/outbox-file.ts";
import {
  cleanUp,
  makeDirectory,
  numbered,
  numbersOf,
  openTestOutbox,
  range,
  type TestOutbox,
  type TestState,
  uidOf,
  waiting,
} from "../outbox-fixture.ts";

afterEach(cleanUp);

const ids = (entries: readonly { id: number }[]): number[] => entries.map(({ id }) => id);

describe.each(["on disk", "in memory"])("%s", (where) => {
  let directory: string | undefined;

  beforeEach(() => {
    directory = where === "on disk" ? makeDirectory() : undefined;
  });

  function open(options: Partial<OutboxOptions<TestState>> = {}): TestOutbox {
    return openTestOutbox(directory, options);
  }

  test("records come out as they went in, oldest first", () => {
    const outbox = open();
    const odd = {
      ...numbered(0),
      timestampUs: 1_767_225_600_123_457,
      body: '中\ufffd\n\0"',
      attributes: { list: ["a"] },
    };
    outbox.commit([odd, numbered(1)], { position: 1 });
    outbox.commit([numbered(2)], { position: 2 });
    const [first, ...others] = outbox.take(10);
    expect(first?.record).toEqual(odd);
    expect(numbersOf(others)).toEqual([1, 2]);
    expect(outbox.take(10)).toEqual([]);
  });

  test("what is put back has its old place, what is done is gone", () => {
    const outbox = open();
    outbox.commit(
      range(0, 6).map((number) => numbered(number)),
      { position: 0 },
    );
    const first = outbox.take(2);
    const second = outbox.take(2);
    expect(numbersOf([...first, ...second])).toEqual([0, 1, 2, 3]);
    outbox.done(ids(second));
    outbox.putBack(ids(first));
    expect(numbersOf(outbox.take(10))).toEqual([0, 1, 4, 5]);
    expect(outbox.size.records).toBe(4);
    // Of what is not taken nothing is known to be done.
    outbox.done(ids(second));
    expect(outbox.size.records).toBe(4);
  });

  test("a batch has a bound in bytes, and at least one record", () => {
    const outbox = open();
    outbox.commit(
      range(0, 4).map((number) => numbered(number, 1000)),
      { position: 0 },
    );
    expect(numbersOf(outbox.take(10, 2600))).toEqual([0, 1]);
    expect(numbersOf(outbox.take(10, 1))).toEqual([2]);
    expect(numbersOf(outbox.take(1, 2600))).toEqual([3]);
  });

  test("a record is added once: while it waits, while it is out, and when it is done", () => {
    const outbox = open();
    outbox.commit([numbered(1), numbered(1)], { position: 1 });
    outbox.commit([numbered(1)], { position: 1 });
    const taken = outbox.take(10);
    expect(taken).toHaveLength(1);
    outbox.commit([numbered(1)], { position: 1 });
    outbox.done(ids(taken));
    outbox.commit([numbered(1), numbered(2)], { position: 2 });
    expect(waiting(outbox)).toEqual([2]);
  });

  test("records without a UID are never taken for one another", () => {
    const outbox = open();
    const nameless = { ...numbered(1), attributes: {} };
    outbox.commit([nameless, nameless], { position: 1 });
    outbox.done(ids(outbox.take(10)));
    outbox.commit([nameless], { position: 1 });
    expect(outbox.size.records).toBe(1);
  });

  test("settled records are remembered up to a bound", () => {
    const outbox = open();
    for (let from = 0; from < 12_000; from += 1000) {
      outbox.commit(
        range(from, from + 1000).map((number) => numbered(number)),
        { position: from },
      );
      outbox.done(ids(outbox.take(1000)));
    }
    outbox.commit([numbered(11_999), numbered(2000), numbered(1999)], { position: 0 });
    expect(waiting(outbox)).toEqual([1999]);
  });

  test("too many bytes: the oldest go first, and are counted", () => {
    const outbox = open({ maxBytes: 10_000 });
    outbox.commit(
      range(0, 20).map((number) => numbered(number, 800)),
      { position: 0 },
    );
    expect(outbox.size.bytes).toBeLessThanOrEqual(10_000);
    const kept = waiting(outbox);
    expect(kept).toEqual(range(20 - kept.length, 20));
    expect(kept.length).toBeGreaterThan(8);
    outbox.commit([numbered(20, 800)], { position: 0 });
    // What is left is deflated a little, so that there may be room for one more.
    const left = waiting(outbox);
    expect(left).toEqual(range(21 - left.length, 21));
    expect(left.length).toBeGreaterThanOrEqual(kept.length);
    expect(outbox.troubles[0]).toEqual([
      "outbox_dropped",
      { records: 20 - kept.length, bytes: expect.any(Number), reason: "too_much" },
    ]);
    expect(outbox.troubles.reduce((sum, [, { records }]) => sum + Number(records), 0)).toBe(21 - left.length);
    // A dropped one that is read again after a crash does not drop another.
    outbox.commit([numbered(0, 800)], { position: 0 });
    expect(waiting(outbox)).not.toContain(0);
  });

  test("a batch that is out is not dropped under the sender's hands", () => {
    const outbox = open({ maxBytes: 5000 });
    outbox.commit(
      range(0, 4).map((number) => numbered(number, 900)),
      { position: 0 },
    );
    const out = outbox.take(2);
    outbox.commit(
      range(4, 6).map((number) => numbered(number, 900)),
      { position: 0 },
    );
    outbox.putBack(ids(out));
    expect(waiting(outbox)).toEqual([0, 1, 4, 5]);
  });

  test("a record larger than the outbox is dropped, the state is saved all the same", () => {
    const outbox = open({ maxBytes: 5000 });
    outbox.commit([numbered(0, 6000)], { position: 1 });
    expect(outbox.size).toEqual({ records: 0, bytes: 0 });
    expect(outbox.troubles).toMatchObject([["outbox_dropped", { records: 1 }]]);
  });

  test("too old: dropped and counted", () => {
    let nowMs = 1000;
    const outbox = open({ maxAgeMs: 500, upMs: () => nowMs });
    outbox.commit([numbered(0)], { position: 0 });
    nowMs += 400;
    outbox.commit([numbered(1)], { position: 0 });
    nowMs += 101;
    expect(waiting(outbox)).toEqual([1]);
    expect(outbox.troubles).toEqual([["outbox_dropped", { records: 1, bytes: expect.any(Number), reason: "too_old" }]]);
  });

  test("size is that of what is not done", () => {
    const outbox = open();
    const record = numbered(0, 1000);
    outbox.commit([record, numbered(1)], { position: 0 });
    outbox.done(ids(outbox.take(1)));
    expect(outbox.size).toEqual({ records: 1, bytes: Buffer.byteLength(JSON.stringify(numbered(1))) });
  });

  test("closed is closed", () => {
    const outbox = open();
    outbox.close();
    expect(() => outbox.commit([numbered(0)], { position: 0 })).toThrow("closed");
  });
});

describe("a wall clock that jumps drops nothing", () => {
  const WEEK_MS = 7 * 24 * 3600 * 1000;

  test.each([
    ["forward, at NTP's first answer", Date.parse("1970-01-02T00:00:00Z"), Date.parse("2026-03-01T00:00:00Z")],
    ["back", Date.parse("2062-03-01T00:00:00Z"), Date.parse("2026-03-01T00:00:00Z")],
  ])("%s", (_, beforeMs, afterMs) => {
    const directory = makeDirectory();
    let nowMs = beforeMs;
    let upMs = 10_000;
    const options = { now: () => nowMs, upMs: () => upMs, maxAgeMs: WEEK_MS };
    const outbox = openTestOutbox(directory, { ...options, bootId: "a" });
    outbox.commit(
      range(0, 282).map((number) => numbered(number)),
      { position: 1 },
    );
    nowMs = afterMs;
    expect(waiting(outbox)).toHaveLength(282);
    outbox.close();
    // Nor over a restart, nor over a reboot.
    const again = openTestOutbox(directory, { ...options, bootId: "a" });
    expect(waiting(again)).toHaveLength(282);
    again.close();
    upMs = 5000;
    const rebooted = openTestOutbox(directory, { ...options, bootId: "b" });
    expect(waiting(rebooted)).toHaveLength(282);
    // A week of this boot is a week.
    upMs += WEEK_MS;
    expect(waiting(rebooted)).toEqual([]);
    expect([...outbox.troubles, ...again.troubles]).toEqual([]);
    expect(rebooted.troubles).toMatchObject([["outbox_dropped", { records: 282, reason: "too_old" }]]);
  });
});

describe("records that were set aside", () => {
  test("are added again though they are known, and once", () => {
    const directory = makeDirectory();
    const outbox = openTestOutbox(directory);
    outbox.commit([numbered(0), numbered(1)], { position: 1 });
    outbox.done(ids(outbox.take(1)));
    expect(outbox.addAgain([numbered(0), numbered(0), numbered(1)])).toBe(true);
    expect(waiting(outbox)).toEqual([1, 0]);
    outbox.close();
    const after = openTestOutbox(directory);
    expect([waiting(after), after.restored]).toEqual([[1, 0], { position: 1 }]);
  });

  test("push out nothing that waits", () => {
    const outbox = openTestOutbox(makeDirectory(), { maxBytes: 5000 });
    outbox.commit([numbered(0, 2000)], { position: 1 });
    const aside = [numbered(1, 2000), numbered(2, 2000)];
    expect(outbox.addAgain(aside)).toBe(false);
    expect(waiting(outbox)).toEqual([0]);
    outbox.done(ids(outbox.take(1)));
    expect(outbox.addAgain(aside)).toBe(true);
    expect(waiting(outbox)).toEqual([1, 2]);
  });
});

describe("at rest", () => {
  /** 3 kB of what a record holds: keys that come again and again, and lines of the kernel. */
  const long: LogRecord = {
    ...numbered(1),
    attributes: {
      ...numbered(1).attributes,
      "log.record.original": range(0, 40)
        .map(
          (n) =>
            `[ 3753.${n}] [ ${1000 + n}]     0  ${1000 + n}   ${n * 977}    ${n * 31}   77824        0             0 java`,
        )
        .join("\n"),
    },
  };

  const many = range(0, 40).map((number) => ({
    ...long,
    body: String(number),
    attributes: { ...long.attributes, "log.record.uid": uidOf(number) },
  }));
  const jsonBytes = JSON.stringify(long).length;

  test.each(["on disk", "in memory"])("%s: where room is short records are deflated before one is dropped", (where) => {
    const directory = where === "on disk" ? makeDirectory() : undefined;
    // For fifteen as JSON.
    const maxBytes = 15 * jsonBytes;
    const outbox = openTestOutbox(directory, { maxBytes });
    for (const record of many.slice(0, 15)) outbox.commit([record], { position: 1 });
    // There is room: nothing is deflated, which costs.
    expect(outbox.size.bytes).toBeGreaterThan(14.9 * jsonBytes);
    for (const record of many.slice(15)) outbox.commit([record], { position: 1 });
    expect(outbox.troubles).toEqual([]);
    expect(outbox.size.bytes).toBeLessThanOrEqual(maxBytes);
    expect(outbox.take(100).map(({ record }) => record)).toEqual(many);
    if (directory === undefined) return;
    outbox.close();
    const after = openTestOutbox(directory);
    expect(after.size).toEqual(outbox.size);
    expect(after.take(100).map(({ record }) => record)).toEqual(many);
  });

  test("when all are deflated, the oldest are dropped", () => {
    const outbox = openTestOutbox(makeDirectory(), { maxBytes: 5 * jsonBytes });
    for (const record of many) outbox.commit([record], { position: 1 });
    expect(outbox.size.bytes).toBeLessThanOrEqual(5 * jsonBytes);
    const kept = waiting(outbox);
    expect(kept).toEqual(range(40 - kept.length, 40));
    expect(kept.length).toBeGreaterThan(10);
    const dropped = outbox.troubles.reduce((sum, [, { records }]) => sum + Number(records), 0);
    expect(dropped).toBe(40 - kept.length);
  });

  test("one that is out is left as it is, and settled with what it takes", () => {
    const outbox = openTestOutbox(makeDirectory(), { maxBytes: 10 * jsonBytes });
    outbox.commit(many.slice(0, 9), { position: 1 });
    const out = ids(outbox.take(4));
    for (const record of many.slice(9, 15)) outbox.commit([record], { position: 1 });
    outbox.done(out);
    outbox.done(ids(outbox.take(100)));
    expect([outbox.size, outbox.troubles]).toEqual([{ records: 0, bytes: 0 }, []]);
  });

  test("batches are bounded by their JSON, deflated or not", () => {
    const outbox = openTestOutbox(makeDirectory(), { maxBytes: 10 * jsonBytes });
    for (const record of many.slice(0, 20)) outbox.commit([record], { position: 1 });
    expect(outbox.take(10, 3 * jsonBytes + 100)).toHaveLength(3);
  });

  test("a file of version 1 is migrated: nothing of it is lost, none of its records is too old", () => {
    const directory = makeDirectory();
    const database = new DatabaseSync(join(directory, OUTBOX_FILE));
    database.exec(`
      CREATE TABLE record (
        id INTEGER PRIMARY KEY, uid TEXT UNIQUE, added_ms INTEGER NOT NULL, bytes INTEGER NOT NULL,
        json TEXT NOT NULL
      ) STRICT;
      CREATE TABLE settled (id INTEGER PRIMARY KEY AUTOINCREMENT, uid TEXT NOT NULL UNIQUE) STRICT;
      CREATE TABLE state (id INTEGER PRIMARY KEY CHECK (id = 1), json TEXT NOT NULL) STRICT;
      PRAGMA user_version = 1;
      INSERT INTO state VALUES (1, '{"position":3}');
      INSERT INTO settled (uid) VALUES ('${uidOf(9)}');`);
    const insert = database.prepare("INSERT INTO record (id, uid, added_ms, bytes, json) VALUES (?, ?, ?, ?, ?)");
    for (const number of range(0, 50)) {
      const json = JSON.stringify(numbered(number, 100 * number));
      insert.run(number + 1, uidOf(number), number, Buffer.byteLength(json), json);
    }
    database.close();
    const outbox = openTestOutbox(directory);
    expect(outbox.restored).toEqual({ position: 3 });
    expect(waiting(outbox)).toEqual(range(0, 50));
    outbox.commit([numbered(9), numbered(50, 3000)], { position: 4 });
    outbox.close();
    const after = openTestOutbox(directory);
    expect(after.take(100).map(({ record }) => record)).toEqual([
      ...range(0, 50).map((number) => numbered(number, 100 * number)),
      numbered(50, 3000),
    ]);
    expect([...outbox.troubles, ...after.troubles]).toEqual([]);
  });
});

describe("the next run", () => {
  test("finds state, records in their order, and what was settled", () => {
    const directory = makeDirectory();
    const before = openTestOutbox(directory);
    expect(before.restored).toBeUndefined();
    before.commit([numbered(0), numbered(1), numbered(2)], { position: 2 });
    before.done(ids(before.take(1)));
    before.commit([], { position: 7 });
    // Taken, and not done: it goes out again.
    before.take(1);
    before.close();

    const after = openTestOutbox(directory);
    expect(after.restored).toEqual({ position: 7 });
    after.commit([numbered(0), numbered(2), numbered(3)], { position: 8 });
    expect(waiting(after)).toEqual([1, 2, 3]);
    expect([...before.troubles, ...after.troubles]).toEqual([]);
  });

  test("of an outbox in memory finds nothing, and the last run said so", () => {
    const before = openTestOutbox(undefined);
    before.commit([numbered(0)], { position: 1 });
    before.close();
    expect(before.troubles).toMatchObject([["outbox_dropped", { records: 1, reason: "not_on_disk" }]]);
    expect(openTestOutbox(undefined).restored).toBeUndefined();
  });
});

test("the files stay near the bound, however much goes through", () => {
  const directory = makeDirectory();
  const outbox = openTestOutbox(directory, { maxBytes: 4_000_000 });
  for (let from = 0; from < 3000; from += 50) {
    outbox.commit(
      range(from, from + 50).map((number) => numbered(number, 8000)),
      { position: from },
    );
  }
  const { size } = statSync(join(directory, OUTBOX_FILE));
  const log = statSync(join(directory, `${OUTBOX_FILE}-wal`));
  expect(outbox.size.bytes).toBeLessThanOrEqual(4_000_000);
  expect(size).toBeLessThan(4_000_000 * 1.5 + 2_000_000);
  expect(log.size).toBeLessThan(8_000_000);
});
