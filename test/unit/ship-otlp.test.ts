/** OTLP against a real receiver: what arrives, and that whatever does not arrive is counted with its reason. */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, test } from "vitest";
import type { LogRecord } from "../../src/ship/log-record.ts";
import { type BatchResult, type OtlpShipper, type OtlpShipperOptions, openOtlpShipper } from "../../src/ship/otlp.ts";
import { toLogRecord } from "../../src/ship/record.ts";
import { readResourceEnv } from "../../src/ship/resource-env.ts";
import { killsOf, makeBareKill, makeKill, readReports } from "../kills.ts";
import { type Answer, type OtlpReceiver, openOtlpReceiver, type ReceiverOptions } from "../otlp-receiver.ts";

const opened: { close(): Promise<unknown> }[] = [];

afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function receive(options?: ReceiverOptions): Promise<OtlpReceiver> {
  const receiver = await openOtlpReceiver(options);
  opened.push(receiver);
  return receiver;
}

interface Watched extends OtlpShipper {
  results: BatchResult[];
  warnings: string[];
}

function shipTo(endpoint: string, env: Record<string, string> = {}, more: Partial<OtlpShipperOptions> = {}): Watched {
  const results: BatchResult[] = [];
  const warnings: string[] = [];
  const shipper = openOtlpShipper({
    endpoint,
    env,
    version: "1.2.3",
    onResult: (result) => results.push(result),
    onWarning: (message) => warnings.push(message),
    ...more,
  });
  opened.push(shipper);
  return { ...shipper, results, warnings };
}

function record(body: string, resource: LogRecord["resource"] = {}): LogRecord {
  return { severityText: "ERROR", severityNumber: 17, eventName: "oom.kill", body, resource, attributes: {} };
}

