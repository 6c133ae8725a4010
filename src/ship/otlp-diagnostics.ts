/**
 * What the SDK says only to its diagnostics: warnings, and that a backend took a batch but not all of its records
 * (partial success), which the exporter reports as success.
 */
import { DiagLogLevel, diag } from "@opentelemetry/api";

/** `ExportLogsPartialSuccess` of the OTLP specification. */
export interface PartialSuccess {
  /** records that the backend did not take; 0 with a message: a warning */
  rejected: number;
  message: string;
}

export interface OtlpDiagnostics {
  /**
   * The partial success of the answer that is being handled. To be called in the exporter's result callback: the SDK
   * speaks of it just before, without letting go of the thread, so it is this batch's and no other's.
   */
  takePartialSuccess(): PartialSuccess | undefined;
  close(): void;
}

/** Of otlp-exporter-base, logging-response-handler. */
const PARTIAL_SUCCESS = "Received Partial Success response:";

const listeners = new Set<(message: string) => void>();
let partialSuccess: PartialSuccess | undefined;

/** @param warn told of every other warning of the SDK */
export function openDiagnostics(warn: (message: string) => void): OtlpDiagnostics {
  // There is one logger a process: it is set when the first shipper opens and serves all of them.
  if (listeners.size === 0) {
    const logger = { error: onMessage, warn: onMessage, info: ignore, debug: ignore, verbose: ignore };
    diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  }
  const listener = (message: string): void => warn(message);
  listeners.add(listener);
  return {
    takePartialSuccess() {
      const taken = partialSuccess;
      partialSuccess = undefined;
      return taken;
    },
    close() {
      listeners.delete(listener);
      if (listeners.size === 0) diag.disable();
    },
  };
}

function ignore(): void {}

function onMessage(message: string, ...details: unknown[]): void {
  if (message === PARTIAL_SUCCESS) {
    partialSuccess = parsePartialSuccess(String(details[0]));
    return;
  }
  // A raw answer among the details would be unreadable and has no bound.
  const said = details.filter((detail) => typeof detail === "string" || detail instanceof Error);
  for (const listener of listeners) listener([message, ...said].map(String).join(" "));
}

function parsePartialSuccess(json: string): PartialSuccess {
  const answer = JSON.parse(json) as { rejectedLogRecords?: unknown; errorMessage?: unknown };
  return {
    // In JSON a 64-bit number is a string.
    rejected: Number(answer.rejectedLogRecords ?? 0) || 0,
    message: String(answer.errorMessage ?? ""),
  };
}
