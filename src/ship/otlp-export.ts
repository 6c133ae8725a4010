/**
 * Sends one batch of records by OTLP over HTTP, through the OpenTelemetry SDK's exporters, and tells what became of it.
 *
 * Records go to the exporter directly, not through LoggerProvider and BatchLogRecordProcessor: a provider has one
 * resource where each killed container needs its own, and the processor drops records when it is full and keeps what
 * became of a batch to itself.
 */
import { OTLPLogExporter as JsonExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPLogExporter as ProtobufExporter } from "@opentelemetry/exporter-logs-otlp-proto";
import type { LogRecordExporter } from "@opentelemetry/sdk-logs";
import { openHeadersFile } from "./headers-file.ts";
import type { LogRecord } from "./log-record.ts";
import { type OtlpConnection, openConnection } from "./otlp-connection.ts";
import { openDiagnostics } from "./otlp-diagnostics.ts";
import { type Answer, toAcceptedOutcome, toFailedOutcome } from "./otlp-outcome.ts";
import { toReadableRecords } from "./otlp-record.ts";
import { type OtlpOptions, type OtlpSettings, readOtlpSettings } from "./otlp-settings.ts";
import type { Outcome } from "./outcome.ts";

export interface OtlpExportOptions extends OtlpOptions {
  /** Oomscribe's own, for User-Agent and the instrumentation scope */
  version: string;
  /** settings that are ignored, warnings of the SDK and of the backend */
  onWarning?: (message: string) => void;
}

export interface OtlpExport {
  /** where records go, without credentials: for people */
  readonly target: string;
  /** milliseconds that a batch may take, what the SDK retries by itself included */
  readonly timeoutMs: number;
  /** of the backend, to whatever was sent last; undefined: there was none */
  readonly lastAnswer: Answer | undefined;
  /** One batch at a time. Never rejects. */
  export(batch: readonly LogRecord[]): Promise<Outcome>;
  /** Lets go of the connection; a batch under way fails, and is not tried again. */
  close(): void;
}

/** After the exporter's own timeout, which covers neither connecting nor an answer that trickles in. */
const GRACE_MS = 500;

/** @throws Error where a setting would send records nowhere; see readOtlpSettings */
export function openOtlpExport(options: OtlpExportOptions): OtlpExport {
  const warn = options.onWarning ?? (() => {});
  const settings = readOtlpSettings(options, warn);
  const { timeoutMs } = settings;
  const file = settings.headersFile === undefined ? undefined : openHeadersFile(settings.headersFile, warn);
  const headers = async (): Promise<Record<string, string>> => ({ ...settings.headers, ...file?.read() });
  const connection = openConnection(settings);
  const diagnostics = openDiagnostics(warn);
  const exporter = createExporter(settings, connection, options.version, headers);
  const scope = { name: "oomscribe", version: options.version };

  return {
    target: `${settings.url.origin}${settings.url.pathname}`,
    timeoutMs,
    get lastAnswer() {
      return connection.lastAnswer;
    },
    export(batch) {
      return new Promise((resolve) => {
        let isLate = false;
        const deadline = setTimeout(() => {
          isLate = true;
          connection.abort();
        }, timeoutMs + GRACE_MS);
        try {
          exporter.export(toReadableRecords(batch, scope, Date.now() * 1000), ({ code, error }) => {
            clearTimeout(deadline);
            const answer = connection.lastAnswer;
            // ExportResultCode.SUCCESS: of the status alone.
            if (code === 0 && answer !== undefined && !(isLate && answer.body === undefined)) {
              resolve(toAcceptedOutcome(answer, batch.length, warn));
            } else if (isLate) resolve({ kind: "retry", reason: `no answer within ${timeoutMs} ms` });
            else resolve(toFailedOutcome(error, answer, timeoutMs, Date.now()));
          });
        } catch (error) {
          // A record that cannot be encoded, now or later.
          clearTimeout(deadline);
          resolve({ kind: "rejected", reason: error instanceof Error ? error.message : String(error) });
        }
      });
    },
    close() {
      connection.close();
      diagnostics.close();
    },
  };
}

function createExporter(
  settings: OtlpSettings,
  connection: OtlpConnection,
  version: string,
  headers: () => Promise<Record<string, string>>,
): LogRecordExporter {
  const Exporter = settings.protocol === "http/json" ? JsonExporter : ProtobufExporter;
  type Config = NonNullable<ConstructorParameters<typeof Exporter>[0]>;
  return new Exporter({
    url: settings.url.href,
    headers,
    timeoutMillis: settings.timeoutMs,
    compression: settings.compression as NonNullable<Config["compression"]>,
    httpAgentOptions: () => connection.agent,
    userAgent: `oomscribe/${version}`,
  });
}