describe.each(["http/protobuf", "http/json"] as const)("by %s", (protocol) => {
  test("everything of a record arrives, to the microsecond", async () => {
    const receiver = await receive();
    const shipper = shipTo(receiver.url, {}, { protocol });
    const hostile = makeKill({ victim: { comm: '中\ufffd\n\0"', oomScoreAdj: -1000, uid: 2 ** 32 - 2 } });
    const sent = toLogRecord(hostile, { resource: { "k8s.cluster.name": "prod" } });
    const before = BigInt(Date.now()) * 1_000_000n;
    await shipper.ship(sent);
    expect(await shipper.flush()).toEqual({ exported: 1, failed: 0 });
    const after = BigInt(Date.now()) * 1_000_000n;

    const [received] = receiver.records();
    expect(received).toEqual({
      resource: sent.resource,
      attributes: sent.attributes,
      body: sent.body,
      eventName: "oom.kill",
      severityNumber: 17,
      severityText: "ERROR",
      timeUnixNano: 1_767_225_600_123_457_000n,
      observedTimeUnixNano: expect.any(BigInt),
      scope: { name: "oomscribe", version: "1.2.3" },
    });
    expect(received?.observedTimeUnixNano).toBeGreaterThanOrEqual(before);
    expect(received?.observedTimeUnixNano).toBeLessThanOrEqual(after);
    expect(receiver.requests()[0]).toMatchObject({
      method: "POST",
      path: "/v1/logs",
      headers: {
        "content-type": protocol === "http/json" ? "application/json" : "application/x-protobuf",
        "user-agent": expect.stringMatching(/^oomscribe\/1\.2\.3 /),
      },
    });
  });

  test("a time that is not known is 0, OTLP's word for that", async () => {
    const receiver = await receive();
    const shipper = shipTo(receiver.url, {}, { protocol });
    await shipper.ship(toLogRecord(makeBareKill(), { resource: {} }));
    await shipper.flush();
    expect(receiver.records()).toMatchObject([{ timeUnixNano: 0n }]);
  });

  test("partial success: what the backend rejected is counted as failed, with its reason", async () => {
    const partialSuccess = { rejectedLogRecords: 2, errorMessage: "too old" };
    const receiver = await receive({ respond: (_, index) => (index === 0 ? { partialSuccess } : {}) });
    const shipper = shipTo(receiver.url, {}, { protocol });
    for (const body of ["a", "b", "c"]) await shipper.ship(record(body));
    const error = "rejected by the backend: too old";
    expect(await shipper.flush()).toEqual({ exported: 1, failed: 2, lastError: error });
    await shipper.ship(record("d"));
    expect(await shipper.flush()).toMatchObject({ exported: 2, failed: 2 });
    expect(shipper.results).toEqual([
      { exported: 1, failed: 2, error },
      { exported: 1, failed: 0 },
    ]);
  });

  test("partial success that rejects nothing is a warning", async () => {
    const receiver = await receive({
      respond: () => ({ partialSuccess: { rejectedLogRecords: 0, errorMessage: "slow" } }),
    });
    const shipper = shipTo(receiver.url, {}, { protocol });
    await shipper.ship(record("a"));
    expect(await shipper.flush()).toEqual({ exported: 1, failed: 0 });
    expect(shipper.warnings).toEqual(["the backend says: slow"]);
  });

  test.each<[string, Answer, string]>([
    [
      "a web page",
      { headers: { "content-type": "text/html" }, body: "<html>Log in" },
      "answered with text/html, not OTLP",
    ],
    [
      "another port's word",
      { headers: { "content-type": "text/plain" }, body: "ok" },
      "answered with text/plain, not OTLP",
    ],
    ["a body that is not what it says", { body: "\xff<html>" }, "answered with a body that is not OTLP"],
    [
      "a body that is too long",
      { headers: { "content-type": "application/json" }, body: `{"a":"${"a".repeat(70_000)}"}` },
      "answered with a body that is not OTLP",
    ],
  ])("HTTP 200 with %s is not delivered", async (_, answer, reason) => {
    const receiver = await receive({ respond: () => answer });
    const shipper = shipTo(receiver.url, {}, { protocol });
    await shipper.ship(record("a"));
    const lastError = `HTTP 200 OK: ${reason}: is the endpoint right?`;
    expect(await shipper.flush()).toEqual({ exported: 0, failed: 1, lastError });
    expect(shipper.warnings).toEqual([]);
  });

  test.each<[string, Answer]>([
    ["no body", { body: "" }],
    ["no body and the type of a web page", { headers: { "content-type": "text/html" }, body: "" }],
    ["204", { status: 204, body: "" }],
    ["{} as text", { headers: { "content-type": "text/plain" }, body: "{}\n" }],
    ["an object of JSON of its own", { headers: { "content-type": "application/json" }, body: '{"took":1}' }],
  ])("a success with %s is delivered", async (_, answer) => {
    const receiver = await receive({ respond: () => answer });
    const shipper = shipTo(receiver.url, {}, { protocol });
    await shipper.ship(record("a"));
    expect(await shipper.flush()).toEqual({ exported: 1, failed: 0 });
    expect(shipper.warnings).toEqual([]);
  });
});

test("both protocols say the same of the same kills", async () => {
  const kills = ["v2-6.12/03-oom-group.kmsg", "v1-6.18/03-hostile-names.kmsg", "v2-6.1/08-node-out-of-memory.kmsg"]
    .flatMap((capture) => readReports(capture).reports)
    .flatMap(killsOf);
  const sent = kills.map((kill) => toLogRecord(kill, { resource: {} }));
  const receivers = [await receive(), await receive()] as const;
  for (const [index, protocol] of (["http/protobuf", "http/json"] as const).entries()) {
    const shipper = shipTo(receivers[index]?.url ?? "", {}, { protocol });
    for (const one of sent) await shipper.ship(one);
    expect(await shipper.flush()).toEqual({ exported: sent.length, failed: 0 });
  }
  const [protobuf, json] = receivers.map((receiver) =>
    receiver.records().map(({ observedTimeUnixNano: _, ...rest }) => rest),
  );
  expect(kills.length).toBeGreaterThan(5);
  expect(protobuf).toEqual(json);
  expect(protobuf?.map((received) => received.attributes)).toEqual(sent.map((one) => one.attributes));
});

