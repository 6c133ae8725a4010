/**
 * A failed export → what to do with its batch, by the OTLP specification.
 * https://opentelemetry.io/docs/specs/otlp/#failures-1
 */
import { parseRetryAfter } from "../../parsers/retry-after.ts";
import { describeFailure } from "./otlp-failure.ts";
import type { Outcome } from "./outcome.ts";

/** An answer of the backend. */
export interface Answer {
  status: number;
  /** `503 Service Unavailable` */
  statusLine: string;
  /** the header Retry-After as it came */
  retryAfter?: string;
  /** the header Content-Type as it came */
  contentType?: string;
  /** the header Date as it came */
  date?: string;
}

/** The only ones that the specification calls retryable. */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);
/** Request Timeout: the server never had the whole request, which is no verdict on it but a broken connection. */
const UNREAD = 408;
/**
 * Not retryable either, but said of every batch and not of this one: the key is wrong (401, 403, 407), or the address
 * or the protocol is (redirect, 404, 405, 415). Records that wait for somebody to mend it are not lost by it.
 */
const MISCONFIGURED: ReadonlySet<number> = new Set([401, 403, 404, 405, 407, 415]);
/** Node's and OpenSSL's codes for a TLS handshake that fails, llhttp's for an answer that is not HTTP. */
const WRONG_PEER = /^(?:CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_|ERR_SSL_|EPROTO|HPE_)/;

/**
 * @param error what the exporter failed with
 * @param lastAnswer the last one of the connection, which is this batch's where the error comes from an answer
 * @param nowMs milliseconds since the Unix epoch
 */
export function toFailedOutcome(
  error: unknown,
  lastAnswer: Answer | undefined,
  timeoutMs: number,
  nowMs: number,
): Outcome {
  const reason = describeFailure(error, lastAnswer?.statusLine, timeoutMs);
  const { name, code } = error instanceof Error ? (error as { name: string; code?: unknown }) : { name: "" };
  // The exporter passes the status on where it has not retried; where it has, its last answer tells.
  const status = typeof code === "number" ? code : name === "OTLPExporterError" ? lastAnswer?.status : undefined;
  if (status === undefined) return { kind: WRONG_PEER.test(String(code)) ? "blocked" : "retry", reason };
  if (RETRYABLE.has(status)) {
    const afterMs = parseRetryAfter(lastAnswer?.retryAfter, nowMs);
    return afterMs === undefined ? { kind: "retry", reason } : { kind: "retry", reason, afterMs };
  }
  if (status === UNREAD) return { kind: "retry", reason };
  return { kind: status < 400 || MISCONFIGURED.has(status) ? "blocked" : "rejected", reason };
}
