/** What is to be done with a batch that failed, by status, error and Retry-After. */
import { describe, expect, test } from "vitest";
import { parseRetryAfter } from "../../parsers/retry-after.ts";
import { type Answer, toFailedOutcome } from "../../src/ship/otlp-outcome.ts";

const NOW_MS = Date.parse("2026-01-01T00:00:00Z");

/** As otlp-exporter-base fails: with the status where the answer was final, without where it is a retryable one. */
function outcomeOf(status: number, retryAfter?: string) {
  const isRetryable = [429, 502, 503, 504].includes(status);
  const error = Object.assign(new Error(""), { name: "OTLPExporterError", ...(isRetryable ? {} : { code: status }) });
  const answer: Answer = { status, statusLine: `${status} So`, ...(retryAfter === undefined ? {} : { retryAfter }) };
  return toFailedOutcome(error, answer, 10, NOW_MS);
}

test.each([
  ["retry", [429, 502, 503, 504]],
  ["server_error", [408, 423, 425, 500, 501, 505, 507, 508, 520, 521, 522, 523, 524, 525, 526, 527, 530, 598, 599]],
  ["blocked", [301, 302, 307, 308, 401, 402, 403, 404, 405, 406, 407, 410, 411, 414, 415, 417, 421, 426, 431, 511]],
  ["rejected", [400, 409, 412, 413, 416, 418, 422, 451, 499]],
] as const)("%s: %j", (kind, statuses) => {
  for (const status of statuses) expect(outcomeOf(status)).toEqual({ kind, reason: `HTTP ${status} So` });
});

test("a web page with 400 is not the backend's word on the records", () => {
  const error = Object.assign(new Error(""), { name: "OTLPExporterError", code: 400, data: "<html>TLS, please" });
  const answer: Answer = { status: 400, statusLine: "400 Bad Request", contentType: "text/html; charset=utf-8" };
  expect(toFailedOutcome(error, answer, 10, NOW_MS)).toMatchObject({ kind: "server_error" });
});

test.each([
  ["retry", ["ECONNREFUSED", "ECONNRESET", "EPIPE", "ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", undefined]],
  ["blocked", ["CERT_HAS_EXPIRED", "DEPTH_ZERO_SELF_SIGNED_CERT", "ERR_TLS_CERT_ALTNAME_INVALID", "EPROTO"]],
  ["blocked", ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "SELF_SIGNED_CERT_IN_CHAIN", "HPE_INVALID_CONSTANT"]],
] as const)("%s: %j", (kind, codes) => {
  const stale: Answer = { status: 400, statusLine: "400 Bad Request", retryAfter: "7" };
  for (const code of codes) {
    const error = Object.assign(new Error("it"), code === undefined ? {} : { code });
    expect(toFailedOutcome(error, stale, 10, NOW_MS)).toEqual({ kind, reason: "it" });
  }
});

test("what is no error is tried again", () => {
  expect(toFailedOutcome(undefined, undefined, 10, NOW_MS)).toMatchObject({ kind: "retry" });
});

describe("Retry-After", () => {
  test("belongs to the outcome where sending again helps", () => {
    expect(outcomeOf(503, "7")).toEqual({ kind: "retry", reason: "HTTP 503 So", afterMs: 7000 });
    expect(outcomeOf(507, "7")).toEqual({ kind: "server_error", reason: "HTTP 507 So", afterMs: 7000 });
    expect(outcomeOf(503, "soon")).toEqual({ kind: "retry", reason: "HTTP 503 So" });
    expect(outcomeOf(400, "7")).toEqual({ kind: "rejected", reason: "HTTP 400 So" });
  });

  test.each([
    ["0", 0],
    [" 120 ", 120_000],
    ["Thu, 01 Jan 2026 00:00:30 GMT", 30_000],
    ["Wed, 31 Dec 2025 00:00:00 GMT", 0],
    ["", undefined],
    ["soon", undefined],
    [undefined, undefined],
  ])("%j is %j ms", (value, expected) => {
    expect(parseRetryAfter(value, NOW_MS)).toBe(expected);
  });
});