test("one Resource for each killed container, whatever else is in the batch", async () => {
  const receiver = await receive();
  const shipper = shipTo(receiver.url);
  for (const id of ["a", "b", "a", "c", "b"]) await shipper.ship(record(`in ${id}`, { "container.id": id }));
  await shipper.flush();
  expect(receiver.requests()).toHaveLength(1);
  expect(receiver.requests()[0]?.resourceCount).toBe(3);
  for (const { body, resource } of receiver.records()) expect(body).toBe(`in ${resource["container.id"]}`);
});

test("OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME arrive as defaults", async () => {
  const receiver = await receive();
  const shipper = shipTo(receiver.url);
  const env = { OTEL_RESOURCE_ATTRIBUTES: "k8s.cluster.name=prod,host.name=env", OTEL_SERVICE_NAME: "mine" };
  await shipper.ship(toLogRecord(makeKill(), { resource: readResourceEnv(env, () => {}) }));
  await shipper.flush();
  expect(receiver.records()[0]?.resource).toMatchObject({
    "k8s.cluster.name": "prod",
    "service.name": "mine",
    "host.name": "node-7",
  });
});

describe("the variables take effect", () => {
  test("headers, those of logs above those of every signal", async () => {
    const receiver = await receive();
    const shipper = shipTo(receiver.url, {
      OTEL_EXPORTER_OTLP_HEADERS: "Authorization=general,x-team=a%20b",
      OTEL_EXPORTER_OTLP_LOGS_HEADERS: "authorization=Bearer%20logs",
    });
    await shipper.ship(record("a"));
    await shipper.flush();
    expect(receiver.requests()[0]?.headers).toMatchObject({ authorization: "Bearer logs", "x-team": "a b" });
  });

  test("the endpoint's path", async () => {
    const receiver = await receive();
    for (const env of [
      { OTEL_EXPORTER_OTLP_ENDPOINT: `${receiver.url}/base` },
      { OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: `${receiver.url}/own?x=1` },
    ]) {
      const shipper = shipTo("", env);
      await shipper.ship(record("a"));
      await shipper.flush();
    }
    expect(receiver.requests().map((request) => request.path)).toEqual(["/base/v1/logs", "/own?x=1"]);
  });

  test.each(["http/protobuf", "http/json"])("the protocol %s", async (protocol) => {
    const receiver = await receive();
    const shipper = shipTo(receiver.url, { OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: protocol });
    await shipper.ship(record("a"));
    await shipper.flush();
    const type = { "http/protobuf": "application/x-protobuf", "http/json": "application/json" }[protocol];
    expect(receiver.requests()[0]?.headers["content-type"]).toBe(type);
  });

  test.each(["OTEL_EXPORTER_OTLP_COMPRESSION", "OTEL_EXPORTER_OTLP_LOGS_COMPRESSION"])("gzip by %s", async (name) => {
    const receiver = await receive();
    const shipper = shipTo(receiver.url, { [name]: "gzip" });
    await shipper.ship(record("long ".repeat(1000)));
    expect(await shipper.flush()).toEqual({ exported: 1, failed: 0 });
    expect(receiver.requests()[0]?.headers["content-encoding"]).toBe("gzip");
    expect(receiver.requests()[0]?.bytes).toBeLessThan(1000);
    expect(receiver.records()).toMatchObject([{ body: "long ".repeat(1000) }]);
  });

  test("the timeout", async () => {
    const receiver = await receive({ respond: () => ({ hang: true }) });
    const shipper = shipTo(receiver.url, { OTEL_EXPORTER_OTLP_LOGS_TIMEOUT: "50" });
    await shipper.ship(record("a"));
    expect(await shipper.flush()).toEqual({ exported: 0, failed: 1, lastError: "no answer within 50 ms" });
  });
});

