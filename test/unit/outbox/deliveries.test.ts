/** Several endpoints: each gets every record, whatever becomes of the others, over restarts; and what is sent to whom. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { readConfig } from "../../../src/config/read.ts";
import { openOtlpExport } from "../../../src/otlp/exporter.ts";
import { type Deliveries, openDeliveries } from "../../../src/outbox/deliveries.ts";
import { toEndpoints } from "../../../src/outbox/endpoints.ts";
import type { EventName } from "../../../src/telemetry/events.ts";
import { type OtlpReceiver, openOtlpReceiver, type ReceiverOptions } from "../../otlp-receiver.ts";
import { cleanUp, makeDirectory, numbered, numbersOf, range } from "../../outbox-fixture.ts";

interface State {
  bootId: string;
  position: number;
}

const receivers: OtlpReceiver[] = [];

afterEach(async () => {
  cleanUp();
  for (const receiver of receivers.splice(0)) await receiver.close();
});

async function openReceiver(options?: ReceiverOptions): Promise<OtlpReceiver> {
  const receiver = await openOtlpReceiver(options);
  receivers.push(receiver);
  return receiver;
}

interface Opened extends Deliveries<State> {
  events: EventName[];
}

function open(urls: readonly string[], directory?: string, env: Record<string, string> = {}): Opened {
  const events: EventName[] = [];
  const config = readConfig({ flags: new Map([["otlp", urls]]), env });
  const deliveries = openDeliveries<State>({
    backends: toEndpoints(config, "0").map((endpoint) => openOtlpExport(endpoint)),
    directory,
    context: { resource: { "host.name": "n" }, bootId: "boot" },
    events: { report: (name) => events.push(name), counts: () => ({}) },
  });
  return Object.assign(deliveries, { events });
}

const state = (position: number): State => ({ bootId: "boot", position });
const sorted = (receiver: OtlpReceiver): number[] => numbersOf(receiver.records()).toSorted((a, b) => a - b);

test("each endpoint gets every record", async () => {
  const [one, two] = [await openReceiver(), await openReceiver()];
  const deliveries = open([one.url, two.url]);
  deliveries.commit(
    range(0, 5).map((number) => numbered(number)),
    state(5),
  );
  const totals = await deliveries.close({ timeoutMs: 5000 });
  expect([sorted(one), sorted(two)]).toEqual([range(0, 5), range(0, 5)]);
  expect(totals).toEqual({ delivered: 10, rejected: 0, retries: 0, waiting: 0 });
});

test("one that is away holds up no other, and gets what it has missed from the next run", async () => {
  const directory = makeDirectory();
  const one = await openReceiver();
  let isAway = true;
  const two = await openReceiver({ respond: () => (isAway ? { status: 503 } : undefined) });
  const first = open([one.url, two.url], directory);
  first.commit(
    range(0, 3).map((number) => numbered(number)),
    state(3),
  );
  await one.waitFor(3, 10_000);
  expect((await first.close({ timeoutMs: 100 })).waiting).toBe(3);
  expect(two.records()).toEqual([]);

  isAway = false;
  const second = open([one.url, two.url], directory);
  expect(second.restored).toEqual(state(3));
  second.commit([numbered(3)], state(4));
  await two.waitFor(4, 10_000);
  await second.close({ timeoutMs: 5000 });
  expect([sorted(one), sorted(two)]).toEqual([range(0, 4), range(0, 4)]);
});

test("after a crash between two outboxes the one that is behind tells where to go on; the other knows what it has", async () => {
  const directory = makeDirectory();
  const [one, two] = [await openReceiver(), await openReceiver()];
  const both = open([one.url, two.url], directory);
  both.commit([numbered(0)], state(1));
  await both.close({ timeoutMs: 5000 });
  // As if the process had ended when only the first had committed.
  const alone = open([one.url], directory);
  alone.commit([numbered(1)], state(2));
  await alone.close({ timeoutMs: 5000 });

  const again = open([one.url, two.url], directory);
  expect(again.restored).toEqual(state(1));
  again.commit([numbered(1)], state(2));
  await again.close({ timeoutMs: 5000 });
  expect([sorted(one), sorted(two)]).toEqual([range(0, 2), range(0, 2)]);
});

test("an endpoint that is new does not send all back to the beginning; another boot does", async () => {
  const directory = makeDirectory();
  const [one, two] = [await openReceiver(), await openReceiver()];
  const alone = open([one.url], directory);
  alone.commit([], state(7));
  await alone.close({ timeoutMs: 1000 });
  const both = open([one.url, two.url], directory);
  expect(both.restored).toEqual(state(7));
  both.commit([], { bootId: "another", position: 1 });
  await both.close({ timeoutMs: 1000 });
  const after = open([one.url], directory);
  expect(after.restored).toBeUndefined();
  await after.close({ timeoutMs: 1000 });
});

test("a directory that is in use: none of the outboxes stays open", async () => {
  const directory = makeDirectory();
  const receiver = await openReceiver();
  const holder = open([receiver.url], directory);
  expect(() => open([receiver.url, `${receiver.url}/other`], directory)).toThrow(/in use by another process/);
  await holder.close({ timeoutMs: 1000 });
  const next = open([receiver.url], directory);
  await next.close({ timeoutMs: 1000 });
});

describe("backends, as a request arrives", () => {
  test.each([
    [
      "cubeapm",
      "/api/logs/insert/opentelemetry/v1/logs",
      { "cube-stream-fields": expect.stringContaining("severity"), "x-cube-token": "key" },
    ],
    ["victorialogs", "/insert/opentelemetry/v1/logs", { "vl-stream-fields": expect.stringContaining("event.name") }],
    ["loki", "/otlp/v1/logs", {}],
    ["collector", "/v1/logs", {}],
  ])("%s", async (backend, path, headers) => {
    const receiver = await openReceiver();
    const key = backend === "cubeapm" ? { OOMSCRIBE_ACCESS_KEY: "key" } : undefined;
    const deliveries = open([receiver.url], undefined, { OOMSCRIBE_BACKEND: backend, ...key });
    deliveries.commit([numbered(1)], state(1));
    await deliveries.close({ timeoutMs: 5000 });
    expect(receiver.requests()).toMatchObject([
      { path, headers: { "content-type": "application/x-protobuf", "content-encoding": "gzip", ...headers } },
    ]);
  });

  test("an access key where none is known is an error", () => {
    expect(() => open(["http://a"], undefined, { OOMSCRIBE_ACCESS_KEY: "key" })).toThrow(/^access-key is of backend/);
  });

  test("settings arrive as the headers and the timeout that they say", async () => {
    const receiver = await openReceiver();
    const env = { OOMSCRIBE_OTLP_HEADERS: "a=x%2Cy,B=1", OTEL_EXPORTER_OTLP_HEADERS: "c=2" };
    const [endpoint] = toEndpoints(
      readConfig({ flags: new Map(), env: { ...env, OOMSCRIBE_OTLP_TIMEOUT: "2.5" } }),
      "0",
    );
    expect(endpoint?.given?.TIMEOUT).toEqual({ name: "OOMSCRIBE_OTLP_TIMEOUT", value: "2500" });
    const deliveries = open([receiver.url], undefined, env);
    deliveries.commit([numbered(1)], state(1));
    await deliveries.close({ timeoutMs: 5000 });
    expect(receiver.requests()[0]?.headers).toMatchObject({ a: "x,y", b: "1" });
    expect(receiver.requests()[0]?.headers["c"]).toBeUndefined();
  });
});

test("outboxes of further endpoints lie below the directory, named by the address", async () => {
  const directory = makeDirectory();
  const deliveries = open(["http://127.0.0.1:9", "http://user:secret@127.0.0.1:10"], directory);
  await deliveries.close({ timeoutMs: 10 });
  const [folder = ""] = readdirSync(directory).filter((name) => name.startsWith("endpoint-"));
  expect(folder).toMatch(/^endpoint-[0-9a-f]{12}$/);
  expect(existsSync(join(directory, folder, "outbox.sqlite"))).toBe(true);
});
