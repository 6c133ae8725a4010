/**
 * Ships log records by OTLP over HTTP, through the OpenTelemetry SDK's exporters.
 *
 * Records go to the exporter directly, not through LoggerProvider and BatchLogRecordProcessor: a provider has one
 * resource where each killed container needs its own, and the processor drops records when it is full and keeps what
 * became of a batch to itself. Here a full queue makes the caller wait, and each batch that fails is reported.
 */
import { setImmediate } from "node:timers/promises";
import { OTLPLogExporter as JsonExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPLogExporter as ProtobufExporter } from "@opentelemetry/exporter-logs-otlp-proto";
import type { LogRecordExporter } from "@opentelemetry/sdk-logs";
import { createBatchQueue } from "./batch-queue.ts";
import type { LogRecord } from "./log-record.ts";
import { type OtlpConnection, openConnection } from "./otlp-connection.ts";
import { openDiagnostics } from "./otlp-diagnostics.ts";
import { describeFailure } from "./otlp-failure.ts";
import { toReadableRecords } from "./otlp-record.ts";
import { type OtlpOptions, type OtlpSettings, readOtlpSettings } from "./otlp-settings.ts";
import type { Shipper, ShipResult } from "./shipper.ts";

/** What became of one batch. */
export interface BatchResult {
  exported: number;
  failed: number;
  /** why, where any failed */
  error?: string;
}

export interface OtlpShipperOptions extends OtlpOptions {
  /** Oomscribe's own, for User-Agent and the instrumentation scope */
  version: string;
  /** called once for each batch, and once for what is given up at close */
  onResult?: (result: BatchResult) => void;
  /** settings that are ignored, warnings of the SDK and of the backend */
  onWarning?: (message: string) => void;
}

export interface OtlpShipper extends Shipper {
  /** where records go, without credentials: for people */
  readonly target: string;
}

/** After the exporter's own timeout, which covers neither connecting nor an answer that trickles in. */
const GRACE_MS = 500;

/** @throws Error where a setting would send records nowhere; see readOtlpSettings */
export function openOtlpShipper(options: OtlpShipperOptions): OtlpShipper {
  const warn = options.onWarning ?? (() => {});
  const settings = readOtlpSettings(options, warn);
  const connection = openConnection(settings);
  const diagnostics = openDiagnostics(warn);
  const exporter = createExporter(settings, connection, options.version);
  const scope = { name: "oomscribe", version: options.version };
  const queue = createBatchQueue();
  const totals: ShipResult = { exported: 0, failed: 0 };
  let sending: Promise<void> | undefined;
  /** records of the batch that is out */
  let underWay = 0;
  let closed = false;
  let givenUp = false;

  function ship(record: LogRecord): void | Promise<void> {
    if (closed) throw new Error("the OTLP shipper is closed: ship() must come before close()");
    const room = queue.push(record);
    sending ??= sendAll();
    return room;
  }

  /** One batch at a time: records keep their order, and a backend in trouble is not pressed harder. */
  async function sendAll(): Promise<void> {
    // Records that are shipped in one turn of the event loop leave together.
    await setImmediate();
    while (queue.length > 0) {
      const batch = queue.take();
      underWay = batch.length;
      const result = await send(batch);
      underWay = 0;
      if (!givenUp) report(result);
    }
    sending = undefined;
  }

  function send(batch: readonly LogRecord[]): Promise<BatchResult> {
    return new Promise((resolve) => {
      let isLate = false;
      const deadline = setTimeout(() => {
        isLate = true;
        connection.abort();
      }, settings.timeoutMs + GRACE_MS);
      const fail = (error: string): void => resolve({ exported: 0, failed: batch.length, error });
      try {
        exporter.export(toReadableRecords(batch, scope, Date.now() * 1000), ({ code, error }) => {
          clearTimeout(deadline);
          const partial = diagnostics.takePartialSuccess();
          // ExportResultCode.SUCCESS
          if (code === 0) resolve(successOf(batch.length, partial));
          else if (isLate) fail(`no answer within ${settings.timeoutMs} ms`);
          else fail(describeFailure(error, connection.lastStatus, settings.timeoutMs));
        });
      } catch (error) {
        // A record that cannot be encoded: the batch is lost, the next ones need not be.
        clearTimeout(deadline);
        fail(describeFailure(error, undefined, settings.timeoutMs));
      }
    });
  }

  function successOf(sent: number, partial: { rejected: number; message: string } | undefined): BatchResult {
    const failed = Math.min(Math.max(partial?.rejected ?? 0, 0), sent);
    if (failed === 0) {
      if (partial !== undefined && partial.message !== "") warn(`the backend says: ${partial.message}`);
      return { exported: sent, failed: 0 };
    }
    return {
      exported: sent - failed,
      failed,
      error: `rejected by the backend: ${partial?.message || "no reason given"}`,
    };
  }

  function report(result: BatchResult): void {
    totals.exported += result.exported;
    totals.failed += result.failed;
    if (result.error !== undefined) totals.lastError = result.error;
    options.onResult?.(result);
  }

  async function flush(): Promise<ShipResult> {
    while (sending !== undefined && !givenUp) await sending;
    return { ...totals };
  }

  return {
    target: `${settings.url.origin}${settings.url.pathname}`,
    ship,
    flush,
    async close({ timeoutMs = settings.timeoutMs } = {}) {
      closed = true;
      let timer: NodeJS.Timeout | undefined;
      const deadline = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, timeoutMs);
      });
      await Promise.race([flush(), deadline]);
      clearTimeout(timer);
      if (sending !== undefined) {
        givenUp = true;
        const failed = underWay + queue.clear();
        report({ exported: 0, failed, error: `given up ${timeoutMs} ms after close; some may have arrived` });
      }
      connection.close();
      diagnostics.close();
      return { ...totals };
    },
  };
}

function createExporter(settings: OtlpSettings, connection: OtlpConnection, version: string): LogRecordExporter {
  const Exporter = settings.protocol === "http/json" ? JsonExporter : ProtobufExporter;
  type Config = NonNullable<ConstructorParameters<typeof Exporter>[0]>;
  return new Exporter({
    url: settings.url.href,
    headers: settings.headers,
    timeoutMillis: settings.timeoutMs,
    compression: settings.compression as NonNullable<Config["compression"]>,
    httpAgentOptions: () => connection.agent,
    userAgent: `oomscribe/${version}`,
  });
}