test("people are told where records go, without credentials", async () => {
  expect(shipTo("http://user:secret@127.0.0.1:9/x?token=secret").target).toBe("http://127.0.0.1:9/x");
});

describe("what does not arrive is counted with its reason", () => {
  const brief = { OTEL_EXPORTER_OTLP_TIMEOUT: "300" };

  test.each([
    ["refused by the backend", { status: 400, body: "field\n7 is wrong" }, "HTTP 400 Bad Request: field 7 is wrong"],
    ["not allowed", { status: 401 }, "HTTP 401 Unauthorized"],
    ["too large for the backend", { status: 413 }, "HTTP 413 Payload Too Large"],
    ["more than the backend can take", { status: 503 }, "HTTP 503 Service Unavailable"],
    ["more than it wants to", { status: 429, headers: { "retry-after": "3600" } }, "HTTP 429 Too Many Requests"],
    ["sent elsewhere", { status: 302, headers: { location: "/x" } }, "HTTP 302 Found"],
  ])("%s", async (_, answer, error) => {
    const receiver = await receive({ respond: () => answer });
    const shipper = shipTo(receiver.url, brief);
    for (const body of ["a", "b"]) await shipper.ship(record(body));
    expect(await shipper.flush()).toEqual({ exported: 0, failed: 2, lastError: expect.stringContaining(error) });
    expect(shipper.results).toMatchObject([{ exported: 0, failed: 2 }]);
  });

  test("a backend that is down, and then is not", async () => {
    const { url, close } = await openOtlpReceiver();
    await close();
    const shipper = shipTo(url, brief);
    await shipper.ship(record("lost"));
    expect(await shipper.flush()).toMatchObject({ failed: 1, lastError: expect.stringContaining("ECONNREFUSED") });
    const receiver = await receive({ port: Number(new URL(url).port) });
    await shipper.ship(record("arrives"));
    expect(await shipper.flush()).toMatchObject({ exported: 1, failed: 1 });
    expect(receiver.records()).toMatchObject([{ body: "arrives" }]);
  });

  test("a host that does not exist", async () => {
    const shipper = shipTo("http://backend.invalid", brief);
    await shipper.ship(record("a"));
    expect(await shipper.flush()).toMatchObject({ failed: 1, lastError: expect.stringContaining("backend.invalid") });
  });

  test("an answer that never ends", async () => {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n");
      const drip = setInterval(() => socket.write("x"), 20);
      socket.on("close", () => clearInterval(drip));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    opened.push({ close: async () => server.close() });
    const { port } = server.address() as { port: number };
    const shipper = shipTo(`http://127.0.0.1:${port}`, brief);
    await shipper.ship(record("a"));
    // The status alone is not the answer: the rest may say that some records were rejected.
    expect(await shipper.flush()).toEqual({ exported: 0, failed: 1, lastError: "no answer within 300 ms" });
  });

  test("an answer that breaks off", async () => {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n"));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    opened.push({ close: async () => server.close() });
    const { port } = server.address() as { port: number };
    const shipper = shipTo(`http://127.0.0.1:${port}`, brief);
    await shipper.ship(record("a"));
    const lastError = "HTTP 200 OK: the answer ended before its end";
    expect(await shipper.flush()).toEqual({ exported: 0, failed: 1, lastError });
  });

  test("a backend that does not take the connection", async () => {
    // A listener whose thread stands still, and whose queue is full: the kernel answers no further connection.
    const script = `
      const { workerData, parentPort } = require("node:worker_threads");
      const server = require("node:net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
        parentPort.postMessage(server.address().port);
        setImmediate(() => Atomics.wait(new Int32Array(workerData), 0, 0));
      });`;
    const flag = new SharedArrayBuffer(4);
    const worker = new Worker(script, { eval: true, workerData: flag });
    const [port] = (await once(worker, "message")) as [number];
    const fillers: Socket[] = [];
    opened.push({
      async close() {
        for (const filler of fillers) filler.destroy();
        Atomics.store(new Int32Array(flag), 0, 1);
        Atomics.notify(new Int32Array(flag), 0);
        await worker.terminate();
      },
    });
    for (let isOpen = true; isOpen; ) {
      const filler = connect(port, "127.0.0.1").on("error", () => {});
      fillers.push(filler);
      const signal = AbortSignal.timeout(300);
      isOpen = await once(filler, "connect", { signal }).then(
        () => true,
        () => false,
      );
    }
    const shipper = shipTo(`http://127.0.0.1:${port}`, brief);
    await shipper.ship(record("a"));
    expect(await shipper.flush()).toEqual({ exported: 0, failed: 1, lastError: "no answer within 300 ms" });
  });
});

