/** The outbox: what is committed is there, in order and once, within its bounds; on disk and in memory alike. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
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
    expect(waiting(outbox)).toEqual(range(21 - kept.length, 21));
    expect(outbox.troubles).toEqual([
      ["outbox_dropped", { records: 20 - kept.length, bytes: expect.any(Number), reason: "too_much" }],
      ["outbox_dropped", { records: 1, bytes: expect.any(Number), reason: "too_much" }],
    ]);
    // A dropped one that is read again after a crash does not drop another.
    outbox.commit([numbered(0, 800)], { position: 0 });
    expect(waiting(outbox)).not.toContain(0);
  });

  test("a batch that is out is not dropped under the sender's hands", () => {
    const outbox = open({ maxBytes: 4000 });
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
    const outbox = open({ maxBytes: 4000 });
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
