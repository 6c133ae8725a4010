/** The agent's own HTTP: /metrics, /healthz, /readyz. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
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
  /** in Prometheus' text format */
  metrics(): string;
  health(): Check;
  ready(): Check;
}

export interface TelemetryServer {
  readonly url: string;
  close(): void;
}

/** A scrape takes milliseconds; what is left open by others must not pile up. */
const REQUEST_MS = 10_000;
const MAX_CONNECTIONS = 64;

/** @throws Error where the address cannot be had, with what to do in its message */
export async function openTelemetryServer(options: TelemetryServerOptions): Promise<TelemetryServer> {
  const server = createServer((request, response) => answer(options, request, response));
  server.requestTimeout = REQUEST_MS;
  server.headersTimeout = REQUEST_MS;
  server.maxConnections = MAX_CONNECTIONS;
  server.listen(options.port, options.host);
  try {
    await once(server, "listening");
  } catch (error) {
    const where = `${options.host ?? ""}:${options.port}`;
    throw new Error(`cannot listen on ${where}: ${(error as Error).message}; set listen to another ADDRESS:PORT`, {
      cause: error,
    });
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
  else if (path === "/metrics") send(response, 200, METRICS_CONTENT_TYPE, options.metrics());
  else if (path === "/healthz") sendCheck(response, options.health());
  else if (path === "/readyz") sendCheck(response, options.ready());
  else send(response, 404, "text/plain", "there are /metrics, /healthz and /readyz\n");
}

function sendCheck(response: ServerResponse, { ok, detail }: Check): void {
  send(response, ok ? 200 : 503, "application/json", `${JSON.stringify({ ok, ...detail })}\n`);
}

/** Of an answer to HEAD, Node leaves the body out. */
function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) }).end(body);
}