test("a backend that is busy for a moment gets the batch again", async () => {
  const receiver = await receive({ respond: (_, index) => (index === 0 ? { status: 503 } : {}) });
  const shipper = shipTo(receiver.url);
  await shipper.ship(record("a"));
  expect(await shipper.flush()).toEqual({ exported: 1, failed: 0 });
  expect(receiver.requests()).toHaveLength(2);
});

describe("many records", () => {
  const long: LogRecord = { ...record("x"), attributes: { "log.record.original": "l".repeat(8192) } };

  test("go out in order, in batches that a proxy's default takes, and the caller waits for room", {
    timeout: 30_000,
  }, async () => {
    const receiver = await receive();
    // A proxy counts what is sent; without gzip that is the most that it can be.
    const shipper = shipTo(receiver.url, { OTEL_EXPORTER_OTLP_COMPRESSION: "none" });
    let waits = 0;
    for (let index = 0; index < 3000; index++) {
      const room = shipper.ship({ ...long, body: String(index) });
      if (room !== undefined) waits++;
      await room;
    }
    expect(await shipper.flush()).toEqual({ exported: 3000, failed: 0 });
    expect(receiver.records().map(({ body }) => Number(body))).toEqual(
      Array.from({ length: 3000 }, (_, index) => index),
    );
    expect(waits).toBeGreaterThan(0);
    expect(Math.max(...receiver.requests().map(({ bytes }) => bytes))).toBeLessThan(1024 * 1024);
    expect(receiver.requests().length).toBeLessThan(3000 / 20);
  });

  test("are each counted when every batch fails", async () => {
    const receiver = await receive({ respond: () => ({ status: 400 }) });
    const shipper = shipTo(receiver.url);
    for (let index = 0; index < 1000; index++) await shipper.ship(record("x"));
    expect(await shipper.flush()).toMatchObject({ exported: 0, failed: 1000 });
    expect(shipper.results.reduce((sum, { failed }) => sum + failed, 0)).toBe(1000);
  });
});

describe("close", () => {
  test("sends what waits", async () => {
    const receiver = await receive();
    const shipper = shipTo(receiver.url);
    shipper.ship(record("a"));
    expect(await shipper.close()).toEqual({ exported: 1, failed: 0 });
    expect(receiver.records()).toHaveLength(1);
    expect(() => shipper.ship(record("b"))).toThrow("closed");
  });

  test("gives up at its deadline, counts what is unsent, and sends it no more", async () => {
    const receiver = await receive({ respond: (_, index) => (index === 0 ? { hang: true } : {}) });
    const shipper = shipTo(receiver.url);
    for (let index = 0; index < 600; index++) void shipper.ship(record(String(index)));
    while (receiver.requests().length === 0) await new Promise(setImmediate);
    expect(await shipper.close({ timeoutMs: 20 })).toEqual({
      exported: 0,
      failed: 600,
      lastError: expect.stringContaining("given up 20 ms after close"),
    });
    // Longer than the exporter waits before it tries again.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(receiver.requests()).toHaveLength(1);
    expect(shipper.results).toHaveLength(1);
  });
});
