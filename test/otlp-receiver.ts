/** A real OTLP/HTTP log receiver for tests: decodes protobuf by the published .proto files, JSON and gzip too. */
import { EventEmitter, once } from "node:events";
import {
  createServer as createHttpServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { createServer as createHttpsServer, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import protobuf from "protobufjs";

export interface ReceivedRecord {
  resource: Record<string, unknown>;
  attributes: Record<string, unknown>;
  body: unknown;
  eventName: string;
  severityNumber: number;
  severityText: string;
  timeUnixNano: bigint;
  observedTimeUnixNano: bigint;
  scope: { name: string; version: string };
}

export interface ReceivedRequest {
  method: string;
  /** path and query */
  path: string;
  headers: IncomingHttpHeaders;
  /** length of the body as sent */
  bytes: number;
  /** how many ResourceLogs it holds */
  resourceCount: number;
  records: ReceivedRecord[];
}

/** What the receiver answers; nothing: 200 and an empty response message. */
export interface Answer {
  status?: number;
  headers?: Record<string, string>;
  body?: string;
  /** encoded as the request was */
  partialSuccess?: { rejectedLogRecords: number; errorMessage: string };
  /** takes the request and never answers */
  hang?: true;
  /** takes the records and breaks the connection: the answer is lost */
  lost?: true;
  /** milliseconds before the answer */
  afterMs?: number;
}

export interface OtlpReceiver {
  /** base: `http://127.0.0.1:PORT` */
  readonly url: string;
  requests(): readonly ReceivedRequest[];
  /** every record of the requests that were answered with success */
  records(): ReceivedRecord[];
  /** @throws Error where there are fewer records after that many milliseconds */
  waitFor(count: number, timeoutMs: number): Promise<ReceivedRecord[]>;
  close(): Promise<void>;
}

export interface ReceiverOptions {
  /** @param index of the request, from 0 */
  respond?: (request: ReceivedRequest, index: number) => Answer | undefined;
  /** https with these keys */
  tls?: ServerOptions;
  /** default: a free one */
  port?: number;
}

export async function openOtlpReceiver(options: ReceiverOptions = {}): Promise<OtlpReceiver> {
  const requests: ReceivedRequest[] = [];
  const accepted: ReceivedRecord[] = [];
  const problems: unknown[] = [];
  const changes = new EventEmitter();

  async function onRequest(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(message);
    // Whoever sent it is gone, or was killed.
    if (body === undefined) return;
    const request = decodeRequest(message, body);
    const answer = options.respond?.(request, requests.length) ?? {};
    requests.push(request);
    if (answer.hang) return;
    if ((answer.status ?? 200) < 300) accepted.push(...request.records);
    if (answer.afterMs !== undefined) await setTimeout(answer.afterMs);
    if (answer.lost) message.socket.destroy();
    else sendAnswer(message, response, answer);
    changes.emit("change");
  }

  function listener(message: IncomingMessage, response: ServerResponse): void {
    onRequest(message, response).catch((error: unknown) => {
      problems.push(error);
      response.writeHead(500).end(String(error));
      changes.emit("change");
    });
  }

  function records(): ReceivedRecord[] {
    if (problems.length > 0) throw new Error("a request could not be decoded", { cause: problems[0] });
    return accepted;
  }

  const server = options.tls === undefined ? createHttpServer(listener) : createHttpsServer(options.tls, listener);
  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");

  return {
    url: `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => requests,
    records,
    async waitFor(count, timeoutMs) {
      const signal = AbortSignal.timeout(timeoutMs);
      while (records().length < count) {
        await once(changes, "change", { signal }).catch(() => {
          throw new Error(`${records().length} of ${count} records after ${timeoutMs} ms`);
        });
      }
      return records();
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** @returns undefined where it ends before its end */
async function readBody(message: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of message) chunks.push(chunk);
    return Buffer.concat(chunks);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ECONNRESET") return undefined;
    throw error;
  }
}

function sendAnswer({ headers }: IncomingMessage, response: ServerResponse, answer: Answer): void {
  const type = headers["content-type"] ?? "";
  const message = { partialSuccess: answer.partialSuccess };
  const whole = type === "application/json" ? JSON.stringify(message) : ResponseType.encode(message).finish();
  response.writeHead(answer.status ?? 200, { "content-type": type, ...answer.headers });
  response.end(answer.body ?? whole);
}

const proto = new protobuf.Root();
proto.resolvePath = (_, target) => fileURLToPath(new URL(`otlp-proto/${target}`, import.meta.url));
proto.loadSync("opentelemetry/proto/collector/logs/v1/logs_service.proto");
const RequestType = proto.lookupType("opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest");
const ResponseType = proto.lookupType("opentelemetry.proto.collector.logs.v1.ExportLogsServiceResponse");

/** The messages as protobufjs hands them out, 64-bit numbers as strings, what is absent as its default. */
interface RequestMessage {
  resourceLogs: {
    resource: { attributes: KeyValue[] };
    scopeLogs: { scope: { name: string; version: string }; logRecords: LogRecordMessage[] }[];
  }[];
}
interface LogRecordMessage {
  timeUnixNano: string;
  observedTimeUnixNano: string;
  severityNumber: number;
  severityText: string;
  eventName: string;
  body: AnyValue;
  attributes: KeyValue[];
}
interface KeyValue {
  key: string;
  value: AnyValue;
}
interface AnyValue {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: string;
  doubleValue?: number;
  arrayValue?: { values: AnyValue[] };
}

function decodeRequest({ method = "", url = "", headers }: IncomingMessage, raw: Buffer): ReceivedRequest {
  const body = headers["content-encoding"] === "gzip" ? gunzipSync(raw) : raw;
  const { resourceLogs } = decodeBody(headers["content-type"], body);
  const records = resourceLogs.flatMap(({ resource, scopeLogs }) =>
    scopeLogs.flatMap(({ scope, logRecords }) =>
      logRecords.map(
        (record): ReceivedRecord => ({
          resource: toRecord(resource.attributes),
          attributes: toRecord(record.attributes),
          body: toValue(record.body),
          eventName: record.eventName,
          severityNumber: record.severityNumber,
          severityText: record.severityText,
          timeUnixNano: BigInt(record.timeUnixNano),
          observedTimeUnixNano: BigInt(record.observedTimeUnixNano),
          scope: { name: scope.name, version: scope.version },
        }),
      ),
    ),
  );
  return { method, path: url, headers, bytes: raw.length, resourceCount: resourceLogs.length, records };
}

function decodeBody(type: string | undefined, body: Buffer): RequestMessage {
  if (type !== "application/x-protobuf" && type !== "application/json") throw new Error(`content-type: ${type}`);
  const message =
    type === "application/json" ? RequestType.fromObject(JSON.parse(body.toString())) : RequestType.decode(body);
  return RequestType.toObject(message, { longs: String, defaults: true }) as RequestMessage;
}

function toRecord(pairs: readonly KeyValue[]): Record<string, unknown> {
  const keys = new Set(pairs.map((pair) => pair.key));
  if (keys.size < pairs.length) throw new Error("a key stands twice, which OTLP forbids");
  return Object.fromEntries(pairs.map(({ key, value }) => [key, toValue(value)]));
}

function toValue(value: AnyValue | null): unknown {
  if (value?.stringValue !== undefined) return value.stringValue;
  if (value?.boolValue !== undefined) return value.boolValue;
  if (value?.intValue !== undefined) return Number(value.intValue);
  if (value?.doubleValue !== undefined) return value.doubleValue;
  if (value?.arrayValue !== undefined) return value.arrayValue.values.map(toValue);
  throw new Error(`a value of none of the types that are sent: ${JSON.stringify(value)}`);
}
