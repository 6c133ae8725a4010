/** What was dropped is told once the backend takes records again; what is refused for good is kept aside. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { type Deliveries, openDeliveries } from "../../src/deliveries/deliveries.ts";
import type { LogRecord } from "../../src/ship/log-record.ts";
import { openOtlpExport } from "../../src/ship/otlp-export.ts";
import { createDroppedSums, toDroppedRecord } from "../../src/ship/outbox-dropped.ts";
import { openSetAsideFiles } from "../../src/ship/set-aside-files.ts";
import type { EventDetail, EventName } from "../../src/telemetry/events.ts";
import { openOtlpReceiver } from "../otlp-receiver.ts";
import { cleanUp, makeDirectory, numbered, numbersOf, range } from "../outbox-fixture.ts";

interface State {
  bootId: string;
  position: number;
}

interface Opened extends Deliveries<State> {
  events: [name: EventName, detail: EventDetail][];
}

afterEach(cleanUp);

const state = (position: number): State => ({ bootId: "boot", position });
const lines = (path: string) =>
  readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

/** Room for some ten records of 10 kB. */
function open(endpoint: string, directory?: string, maxBytes = 100_000): Opened {
  const events: Opened["events"] = [];
  const deliveries = openDeliveries<State>({
    backends: [openOtlpExport({ endpoint, env: {}, version: "0" })],
    directory,
    maxBytes,
    context: { resource: { "host.name": "n" }, bootId: "boot" },
    events: { report: (name, detail = {}) => events.push([name, detail]), counts: () => ({}) },
  });
  return Object.assign(deliveries, { events });
}

const dropped = (records: readonly { eventName: string }[]) =>
  records.filter(({ eventName }) => eventName === "oom.outbox.dropped");

test("dropped while the backend is away: told when it is back, once, though the agent was started anew between", async () => {
  const directory = makeDirectory();
  let isAway = true;
  const receiver = await openOtlpReceiver({ respond: () => (isAway ? { status: 503 } : undefined) });
  try {
    const first = open(receiver.url, directory);
    const before = Date.now();
    for (const number of range(0, 30)) first.commit([numbered(number, 10_000)], state(number));
    first.commit([], state(31));
    const lost = first.status()[0]?.dropped["too_much"] ?? 0;
    expect(lost).toBeGreaterThan(15);
    expect(dropped(receiver.requests().flatMap(({ records }) => records))).toEqual([]);
    await first.close({ timeoutMs: 50 });

    isAway = false;
    const second = open(receiver.url, directory);
    await receiver.waitFor(30 - lost, 10_000);
    // Told with the next commit after a delivery, as the agent commits every second.
    await expect
      .poll(
        () => {
          second.commit([], state(32));
          return dropped(receiver.records()).length;
        },
        { timeout: 10_000 },
      )
      .toBe(1);
    second.commit([numbered(99)], state(33));
    await second.close({ timeoutMs: 5000 });
    const [record, ...more] = dropped(receiver.records()) as unknown as LogRecord[];
    expect(more).toEqual([]);
    expect(record?.attributes).toMatchObject({
      "oom.outbox.dropped.count": lost,
      "oom.outbox.dropped.reason": "too_much",
    });
    const { "oom.outbox.dropped.since": since, "oom.outbox.dropped.until": until } = record?.attributes ?? {};
    expect(Date.parse(String(since))).toBeGreaterThanOrEqual(before);
    expect(Date.parse(String(until))).toBeLessThanOrEqual(Date.now());
    const kills = receiver.records().filter(({ eventName }) => eventName === "oom.kill");
    expect(numbersOf(kills)).toEqual([...range(lost, 30), 99]);
  } finally {
    await receiver.close();
  }
}, 30_000);

test("sums: one a reason, from the first to the last", () => {
  const sums = createDroppedSums([{ reason: "too_old", records: 1, bytes: 10, sinceMs: 50, untilMs: 60 }]);
  sums.add({ reason: "too_old", records: 2, bytes: 20, sinceMs: 40, untilMs: 55 });
  sums.add({ reason: "too_much", records: 3, bytes: 30, sinceMs: 70, untilMs: 80 });
  const expected = [
    { reason: "too_old", records: 3, bytes: 30, sinceMs: 40, untilMs: 60 },
    { reason: "too_much", records: 3, bytes: 30, sinceMs: 70, untilMs: 80 },
  ];
  expect([sums.list(), sums.take(), sums.take()]).toEqual([expected, expected, []]);
});

