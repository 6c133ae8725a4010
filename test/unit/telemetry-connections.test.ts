/** The agent's own HTTP under clients that send a byte now and then, or come by the hundred. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { get } from "node:http";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { openTelemetryServer, type TelemetryServer, type TelemetryServerOptions } from "../../src/telemetry/server.ts";

const TRICKLING = 200;
const PROBES = 25;

const servers: TelemetryServer[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function open(options: Partial<TelemetryServerOptions> = {}): Promise<TelemetryServer> {
  const server = await openTelemetryServer({
    host: "127.0.0.1",
    port: 0,
    setting: "listen",
    metrics: () => "oomscribe_build_info 1\n",
    health: () => ({ ok: true, detail: {} }),
    ready: () => ({ ok: true, detail: {} }),
    onDropped() {},
    ...options,
  });
  servers.push(server);
  return server;
}

/** On a connection of its own. @returns the status; the error's code where there is no answer */
async function ask(url: string): Promise<number | string> {
  const request = get(url, { agent: false });
  try {
    const [response] = await once(request, "response");
    response.resume();
    await once(response, "end");
    return response.statusCode;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "failed";
  }
}

interface Trickle {
  /** each sends one byte of its request */
  send(): void;
  /** that the server has closed */
  closed(): number;
}

/** Requests that never end. @param comeBack a connection that is closed is replaced by another */
async function trickle(url: string, count: number, comeBack: boolean): Promise<Trickle> {
  const { hostname, port } = new URL(url);
  const sockets = new Set<Socket>();
  let closed = 0;
  let isOver = false;
  const start = async (): Promise<void> => {
    const socket = connect({ host: hostname, port: Number(port) });
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => {
      closed++;
      sockets.delete(socket);
      if (comeBack && !isOver) start();
    });
    await Promise.race([once(socket, "connect"), once(socket, "close")]);
    socket.write("GET /metrics HTTP/1.1\r\nhost: a\r\nx: ");
  };
  onTestFinished(() => {
    isOver = true;
    for (const socket of sockets) socket.destroy();
  });
  await Promise.all(Array.from({ length: count }, start));
  return {
    send() {
      for (const socket of sockets) if (!socket.connecting) socket.write("a");
    },
    closed: () => closed,
  };
}

describe.each([false, true])("with 200 connections that trickle, replaced as they are closed: %s", (comeBack) => {
  test.each(["/healthz", "/readyz", "/metrics"])("%s is answered 25 times of 25", async (path) => {
    const { url } = await open();
    const trickling = await trickle(url, TRICKLING, comeBack);
    const answers: (number | string)[] = [];
    for (let probe = 0; probe < PROBES; probe++) {
      trickling.send();
      answers.push(await ask(`${url}${path}`));
    }
    expect(answers).toEqual(Array.from({ length: PROBES }, () => 200));
    expect(trickling.closed()).toBeGreaterThanOrEqual(TRICKLING - 64);
  });
});

/** Connects with a whole request, then 300 times with a piece of one; says when all of it is on its way, and what came. */
const CROWD = `
const [port, file] = process.argv.slice(1);
const net = require("node:net");
const begin = (text) => new Promise((done) => {
  const socket = net.connect({ host: "127.0.0.1", port: Number(port) }, () => socket.write(text, () => done(socket)));
  socket.on("error", () => {});
});
(async () => {
  const probe = await begin("GET /healthz HTTP/1.1\\r\\nhost: a\\r\\n\\r\\n");
  const rest = [];
  for (let index = 0; index < 300; index++) rest.push(await begin("GET /"));
  probe.on("data", (data) => process.stdout.write(data)).on("close", () => process.exit());
  require("node:fs").writeFileSync(file, "");
})();`;

test("a probe is answered though hundreds came after it before the event loop could read of any", async () => {
  const { url } = await open();
  const folder = mkdtempSync(join(tmpdir(), "oomscribe-crowd-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "begun");
  const client = spawn(process.execPath, ["-e", CROWD, new URL(url).port, file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  // The server is in this process: while it waits here, the connections wait in the kernel.
  const cell = new Int32Array(new SharedArrayBuffer(4));
  for (let waits = 0; !existsSync(file); waits++) {
    if (waits > 3000) throw new Error("the client has not connected");
    Atomics.wait(cell, 0, 0, 10);
  }
  let answer = "";
  for await (const chunk of client.stdout) answer += chunk;
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r$/m);
});

test("the oldest are closed, the newest stay", async () => {
  const peers: (string | undefined)[] = [];
  const { url } = await open({ onDropped: (peer) => peers.push(peer) });
  const [first, second] = [await trickle(url, 40, false), await trickle(url, 60, false)];
  await expect.poll(() => first.closed()).toBe(36);
  expect(second.closed()).toBe(0);
  expect(peers).toEqual(Array.from({ length: 36 }, () => "127.0.0.1"));
});

test("each connection is for one request, and has its end", async () => {
  const { url } = await open({ connectionMs: 50 });
  const { hostname, port } = new URL(url);
  const pipelined = connect({ host: hostname, port: Number(port) });
  pipelined.write("GET /healthz HTTP/1.1\r\nhost: a\r\n\r\nGET /healthz HTTP/1.1\r\nhost: a\r\n\r\n");
  let text = "";
  for await (const chunk of pipelined) text += chunk;
  expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1);
  expect(text).toMatch(/^connection: close\r$/im);
  const trickling = await trickle(url, 10, false);
  await expect.poll(() => trickling.closed()).toBe(10);
});
