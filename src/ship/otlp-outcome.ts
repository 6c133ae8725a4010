/**
 * The answer to a batch → what to do with the batch, by the OTLP specification and without losing what may pass later.
 * https://opentelemetry.io/docs/specs/otlp/#otlphttp-response
 */
import { mediaType, parseExportResponse } from "../../parsers/otlp-response.ts";
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
  /** of a status 2xx, once all of it has come; `too_long`: it did not fit */
  body?: Uint8Array | "too_long";
}

/** The only ones that the specification calls retryable. */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);
/**
 * Not retryable by the specification either, but said of every batch and not of this one: the key is wrong, has expired
 * or is not paid for (401, 402, 403, 407), the address or the protocol is wrong (redirect, 404, 405, 406, 410, 411, 414,
 * 415, 417, 421, 426, 431), or a captive portal answers (511). Records wait until somebody fixes it.
 */
const MISCONFIGURED: ReadonlySet<number> = new Set([
  401, 402, 403, 404, 405, 406, 407, 410, 411, 414, 415, 417, 421, 426, 431, 511,
]);
/** Request Timeout, Locked, Too Early: the server did not get to the records, which is no verdict on them. */
const NOT_READ: ReadonlySet<number> = new Set([408, 423, 425]);
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
  if (status < 400 || MISCONFIGURED.has(status)) return { kind: "blocked", reason };
  const isServerError = status >= 500 || NOT_READ.has(status);
  // A web page in place of OTLP's status message: something before the backend refuses it, such as a port for TLS.
  const isOfProxy = status === 400 && mediaType(lastAnswer?.contentType) === "text/html";
  if (!RETRYABLE.has(status) && !isServerError && !isOfProxy) return { kind: "rejected", reason };
  const afterMs = parseRetryAfter(lastAnswer?.retryAfter, nowMs);
  const kind = RETRYABLE.has(status) ? "retry" : "server_error";
  return { kind, reason, ...(afterMs === undefined ? {} : { afterMs }) };
}

/**
 * What the body of an answer with a status 2xx says. A body that is not OTLP's is of something else than the backend:
 * a captive portal, a login page, another port.
 * @param sent records of the batch
 * @param warn called with what the backend says of a batch that it took whole
 */
export function toAcceptedOutcome(
  { statusLine, contentType, body }: Answer,
  sent: number,
  warn: (message: string) => void,
): Outcome {
  if (body === undefined) return { kind: "retry", reason: `HTTP ${statusLine}: the answer ended before its end` };
  const response = body === "too_long" ? undefined : parseExportResponse(body, contentType);
  if (response === undefined) {
    const type = mediaType(contentType);
    const what = /^$|protobuf|json/.test(type) ? "a body that is not OTLP" : `${type}, not OTLP`;
    return { kind: "blocked", reason: `HTTP ${statusLine}: answered with ${what}: is the endpoint right?` };
  }
  const { message } = response;
  const rejected = Math.min(response.rejected, sent);
  if (rejected > 0) return { kind: "partial", rejected, message: message || "no reason given" };
  if (message !== "") warn(`the backend says: ${message}`);
  return { kind: "delivered" };
}
