/** Bodies of answers: which are an ExportLogsServiceResponse, by the published .proto files, and which are something else. */
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import protobuf from "protobufjs";
import { describe, expect, test } from "vitest";
import { mediaType, parseExportResponse } from "../../parsers/otlp-response.ts";

const proto = new protobuf.Root();
proto.resolvePath = (_, target) => fileURLToPath(new URL(`../otlp-proto/${target}`, import.meta.url));
proto.loadSync("opentelemetry/proto/collector/logs/v1/logs_service.proto");
const ResponseType = proto.lookupType("opentelemetry.proto.collector.logs.v1.ExportLogsServiceResponse");

const PROTOBUF = "application/x-protobuf";
const JSON_TYPE = "application/json";
const NOTHING = { rejected: 0, message: "" };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test.each<[string | undefined, string, unknown]>([
  // Empty is an empty message, whatever its type is said to be; so is a newline that a framework adds.
  [PROTOBUF, "", NOTHING],
  [undefined, "", NOTHING],
  ["text/html", "", NOTHING],
  ["text/plain; charset=utf-8", "\r\n", NOTHING],
  [JSON_TYPE, "{}", NOTHING],
  ["text/plain", " {}", NOTHING],
  [undefined, '{"partialSuccess":{}}', NOTHING],
  [JSON_TYPE, '{"partialSuccess":null}', NOTHING],
  ["application/problem+json", '{"status":"ok"}', NOTHING],
  [
    `${JSON_TYPE}; charset=utf-8`,
    '{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"no"}}',
    { rejected: 3, message: "no" },
  ],
  [JSON_TYPE, '{"partial_success":{"rejected_log_records":3}}', { rejected: 3, message: "" }],
  [JSON_TYPE, '{"partialSuccess":{"rejectedLogRecords":-3,"errorMessage":7}}', NOTHING],
  [JSON_TYPE, "[]", undefined],
  [JSON_TYPE, '"ok"', undefined],
  [JSON_TYPE, "null", undefined],
  [JSON_TYPE, '{"partialSuccess":', undefined],
  ["text/html; charset=utf-8", "<html></html>", undefined],
  ["TEXT/HTML", "{}", undefined],
  ["application/xhtml+xml", "<html/>", undefined],
  [undefined, "<!doctype html>", undefined],
  [PROTOBUF, "<!doctype html>", undefined],
  [PROTOBUF, "{}", undefined],
  ["text/plain", "ok", undefined],
  ["text/plain", "OK\n", undefined],
  // As protobuf it is a field that OTLP does not have.
  ["text/plain", "Hi", undefined],
  ["application/octet-stream", "Hi", undefined],
  // A later version may have it.
  [PROTOBUF, "Hi", NOTHING],
  [PROTOBUF, "\n\u0005abc", undefined],
])("%j %j", (type, body, expected) => {
  expect(parseExportResponse(bytes(body), type)).toEqual(expected);
});

test("mediaType", () => {
  expect([mediaType(undefined), mediaType(" Text/HTML ; charset=x")]).toEqual(["", "text/html"]);
});

describe("properties", () => {
  test("what a backend encodes comes back", () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.string(),
        fc.constantFrom(PROTOBUF, "application/octet-stream", undefined),
        (rejected, message, type) => {
          const partialSuccess = { rejectedLogRecords: rejected, errorMessage: message };
          const body = ResponseType.encode(ResponseType.create({ partialSuccess })).finish();
          const wellFormed = message.toWellFormed();
          expect(parseExportResponse(body, type)).toEqual({ rejected, message: wellFormed });
        },
      ),
    );
  });

  test("no body throws", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom(PROTOBUF, JSON_TYPE, "text/plain", undefined),
        (body, type) => {
          const parsed = parseExportResponse(body, type);
          expect(parsed === undefined || parsed.rejected >= 0).toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
