/** JSON in captures: whole objects out of lines, however they are laid out, and a record or an inner line out of each. */
import { decodeBytes, encodeBytes } from "../bytes.ts";
import { type KernelRecord, makeRecord } from "../kernel-record.ts";
import { facilityNumber, levelNumber } from "./dmesg.ts";
import { type CaptureContext, setStamp } from "./format.ts";
import { readJournalEntry } from "./journal.ts";
import { readLeadingStamp } from "./stamps.ts";
import { readDaemonText } from "./syslog.ts";

/** What an object holds: a record of its own, or a line that is yet to be read as any other. */
export type JsonContent = { kind: "record"; record: KernelRecord } | { kind: "line"; line: string; complete: boolean };

type JsonObject = Record<string, unknown>;

/** Keys under which programs keep the line, the more telling first. An object without one of its own is no record. */
export const LINE_KEYS: readonly string[] = [
  "log",
  "message",
  "msg",
  "line",
  "MESSAGE",
  "textPayload",
  "_raw",
  "body",
  "text",
  "content",
  "short_message",
];
/**
 * Reads the text of one object, a byte string. Of objects within each other the innermost comes first, so that a line
 * in `{"jsonPayload":{"MESSAGE":…}}` has been found when the outer one is read.
 * @returns undefined where it is no JSON or holds no line
 */
export function readJsonObject(bytes: string, context: CaptureContext): JsonContent | undefined {
  const parsed = parseBytes(bytes);
  return parsed === undefined ? undefined : readContent(parsed.value, parsed.encode, context);
}

type Encode = (text: string) => string;

/**
 * Parses JSON whose strings stay byte strings. Bytes that are not UTF-8 survive so; only text that has `\u` escapes
 * beyond ASCII must go through Unicode.
 */
