/**
 * A record as the outbox keeps it: JSON, deflated where room is short, and checked when it is read: what is on a disk may
 * be anything.
 */
import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { Attributes, LogRecord } from "./log-record.ts";

export type DecodedRecord = { record: LogRecord } | { problem: string; text: string };

/**
 * A window and tables for a record of some kilobytes: zlib's own defaults set up 268 kB for each. Level 1 takes a fifth
 * less CPU and is 1.06 times larger.
 */
const DEFLATE = { level: 6, windowBits: 12, memLevel: 5, chunkSize: 4096 };
/** Of JSON; no record of ours is near it. */
const MAX_JSON = 16 * 1024 * 1024;
/** Of what cannot be read, in the file that it is set aside in. */
const MAX_TEXT = 64 * 1024;

/** @returns undefined where it would not be smaller */
export function deflateJson(json: string): Uint8Array | undefined {
  const deflated = deflateRawSync(json, DEFLATE);
  return deflated.length < Buffer.byteLength(json) ? deflated : undefined;
}

/** @param content JSON, or the same deflated (RFC 1951) */
export function decodeRecord(content: string | Uint8Array): DecodedRecord {
  let json: string;
  try {
    json =
      typeof content === "string" ? content : inflateRawSync(content, { maxOutputLength: MAX_JSON }).toString("utf8");
  } catch (error) {
    return { problem: `cannot be inflated: ${messageOf(error)}`, text: Buffer.from(content).toString("base64") };
  }
  try {
    const value: unknown = JSON.parse(json);
    const problem = findProblem(value);
    return problem === undefined ? { record: value as LogRecord } : { problem, text: json.slice(0, MAX_TEXT) };
  } catch (error) {
    return { problem: `is not JSON: ${messageOf(error)}`, text: json.slice(0, MAX_TEXT) };
  }
}

/** @returns why a value is no LogRecord; undefined: it is one */
export function findProblem(value: unknown): string | undefined {
  if (!isObject(value)) return "is not an object";
  for (const key of ["severityText", "eventName", "body"] as const) {
    if (typeof value[key] !== "string") return `${key} is not a string`;
  }
  if (!Number.isInteger(value["severityNumber"])) return "severityNumber is not an integer";
  const { timestampUs } = value;
  if (timestampUs !== undefined && !(Number.isFinite(timestampUs) && Number(timestampUs) >= 0)) {
    return "timestampUs is not a time";
  }
  for (const key of ["resource", "attributes"] as const) {
    if (!isAttributes(value[key])) return `${key} is not an object of strings, numbers, booleans and lists of strings`;
  }
  return undefined;
}

function isAttributes(value: unknown): value is Attributes {
  return isObject(value) && Object.values(value).every(isAttributeValue);
}

function isAttributeValue(value: unknown): boolean {
  if (Array.isArray(value)) return value.every((item) => typeof item === "string");
  return typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
