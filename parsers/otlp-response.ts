/**
 * The body of a successful answer to an OTLP/HTTP request for logs: an ExportLogsServiceResponse, as protobuf or JSON.
 * https://opentelemetry.io/docs/specs/otlp/#otlphttp-response
 *
 * Backends are lenient about the header: an empty body often has another Content-Type, and Go's guess for `{}` is
 * text/plain. The content therefore decides, except for HTML, which is the answer of something else.
 */

/** What the backend says of the records of one request. */
export interface ExportResponse {
  /** records that it did not take; 0 with a message: a warning */
  rejected: number;
  message: string;
}

/** @returns undefined where the body is no ExportLogsServiceResponse */
export function parseExportResponse(body: Uint8Array, contentType: string | undefined): ExportResponse | undefined {
  const type = mediaType(contentType);
  if (body.every(isSpace)) return { rejected: 0, message: "" };
  if (HTML.has(type)) return undefined;
  if (PROTOBUF.has(type)) return parseProtobuf(body, true);
  if (type === "application/json" || type.endsWith("+json") || firstOf(body) === OPENING_BRACE) return parseJson(body);
  return parseProtobuf(body, false);
}

/** `text/html; charset=utf-8` → `text/html`; empty where there is none */
export function mediaType(contentType: string | undefined): string {
  return (contentType ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

const HTML: ReadonlySet<string> = new Set(["text/html", "application/xhtml+xml"]);
const PROTOBUF: ReadonlySet<string> = new Set([
  "application/x-protobuf",
  "application/protobuf",
  "application/vnd.google.protobuf",
]);
const OPENING_BRACE = 0x7b;

function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

function firstOf(body: Uint8Array): number | undefined {
  return body.find((byte) => !isSpace(byte));
}

function parseJson(body: Uint8Array): ExportResponse | undefined {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const partial = value["partialSuccess"] ?? value["partial_success"];
  if (!isObject(partial)) return { rejected: 0, message: "" };
  return {
    // In JSON a 64-bit number is a string.
    rejected: toCount(partial["rejectedLogRecords"] ?? partial["rejected_log_records"]),
    message: toText(partial["errorMessage"] ?? partial["error_message"]),
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function toCount(value: unknown): number {
  const count = Number(value ?? 0);
  return Number.isFinite(count) && count > 0 ? Math.floor(count) : 0;
}

function toText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** https://protobuf.dev/programming-guides/encoding/ */
const VARINT = 0;
const FIXED_64 = 1;
const LENGTH = 2;
const FIXED_32 = 5;

interface Field {
  number: number;
  /** of a varint */
  value: number;
  /** of a field with a length */
  bytes: Uint8Array;
}

/** @param isDeclared whether unknown fields are a later version's; otherwise they show that it is something else */
function parseProtobuf(body: Uint8Array, isDeclared: boolean): ExportResponse | undefined {
  const fields = readFields(body);
  if (fields === undefined) return undefined;
  if (!isDeclared && fields.some(({ number }) => number !== 1)) return undefined;
  const partial = fields.findLast(({ number }) => number === 1);
  if (partial === undefined) return { rejected: 0, message: "" };
  const inner = readFields(partial.bytes);
  if (inner === undefined) return undefined;
  return {
    rejected: toCount(inner.findLast(({ number }) => number === 1)?.value),
    message: new TextDecoder().decode(inner.findLast(({ number }) => number === 2)?.bytes ?? new Uint8Array()),
  };
}

/** @returns undefined where the bytes are no protobuf message */
function readFields(bytes: Uint8Array): Field[] | undefined {
  const fields: Field[] = [];
  let at = 0;

  /** @returns undefined where it is cut or too long */
  function readVarint(): number | undefined {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined) return undefined;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return undefined;
  }

  while (at < bytes.length) {
    const tag = readVarint();
    if (tag === undefined || tag < 8 || tag > 0xffff_ffff) return undefined;
    const wireType = tag % 8;
    const field: Field = { number: Math.floor(tag / 8), value: 0, bytes: new Uint8Array() };
    if (wireType === VARINT) {
      const value = readVarint();
      if (value === undefined) return undefined;
      // A negative int64 is 2^64 less.
      field.value = value < 2 ** 63 ? value : 0;
    } else {
      const length =
        wireType === FIXED_64 ? 8 : wireType === FIXED_32 ? 4 : wireType === LENGTH ? readVarint() : undefined;
      if (length === undefined || at + length > bytes.length) return undefined;
      field.bytes = bytes.subarray(at, at + length);
      at += length;
    }
    fields.push(field);
  }
  return fields;
}