function parseBytes(bytes: string): { value: unknown; encode: Encode } | undefined {
  const isUnicode = /\\u(?!00[0-7])/i.test(bytes);
  const text = isUnicode ? decodeBytes(bytes) : bytes;
  try {
    return { value: JSON.parse(text), encode: isUnicode ? encodeBytes : same };
  } catch {
    try {
      // Some writers leave control characters as they are.
      const mended = text.replace(/[\0-\x1f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
      return { value: JSON.parse(mended), encode: isUnicode ? encodeBytes : same };
    } catch {
      return undefined;
    }
  }
}

function same(text: string): string {
  return text;
}

function readContent(value: unknown, encode: Encode, context: CaptureContext): JsonContent | undefined {
  if (!isObject(value)) return undefined;
  if ("MESSAGE" in value && isJournal(value)) {
    const record = readJournalEntry(journalFields(value, encode));
    return record === undefined ? undefined : { kind: "record", record };
  }
  if (typeof value["msg"] === "string" && ("pri" in value || "time" in value) && !("level" in value)) {
    const record = readDmesgObject(value, encode);
    if (record !== undefined) return { kind: "record", record };
  }
  for (const key of LINE_KEYS) {
    const line = value[key];
    if (typeof line === "string") return readSyslogObject(value, encode(line), encode, context);
  }
  return undefined;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isJournal(value: JsonObject): boolean {
  return (
    "__REALTIME_TIMESTAMP" in value ||
    "_TRANSPORT" in value ||
    "_BOOT_ID" in value ||
    "SYSLOG_IDENTIFIER" in value ||
    "SYSLOG_FACILITY" in value ||
    "PRIORITY" in value ||
    Array.isArray(value["MESSAGE"])
  );
}

/** journalctl prints a field that is not UTF-8 as an array of bytes, a repeated field as an array of values. */
function journalFields(value: JsonObject, encode: Encode): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [key, field] of Object.entries(value)) {
    const text = journalValue(field, encode);
    if (text !== undefined) fields[key] = text;
  }
  return fields;
}

function journalValue(field: unknown, encode: Encode): string | undefined {
  if (typeof field === "string") return encode(field);
  if (typeof field === "number") return String(field);
  if (!Array.isArray(field) || field.length === 0) return undefined;
  if (typeof field[0] !== "number") return journalValue(field[0], encode);
  let bytes = "";
  for (const byte of field) bytes += String.fromCharCode(Number(byte) & 0xff);
  return bytes;
}

/** `dmesg --json`, with or without -x: `{"fac": "kern", "pri": 4, "time": 3753.827227, "msg": "…"}`. */
function readDmesgObject(value: JsonObject, encode: Encode): KernelRecord | undefined {
  const { pri, fac, time, msg, caller } = value as {
    pri: unknown;
    fac: unknown;
    time: unknown;
    msg: string;
    caller: unknown;
  };
  const facility = typeof fac === "string" ? facilityNumber(fac) : typeof fac === "number" ? fac : undefined;
  // Without -x `pri` is the whole priority, which util-linux before 2.39 gets wrong for users' records below 8.
  const priority = typeof pri === "number" ? pri : undefined;
  const level = typeof pri === "string" ? levelNumber(pri) : priority === undefined ? undefined : priority & 7;
  const shown = facility ?? (priority !== undefined && priority > 7 ? priority >> 3 : undefined);
  const origin = shown === undefined ? "unknown" : shown === 0 ? "kernel" : "user";
  const text = encode(msg);
  const record = makeRecord(origin, text, text);
  record.level = level;
  record.facility = shown;
  if (typeof time === "number") record.monotonicUs = Math.round(time * 1_000_000);
  if (typeof caller === "string") record.caller = caller;
  return record;
}

/**
 * An object that a syslog daemon made has the kernel's facility or tag beside the message, and a time that is the
 * kernel's but for the reading delay; a container log's time is when somebody ran a command: not the kernel's.
 */
function readSyslogObject(value: JsonObject, line: string, encode: Encode, context: CaptureContext): JsonContent {
  const tag = firstString(value, [
    "tag",
    "syslogtag",
    "programname",
    "program",
    "appname",
    "ident",
    "SYSLOG_IDENTIFIER",
    "app_name",
  ]);
  const facilityValue =
    firstKnown(value, FACILITY_KEYS) ?? inner(value, "syslog", "facility") ?? inner(value, "log", "syslog");
  if (tag === undefined && facilityValue === undefined) {
    const whole = line.endsWith("\n");
    // docker's json-file splits a line of over 16 KiB: only its last part ends in a line break.
    const isDocker = "stream" in value && "log" in value;
    return { kind: "line", line: whole ? line.slice(0, -1) : line, complete: whole || !isDocker };
  }
  const facility = readFacility(facilityValue);
  const isKernelTag = tag === undefined || /^(?:kernel|vmunix)(?:\[\d+\])?:?$/.test(tag);
  const isUsers = !isKernelTag || (facility !== undefined && facility !== 0);
  const message = readDaemonText(line, 0);
  const record = makeRecord(isUsers ? "user" : facility === 0 ? "kernel" : "unknown", message.text, line);
  record.facility = facility;
  record.monotonicUs = message.monotonicUs;
  record.caller = message.caller;
  const severity = firstString(value, ["severity", "syslogseverity-text", "level", "priority"]);
  record.level = severity === undefined ? undefined : (levelNumber(severity.toLowerCase()) ?? toInteger(severity));
  record.host = firstString(value, ["host", "hostname", "fromhost", "HOSTNAME"]);
  const time = firstString(value, ["timestamp", "timereported", "@timestamp", "time", "ts"]);
  if (time !== undefined) setStamp(record, readLeadingStamp(`${encode(time)} `, context)?.stamp);
  return { kind: "record", record };
}

function firstString(value: JsonObject, keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const field = value[key];
    if (typeof field === "string" && field !== "") return field;
  }
  return undefined;
}

const FACILITY_KEYS = ["facility", "syslogfacility", "syslogfacility-text", "_facility"];

function firstKnown(value: JsonObject, keys: readonly string[]): unknown {
  return keys.map((key) => value[key]).find((field) => field !== undefined && field !== null);
}

function inner(value: JsonObject, outer: string, key: string): unknown {
  const object = value[outer];
  return isObject(object) ? object[key] : undefined;
}

/** A number, a name, or an object with `code` or `facility`: `{"syslog": {"facility": {"code": 0}}}` of beats. */
function readFacility(value: unknown): number | undefined {
  if (typeof value === "string") return numberOrName(value);
  if (isObject(value)) return readFacility(value["facility"] ?? value["code"] ?? value["name"]);
  return toInteger(value);
}

function numberOrName(text: string): number | undefined {
  return toInteger(text) ?? facilityNumber(text);
}

function toInteger(value: unknown): number | undefined {
  const number = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isInteger(number) ? number : undefined;
}

/** `["1795516664350751000","line"]`: Loki's answer to query_range; its time is when the line was received. */
export function readJsonArray(bytes: string): JsonContent | undefined {
  if (!/^\[\s*"\d{16,19}"/.test(bytes)) return undefined;
  const parsed = parseBytes(bytes);
  const line = Array.isArray(parsed?.value) ? parsed.value[1] : undefined;
  if (typeof line !== "string" || parsed === undefined) return undefined;
  return { kind: "line", line: parsed.encode(line), complete: true };
}
