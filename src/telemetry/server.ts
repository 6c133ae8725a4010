/** The agent's own HTTP: /metrics, /healthz, /readyz. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { limitConnections } from "./connection-limit.ts";
import { METRICS_CONTENT_TYPE } from "./metrics.ts";

/** What a probe is told. */
export interface Check {
  ok: boolean;
  /** for people: why, or what there is */
  detail: Readonly<Record<string, unknown>>;
}

export interface TelemetryServerOptions {
  /** `127.0.0.1`, `::`; absent: every address */
  host: string | undefined;
  /** 0: a free one */
  port: number;
  /** the setting that names the address, for the message of an error */
  setting: string;
  /** in Prometheus' text format; undefined: there is no /metrics */
  metrics: (() => string) | undefined;
  health(): Check;
  ready(): Check;
  /** a connection was closed to make room for others */
  onDropped(peer: string | undefined): void;
  /** for tests */
  connectionMs?: number;
}

export interface TelemetryServer {
  readonly url: string;
  close(): void;
}

/** A scrape takes milliseconds. The whole life of a connection, since each is for one request. */
const CONNECTION_MS = 10_000;

/** @throws Error where the address cannot be had, with what to do in its message */
export async function openTelemetryServer(options: TelemetryServerOptions): Promise<TelemetryServer> {
  const server = createServer((request, response) => answer(options, request, response));
  limitConnections(server, { lifeMs: options.connectionMs ?? CONNECTION_MS, onDropped: options.onDropped });
  server.listen(options.port, options.host);
  try {
    await once(server, "listening");
  } catch (error) {
    const where = `${options.host ?? ""}:${options.port}`;
    throw new Error(
      `cannot listen on ${where}: ${(error as Error).message}; set ${options.setting} to another ADDRESS:PORT`,
      { cause: error },
    );
  }
  const { address, family, port } = server.address() as AddressInfo;
  return {
    url: `http://${family === "IPv6" ? `[${address}]` : address}:${port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function answer(
  options: TelemetryServerOptions,
  { method, url = "" }: IncomingMessage,
  response: ServerResponse,
): void {
  const path = url.split("?", 1)[0];
  if (method !== "GET" && method !== "HEAD") send(response, 405, "text/plain", "only GET and HEAD\n");
  else if (path === "/metrics" && options.metrics !== undefined) {
    send(response, 200, METRICS_CONTENT_TYPE, options.metrics());
  } else if (path === "/healthz") sendCheck(response, options.health());
  else if (path === "/readyz") sendCheck(response, options.ready());
  else send(response, 404, "text/plain", `there are ${options.metrics ? "/metrics, " : ""}/healthz and /readyz\n`);
}

function sendCheck(response: ServerResponse, { ok, detail }: Check): void {
  send(response, ok ? 200 : 503, "application/json", `${JSON.stringify({ ok, ...detail })}\n`);
}

/** Of an answer to HEAD, Node leaves the body out. A connection that stays open would be one to be counted and timed. */
function send(response: ServerResponse, status: number, type: string, body: string): void {
  const headers = { "content-type": type, "content-length": Buffer.byteLength(body), connection: "close" };
  response.writeHead(status, headers).end(body);
}
