/** Outbox, sender and OTLP together against a real receiver: whatever it does, every record arrives, in order. */
import { once } from "node:events";
import { createServer } from "node:net";
import { setImmediate, setTimeout } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import type { Outcome } from "../../../src/otlp/export-result.ts";
import { openOtlpExport } from "../../../src/otlp/exporter.ts";
import { openSender, type Sender, type SenderDetail, type SenderOptions } from "../../../src/outbox/sender.ts";
import type { BackoffOptions } from "../../../src/shared/backoff.ts";
import { type Answer, type OtlpReceiver, openOtlpReceiver, type ReceiverOptions } from "../../otlp-receiver.ts";
import {
  cleanUp,
  makeDirectory,
  numbered,
  numbersOf,
  openTestOutbox,
  range,
  type TestOutbox,
  uidOf,
  waiting,
} from "../../outbox-fixture.ts";

const opened: { close(): Promise<unknown> }[] = [];

afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
  cleanUp();
});

interface TestSender extends Sender {
  troubles: [name: string, detail: SenderDetail][];
}

const QUICK = { firstMs: 5, maxMs: 20, blockedMs: 10 };
/** Well beyond what any of these takes; nothing is asserted about how long it does. */
const PATIENCE_MS = 20_000;

async function receive(options?: ReceiverOptions): Promise<OtlpReceiver> {
  const receiver = await openOtlpReceiver(options);
  opened.push(receiver);
  return receiver;
}

function openTestSender(
  outbox: TestOutbox,
  send: SenderOptions["export"],
  backoff: BackoffOptions = QUICK,
  more: Partial<SenderOptions> = {},
): TestSender {
  const troubles: TestSender["troubles"] = [];
  const onTrouble: SenderOptions["onTrouble"] = (...trouble) => troubles.push(trouble);
  const sender = openSender({ outbox, export: send, backoff, onTrouble, ...more });
  opened.push({ close: () => sender.close({ timeoutMs: 0 }) });
  return Object.assign(sender, { troubles });
}

/** @param timeoutMs of a batch; the SDK waits 0.8 s at least before it tries again by itself: shorter, it does not */
function exportTo(url: string, timeoutMs = 700, warnings: string[] = []): SenderOptions["export"] {
  const env = { OTEL_EXPORTER_OTLP_TIMEOUT: String(timeoutMs) };
  const backend = openOtlpExport({
    endpoint: url,
    env,
    version: "1",
    onWarning: (warning) => warnings.push(warning),
  });
  opened.push({ close: async () => backend.close() });
  return backend.export;
}

async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!condition()) {
    if (Date.now() > end) throw new Error("it did not come to this");
    await setTimeout(2);
  }
}

function commit(outbox: TestOutbox, from: number, to: number, length = 0): void {
  outbox.commit(
    range(from, to).map((number) => numbered(number, length)),
    { position: to },
  );
}

test("records arrive in order, in batches, and are then gone from the outbox", async () => {
  const receiver = await receive();
  const outbox = openTestOutbox(makeDirectory());
  const sender = openTestSender(outbox, exportTo(receiver.url));
  for (let from = 0; from < 1500; from += 100) {
    commit(outbox, from, from + 100, 4000);
    sender.wake();
    await setImmediate();
  }
  await receiver.waitFor(1500, PATIENCE_MS);
  await until(() => outbox.size.records === 0);
  expect(numbersOf(receiver.records())).toEqual(range(0, 1500));
  expect(Math.max(...receiver.requests().map(({ bytes }) => bytes))).toBeLessThan(1024 * 1024);
  expect(sender.totals).toEqual({ delivered: 1500, rejected: 0, retries: 0, waiting: 0 });
  expect(sender.troubles).toEqual([]);
});

