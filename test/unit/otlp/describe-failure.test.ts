/** The line that says why a batch did not arrive. */
import { expect, test } from "vitest";
import { describeFailure } from "../../../src/otlp/describe-failure.ts";

/** As otlp-exporter-base makes it: `code` and `data` only where the answer was final. */
function exporterError(message: string, more: { code?: number; data?: string } = {}): Error {
  return Object.assign(new Error(message), { name: "OTLPExporterError", ...more });
}

const networkError = (message: string): Error => Object.assign(new Error(message), { code: "ECONNREFUSED" });

test.each<[string, unknown, string | undefined, string]>([
  [
    "a final answer",
    exporterError("Bad Request", { code: 400, data: "no" }),
    "400 Bad Request",
    "HTTP 400 Bad Request: no",
  ],
  [
    "without a body",
    exporterError("Bad Request", { code: 400, data: " \n" }),
    "400 Bad Request",
    "HTTP 400 Bad Request",
  ],
  ["without a status line", exporterError("", { code: 400 }), undefined, "HTTP 400"],
  [
    "a body of control characters",
    exporterError("", { code: 400, data: "\u0008\u0003\u0012\u0005wrong\r\n\u202e\ttoo" }),
    "400 Bad Request",
    "HTTP 400 Bad Request: wrong too",
  ],
  ["an answer that was retried", exporterError("Export failed with retryable status"), "503 Busy", "HTTP 503 Busy"],
  ["no answer in time", new Error("Request timed out"), "200 OK", "no answer within 10 ms"],
  ["the network", networkError("connect ECONNREFUSED 127.0.0.1:1"), "200 OK", "connect ECONNREFUSED 127.0.0.1:1"],
  [
    "each address of a name",
    new AggregateError([networkError("connect ECONNREFUSED ::1:1"), networkError("connect ECONNREFUSED 127.0.0.1:1")]),
    undefined,
    "connect ECONNREFUSED ::1:1; connect ECONNREFUSED 127.0.0.1:1",
  ],
  ["an error without a message", networkError(""), undefined, "ECONNREFUSED"],
  ["no reason at all", undefined, undefined, "the exporter gives no reason"],
])("%s", (_, error, lastStatus, expected) => {
  expect(describeFailure(error, lastStatus, 10)).toBe(expected);
});

test("a long body is cut", () => {
  const said = describeFailure(exporterError("", { code: 500, data: "x".repeat(10_000) }), "500 Oops", 10);
  expect(said).toBe(`HTTP 500 Oops: ${"x".repeat(300)}`);
});
