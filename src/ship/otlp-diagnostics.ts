/** What the SDK says only to its diagnostics: warnings. What it says of an answer's body is read from the body itself. */
import { DiagLogLevel, diag } from "@opentelemetry/api";

export interface OtlpDiagnostics {
  close(): void;
}

/** Of otlp-exporter-base and otlp-transformer: about a partial success, and about a body that is not OTLP. */
const ABOUT_ANSWERS = [
  "Received Partial Success response:",
  "Export succeeded but could not deserialize response",
  "Failed to parse logs export response",
];

const listeners = new Set<(message: string) => void>();

/** @param warn called with every other warning of the SDK */
export function openDiagnostics(warn: (message: string) => void): OtlpDiagnostics {
  // There is one logger a process: it is set when the first shipper opens and serves all of them.
  if (listeners.size === 0) {
    const logger = { error: onMessage, warn: onMessage, info: ignore, debug: ignore, verbose: ignore };
    diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  }
  const listener = (message: string): void => warn(message);
  listeners.add(listener);
  return {
    close() {
      listeners.delete(listener);
      if (listeners.size === 0) diag.disable();
    },
  };
}

function ignore(): void {}

function onMessage(message: string, ...details: unknown[]): void {
  // A component's logger puts its name before the message.
  const all = [message, ...details].filter((part) => typeof part === "string" || part instanceof Error).map(String);
  if (all.some((part) => ABOUT_ANSWERS.some((start) => part.startsWith(start)))) return;
  for (const listener of listeners) listener(all.join(" "));
}