describe("kept, and sent again until it arrives", () => {
  test.each<[string, Answer, string, string]>([
    ["429", { status: 429 }, "ship_retried", "HTTP 429"],
    ["502", { status: 502 }, "ship_retried", "HTTP 502"],
    ["503", { status: 503 }, "ship_retried", "HTTP 503"],
    ["504", { status: 504 }, "ship_retried", "HTTP 504"],
    ["408", { status: 408 }, "ship_retried", "HTTP 408"],
    ["no answer", { hang: true }, "ship_retried", "no answer"],
    ["401", { status: 401 }, "ship_blocked", "HTTP 401"],
    ["403", { status: 403 }, "ship_blocked", "HTTP 403"],
    ["404", { status: 404 }, "ship_blocked", "HTTP 404"],
    ["405", { status: 405 }, "ship_blocked", "HTTP 405"],
    ["415", { status: 415 }, "ship_blocked", "HTTP 415"],
    ["302", { status: 302 }, "ship_blocked", "HTTP 302"],
  ])("%s", async (_, answer, event, reason) => {
    const receiver = await receive({ respond: (_request, index) => (index < 3 ? answer : undefined) });
    const outbox = openTestOutbox(makeDirectory());
    commit(outbox, 0, 10);
    const sender = openTestSender(outbox, exportTo(receiver.url, 150));
    await until(() => sender.troubles.length > 0);
    commit(outbox, 10, 20);
    sender.wake();
    await receiver.waitFor(20, PATIENCE_MS);
    await until(() => outbox.size.records === 0);
    const arrived = numbersOf(receiver.records());
    expect([...new Set(arrived)]).toEqual(range(0, 20));
    expect(arrived).toHaveLength(20);
    expect(sender.troubles).toHaveLength(3);
    expect(sender.troubles[0]).toEqual([
      event,
      { reason: expect.stringContaining(reason), waitMs: expect.any(Number), waiting: 10 },
    ]);
    expect(sender.totals).toMatchObject({ delivered: 20, rejected: 0, retries: 3 });
  });

  test("connections that are reset", async () => {
    let resets = 0;
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => {
        resets++;
        socket.resetAndDestroy();
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const outbox = openTestOutbox(makeDirectory());
    commit(outbox, 0, 5);
    const sender = openTestSender(outbox, exportTo(`http://127.0.0.1:${port}`));
    await until(() => sender.totals.retries === 3);
    expect(resets).toBeGreaterThanOrEqual(3);
    // In the middle of a write or of a read, as it happens.
    const reason = expect.stringMatching(/^(?:read|write) (?:ECONNRESET|EPIPE)$/);
    expect(sender.troubles[0]).toEqual(["ship_retried", expect.objectContaining({ reason })]);
    server.close();
    await once(server, "close");
    const receiver = await receive({ port });
    await receiver.waitFor(5, PATIENCE_MS);
    expect(numbersOf(receiver.records())).toEqual(range(0, 5));
  });

  test("a backend that is away for long, and a restart meanwhile", async () => {
    const { url, close } = await openOtlpReceiver();
    await close();
    const directory = makeDirectory();
    for (let run = 0; run < 3; run++) {
      const outbox = openTestOutbox(directory);
      expect(outbox.restored?.position).toBe(run === 0 ? undefined : run * 100);
      const sender = openTestSender(outbox, exportTo(url));
      commit(outbox, run * 100, (run + 1) * 100);
      sender.wake();
      await until(() => sender.totals.retries >= 3);
      expect(sender.troubles[0]?.[1]["reason"]).toMatch(/ECONNREFUSED/);
      expect((await sender.close({ timeoutMs: 100 })).waiting).toBe((run + 1) * 100);
      outbox.close();
    }
    const receiver = await receive({ port: Number(new URL(url).port) });
    const outbox = openTestOutbox(directory);
    openTestSender(outbox, exportTo(url));
    commit(outbox, 300, 301);
    await receiver.waitFor(301, PATIENCE_MS);
    expect(numbersOf(receiver.records())).toEqual(range(0, 301));
  });
});

describe("Retry-After", () => {
  test.each([
    ["seconds", () => "3600", 3_600_000],
    ["a date", () => new Date(Date.now() + 1_800_000).toUTCString(), 1_790_000],
  ])("in %s is honoured", async (_, header, atLeastMs) => {
    const receiver = await receive({ respond: () => ({ status: 429, headers: { "retry-after": header() } }) });
    const outbox = openTestOutbox(makeDirectory());
    commit(outbox, 0, 1);
    const sender = openTestSender(outbox, exportTo(receiver.url));
    await until(() => sender.troubles.length > 0);
    expect(sender.troubles[0]?.[1]["waitMs"]).toBeGreaterThanOrEqual(atLeastMs);
    // More records do not shorten it.
    commit(outbox, 1, 2);
    sender.wake();
    await setTimeout(50);
    expect(receiver.requests()).toHaveLength(1);
  });
});

describe("refused for good", () => {
  test.each([400, 413, 422])("%d: one record is set aside, the others arrive", async (status) => {
    const receiver = await receive({
      respond: ({ records }) => (numbersOf(records).includes(37) ? { status, body: "bad\nfield" } : undefined),
    });
    const outbox = openTestOutbox(makeDirectory());
    commit(outbox, 0, 100);
    const sender = openTestSender(outbox, exportTo(receiver.url));
    await until(() => outbox.size.records === 0);
    expect(numbersOf(receiver.records())).toEqual(range(0, 100).filter((number) => number !== 37));
    expect(sender.troubles).toEqual([
      ["ship_rejected", { records: 1, reason: expect.stringMatching(`HTTP ${status} .*bad field`), uids: [uidOf(37)] }],
    ]);
    expect(sender.totals).toEqual({ delivered: 99, rejected: 1, retries: 0, waiting: 0 });
    expect(receiver.requests().length).toBeLessThan(30);
    // It is not added again when it is read again.
    commit(outbox, 37, 38);
    expect(outbox.size.records).toBe(0);
  });

  test("bodies that are too large are cut until they are not", async () => {
    const receiver = await receive({ respond: ({ bytes }) => (bytes > 20_000 ? { status: 413 } : undefined) });
    const outbox = openTestOutbox(makeDirectory());
    commit(outbox, 0, 100, 1500);
    const sender = openTestSender(outbox, exportTo(receiver.url));
    await receiver.waitFor(100, PATIENCE_MS);
    expect(numbersOf(receiver.records())).toEqual(range(0, 100));
    expect(sender.totals.rejected).toBe(0);
  });

  test("every record: each is counted, none is sent twice alone", async () => {
    const receiver = await receive({ respond: () => ({ status: 400 }) });
    const outbox = openTestOutbox(makeDirectory());
    commit(outbox, 0, 40);
    const sender = openTestSender(outbox, exportTo(receiver.url));
    await until(() => outbox.size.records === 0);
    expect(sender.totals).toEqual({ delivered: 0, rejected: 40, retries: 0, waiting: 0 });
    const alone = receiver.requests().filter(({ records }) => records.length === 1);
    expect(numbersOf(alone.flatMap(({ records }) => records))).toEqual(range(0, 40));
  });
});

describe("server errors", () => {
  /** Time that passes where the sender asks for it: no test waits. */
  const fast = { firstMs: 1, maxMs: 2, blockedMs: 1 };

  test.each([500, 501, 507, 520, 524])("%d to everything: nothing is set aside, all arrives later", async (status) => {
    let isBroken = true;
    const receiver = await receive({ respond: () => (isBroken ? { status } : undefined) });
    const outbox = openTestOutbox(makeDirectory());
    commit(outbox, 0, 43);
    const setAside: unknown[] = [];
    const suspects = { firstMs: 1, maxMs: 2, patienceMs: 0 };
    const sender = openTestSender(outbox, exportTo(receiver.url), fast, {
      suspects,
      onSetAside: () => setAside.push(1),
    });
    // Long enough for each to have failed alone, more than once.
    await until(() => receiver.requests().filter(({ records }) => records.length === 1).length > 90);
    expect(outbox.size.records).toBe(43);
    isBroken = false;
    await receiver.waitFor(43, PATIENCE_MS);
    await until(() => outbox.size.records === 0);
    expect(numbersOf(receiver.records()).toSorted((a, b) => a - b)).toEqual(range(0, 43));
    expect(setAside).toEqual([]);
    expect(sender.totals).toMatchObject({ delivered: 43, rejected: 0 });
    expect(new Set(sender.troubles.map(([name]) => name))).toEqual(new Set(["ship_retried"]));
  });

  test("to one record: the others arrive at once, it is sent again alone, and set aside when its time is over", async () => {
    let nowMs = 0;
    const receiver = await receive({
      respond: ({ records }) => (numbersOf(records).includes(3) ? { status: 500, body: "no threes" } : undefined),
    });
    const outbox = openTestOutbox(makeDirectory());
    commit(outbox, 0, 100);
    const setAside: [number[], string, string][] = [];
    const sender = openTestSender(outbox, exportTo(receiver.url), fast, {
      suspects: { now: () => nowMs },
      onSetAside: (records, reason, cause) => setAside.push([numbersOf(records), reason, cause]),
    });
    await receiver.waitFor(99, PATIENCE_MS);
    await until(() => outbox.size.records === 1);
    const alone = () => receiver.requests().filter(({ records }) => numbersOf(records).join() === "3").length;
    // Once when it was found, once more at the others' success.
    await until(() => alone() === 2);
    nowMs = 3_599_000;
    sender.hurry();
    await until(() => alone() === 3);
    await until(() => sender.totals.retries >= alone());
    expect([outbox.size.records, setAside]).toEqual([1, []]);
    nowMs = 3_600_001;
    sender.hurry();
    await until(() => outbox.size.records === 0);
    expect(setAside).toEqual([[[3], "HTTP 500 Internal Server Error: no threes", "failed"]]);
    expect(sender.troubles.at(-1)).toEqual([
      "ship_failed",
      { records: 1, reason: "HTTP 500 Internal Server Error: no threes", uids: [uidOf(3)] },
    ]);
    expect(sender.totals).toMatchObject({ delivered: 99, rejected: 1, waiting: 0 });
  });

  test("while one is held back, what comes is sent", async () => {
    const receiver = await receive({
      respond: ({ records }) => (numbersOf(records).includes(0) ? { status: 500 } : undefined),
    });
    const outbox = openTestOutbox(makeDirectory());
    commit(outbox, 0, 1);
    const sender = openTestSender(outbox, exportTo(receiver.url), fast);
    await until(() => receiver.requests().length === 1);
    commit(outbox, 1, 5);
    sender.wake();
    await receiver.waitFor(4, PATIENCE_MS);
    expect(numbersOf(receiver.records())).toEqual([1, 2, 3, 4]);
  });
});

test("there is a wait after each refusal, longer each time, and none after a success", async () => {
  const waits: number[] = [];
  const sent: number[] = [];
  const outbox = openTestOutbox(makeDirectory());
  commit(outbox, 0, 64);
  const refused = async (batch: readonly unknown[]): Promise<Outcome> => {
    sent.push(batch.length);
    return { kind: "rejected", reason: "no" };
  };
  const random = (): number => {
    waits.push(sent.length);
    return 0;
  };
  openTestSender(outbox, refused, { firstMs: 4, maxMs: 12, blockedMs: 1, random });
  await until(() => outbox.size.records === 0);
  expect(sent).toEqual([64, 32, 16, 8, 4, 2, ...range(0, 64).map(() => 1)]);
  // One after each request.
  expect(waits).toEqual(range(1, sent.length + 1));
});

describe("partial success", () => {
  test("is reported with its message, and nothing is sent again", async () => {
    const partialSuccess = { rejectedLogRecords: 3, errorMessage: "too old" };
    const receiver = await receive({ respond: (_, index) => (index === 0 ? { partialSuccess } : undefined) });
    const outbox = openTestOutbox(makeDirectory());
    commit(outbox, 0, 10);
    const sender = openTestSender(outbox, exportTo(receiver.url));
    await until(() => outbox.size.records === 0);
    expect(sender.troubles).toEqual([["ship_rejected", { records: 3, reason: "too old" }]]);
    expect(sender.totals).toMatchObject({ delivered: 7, rejected: 3 });
    expect(receiver.requests()).toHaveLength(1);
  });

  test("that rejects nothing is a warning", async () => {
    const partialSuccess = { rejectedLogRecords: 0, errorMessage: "slow down" };
    const receiver = await receive({ respond: () => ({ partialSuccess }) });
    const outbox = openTestOutbox(makeDirectory());
    commit(outbox, 0, 10);
    const warnings: string[] = [];
    const sender = openTestSender(outbox, exportTo(receiver.url, 300, warnings));
    await until(() => outbox.size.records === 0);
    expect(warnings).toEqual(["the backend says: slow down"]);
    expect(sender.totals).toMatchObject({ delivered: 10, rejected: 0 });
  });
});

test("a backend in every kind of trouble at once: each record arrives, in order", async () => {
  const answers: Answer[] = [{ status: 503 }, {}, { status: 429 }, {}, { status: 404 }, {}, {}, { status: 502 }];
  const receiver = await receive({ respond: (_, index) => answers[index % answers.length] });
  const outbox = openTestOutbox(makeDirectory());
  const sender = openTestSender(outbox, exportTo(receiver.url));
  for (let from = 0; from < 1000; from += 20) {
    commit(outbox, from, from + 20);
    sender.wake();
    await setTimeout(2);
  }
  await receiver.waitFor(1000, PATIENCE_MS);
  expect(numbersOf(receiver.records())).toEqual(range(0, 1000));
});

describe("close", () => {
  test("sends what waits, and says what does not get through", async () => {
    const receiver = await receive();
    const outbox = openTestOutbox(makeDirectory());
    const sender = openTestSender(outbox, exportTo(receiver.url));
    commit(outbox, 0, 700);
    expect(await sender.close({ timeoutMs: PATIENCE_MS })).toMatchObject({ delivered: 700, waiting: 0 });
    expect(receiver.records()).toHaveLength(700);
  });

  test("gives up at its deadline: the batch under way goes back in its place", async () => {
    const receiver = await receive({ respond: () => ({ hang: true }) });
    const outbox = openTestOutbox(makeDirectory());
    commit(outbox, 0, 600);
    const sender = openTestSender(outbox, exportTo(receiver.url, 5000));
    await until(() => receiver.requests().length === 1);
    expect(await sender.close({ timeoutMs: 10 })).toMatchObject({ delivered: 0, waiting: 600 });
    expect(waiting(outbox)).toEqual(range(0, 600));
  });

  test("an answer that comes after it changes nothing", async () => {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const outbox = openTestOutbox(makeDirectory());
    commit(outbox, 0, 2);
    const sender = openTestSender(outbox, () => promise);
    await setTimeout(5);
    await sender.close({ timeoutMs: 1 });
    outbox.close();
    resolve({ kind: "delivered" });
    await setImmediate();
    expect(sender.totals.delivered).toBe(0);
  });

  test("ends a wait with one last attempt", async () => {
    let answer: Outcome = { kind: "retry", reason: "busy", afterMs: 3_600_000 };
    const outbox = openTestOutbox(makeDirectory());
    commit(outbox, 0, 2);
    const sender = openTestSender(outbox, async () => answer);
    await until(() => sender.totals.retries === 1);
    answer = { kind: "delivered" };
    expect(await sender.close({ timeoutMs: PATIENCE_MS })).toMatchObject({ delivered: 2, waiting: 0 });
  });
});