test("the record says it in a sentence, and has a UID of its own", () => {
  const sum = { reason: "too_old", records: 2, bytes: 900, sinceMs: 0, untilMs: 1000 };
  const record = toDroppedRecord(sum, { resource: { "host.name": "n" } });
  expect(record).toMatchObject({ severityText: "ERROR", eventName: "oom.outbox.dropped", timestampUs: 1_000_000 });
  expect(record.body).toBe(
    "2 records of 1970-01-01T00:00:00.000Z to 1970-01-01T00:00:01.000Z could not be delivered and were dropped: " +
      "they had waited too long",
  );
  const other = toDroppedRecord({ ...sum, untilMs: 2000 }, { resource: { "host.name": "n" } });
  expect(record.attributes["log.record.uid"]).toMatch(/^[0-9a-f]{32}$/);
  expect(other.attributes["log.record.uid"]).not.toBe(record.attributes["log.record.uid"]);
});

test("records that the backend refuses for good lie in a file beside the outbox; the others arrive", async () => {
  const directory = makeDirectory();
  const receiver = await openOtlpReceiver({
    respond: ({ records }) => (numbersOf(records).includes(3) ? { status: 400, body: "no threes" } : undefined),
  });
  try {
    const deliveries = open(receiver.url, directory);
    deliveries.commit(
      range(0, 6).map((number) => numbered(number)),
      state(6),
    );
    await receiver.waitFor(5, 10_000);
    expect(await deliveries.close({ timeoutMs: 5000 })).toMatchObject({ delivered: 5, rejected: 1, waiting: 0 });
    expect(lines(join(directory, "rejected.jsonl"))).toEqual([
      {
        rejected: expect.stringMatching(/^\d{4}-.*Z$/),
        reason: "HTTP 400 Bad Request: no threes",
        record: numbered(3),
      },
    ]);
    expect(statSync(join(directory, "rejected.jsonl")).mode & 0o777).toBe(0o600);
  } finally {
    await receiver.close();
  }
});

test("the file of them is bounded: one that is full is kept beside, the one before goes, and that is reported", () => {
  const directory = makeDirectory();
  const dropped: unknown[] = [];
  const file = openSetAsideFiles({
    directory,
    maxBytes: 10_000,
    onFailure: () => expect.unreachable(),
    onDropped: (detail) => dropped.push(detail),
  });
  for (const number of range(0, 100)) file.keepRecords([numbered(number, 1000)], "no", "rejected");
  const [now, last] = ["rejected.jsonl", "rejected.jsonl.last"].map((name) => join(directory, name));
  for (const path of [now, last]) expect(statSync(path as string).size).toBeLessThanOrEqual(10_000);
  expect(lines(now as string).at(-1).record.body).toMatch(/^99 /);
  const kept = [last, now].flatMap((path) => numbersOf(lines(path as string).map(({ record }) => record)));
  expect(kept).toEqual(range(kept[0] ?? 0, 100));
  expect(dropped.length).toBeGreaterThan(5);
  expect(dropped[0]).toEqual({ path: last, bytes: expect.any(Number) });
});

test("one record larger than the bound is kept all the same; a directory that cannot be is said", () => {
  const directory = makeDirectory();
  const onDropped = (): void => expect.unreachable();
  const small = openSetAsideFiles({ directory, maxBytes: 10, onFailure: () => expect.unreachable(), onDropped });
  small.keepRecords([numbered(1)], "no", "rejected");
  expect(existsSync(join(directory, "rejected.jsonl"))).toBe(true);
  const failures: unknown[] = [];
  const file = openSetAsideFiles({ directory: "/dev/null/x", onFailure: (detail) => failures.push(detail), onDropped });
  file.keepRecords([numbered(1), numbered(2)], "no", "rejected");
  expect(failures).toEqual([{ path: "/dev/null/x/rejected.jsonl", error: expect.any(String), records: 2 }]);
});
