/**
 * Lines with a date, a host and a tag: /var/log/kern.log and messages (RFC 3164, RFC 5424, ISO stamps), and the short
 * modes of journalctl -k, which print the same shape (systemd src/shared/logs-show.c output_short).
 */
import { decodeBytes, undoKmsgEscapesIfEscaped } from "../bytes.ts";
import { makeRecord } from "../kernel-record.ts";
import { facilityNumber, levelNumber } from "./dmesg.ts";
import { type CaptureContext, type LineFormat, type LineRecord, setStamp } from "./format.ts";
import { readLeadingStamp } from "./stamps.ts";

const PRIORITY = /^<(\d{1,3})>/;
/** `host kernel: `, `kernel: `, `host kern.warn kernel: `, `host app[123]: `, `host kernel[0]: ` */
const HOST_AND_TAG = /^ (?:([^\s:]+) )?(?:([a-z0-9]+)\.([a-z]+) )?([^\s:[\]]+|\([^)\s]+\))(?:\[\d+\])?:(?: |$)/;
/** RFC 5424 after the stamp: host, app, procid, msgid */
const RFC5424 = /^ (\S+) (\S+) \S+ \S+ /;
const UTF8_MARK = "\xef\xbb\xbf";

export const syslogFormat: LineFormat = {
  name: "syslog, journalctl -o short*",
  example: "Nov 24 06:32:57 vm kernel: Mem-Info:",
  lost: ["facility", "level"],
  needsSureLine: true,
  parse(line, context) {
    const priority = line.charCodeAt(0) === 60 ? PRIORITY.exec(line) : null;
    const from = priority === null ? 0 : priority[0].length;
    const value = priority === null ? undefined : Number(priority[1]);
    if (value !== undefined && line.startsWith("1 ", from)) return parseRfc5424(line, from + 2, value, context);
    const rest = from === 0 ? line : line.slice(from);
    const leading = readLeadingStamp(rest, context);
    if (leading === undefined || leading.kind === "iso-comma") return undefined;
    const after = from + leading.end;
    const tail = line.slice(after);
    const tag = HOST_AND_TAG.exec(tail);
    // Without a tag it may be any program's line.
    if (tag === null) return undefined;
    const column = after + tag[0].length;
    // A facility by name is busybox syslogd's, which takes it from whoever writes to its socket.
    const named = facilityNumber(tag[2] ?? "");
    const facility = value === undefined ? (named === 0 ? undefined : named) : value >> 3;
    const level = value === undefined ? levelNumber(tag[3] ?? "") : value & 7;
    const parsed = tagged(line, column, tag[4] ?? "", facility, level);
    setStamp(parsed.record, leading.stamp);
    parsed.record.host = tag[1];
    // Only an ISO stamp may also be a container log's, with any kernel message behind it.
    parsed.sure = leading.kind !== "iso" || priority !== null || isKernelTag(tag[4]) || tag[0].endsWith("]: ");
    return parsed;
  },
};

/** `[ 8199.140732] vm kernel: message`: journalctl -o short-monotonic, short-delta. */
export const shortMonotonicFormat: LineFormat = {
  name: "journalctl -o short-monotonic",
  example: "[ 8199.140732] vm kernel: Mem-Info:",
  lost: ["facility", "level", "wall-time"],
  needsSureLine: true,
  parse(line) {
    if (line.charCodeAt(0) !== 91) return undefined;
    const time = /^\[ *(\d{1,12})\.(\d{6})(?: <[^>]*>)?\s*\]/.exec(line);
    if (time === null) return undefined;
    const tag = HOST_AND_TAG.exec(line.slice(time[0].length));
    if (tag === null || tag[4] === undefined || tag[2] !== undefined) return undefined;
    const parsed = tagged(line, time[0].length + tag[0].length, tag[4], undefined, undefined);
    parsed.record.monotonicUs = Number(time[1]) * 1_000_000 + Number(time[2]);
    parsed.record.host = tag[1];
    // dmesg's own `[ 8199.140732] usb 1-1: message` looks the same.
    parsed.sure = isKernelTag(tag[4]);
    return parsed;
  },
};

function parseRfc5424(line: string, from: number, value: number, context: CaptureContext): LineRecord | undefined {
  const space = line.indexOf(" ", from);
  if (space === -1) return undefined;
  const leading = readLeadingStamp(line.slice(from), context);
  const header = RFC5424.exec(line.slice(space));
  if (header === null) return undefined;
  const dataEnd = endOfStructuredData(line, space + header[0].length);
  if (dataEnd === undefined || (dataEnd < line.length && line[dataEnd] !== " ")) return undefined;
  const textAt = Math.min(dataEnd + 1, line.length);
  const column = line.startsWith(UTF8_MARK, textAt) ? textAt + UTF8_MARK.length : textAt;
  const parsed = tagged(line, column, header[2] ?? "", value >> 3, value & 7);
  setStamp(parsed.record, leading?.stamp);
  if (header[1] !== "-") parsed.record.host = header[1];
  parsed.sure = true;
  return parsed;
}

/** `-` or `[id name="value"]…`, a quote, backslash or bracket in a value escaped. */
function endOfStructuredData(line: string, from: number): number | undefined {
  if (line[from] === "-") return from + 1;
  if (line[from] !== "[") return undefined;
  let isQuoted = false;
  for (let at = from; at < line.length; at++) {
    const char = line[at];
    if (isQuoted && char === "\\") at++;
    else if (char === '"') isQuoted = !isQuoted;
    else if (char === "]" && !isQuoted && line[at + 1] !== "[") return at + 1;
  }
  return undefined;
}

function isKernelTag(tag: string | undefined): boolean {
  return tag === "kernel" || tag === "vmunix";
}

const INNER_TIME = /^\[ *(\d{1,12})\.(\d{6})\](?:\[ *([TC]\d+)\]| \[ *([TC]\d{2,})\])? ?/;
/** rsyslog writes a control character as `#` and three octal digits ($EscapeControlCharactersOnReceive). */
const OCTAL_ESCAPE = /#(0[0-3][0-7]|177)/g;

/** Escape8BitCharactersOnReceive: as above for bytes from 0x80 on. */
const OCTAL_RUN = /(?:#[23][0-7]{2}){2,}/g;
const OCTAL_BYTE = /#([23][0-7]{2})/g;

/** A message as a syslog daemon keeps it. */
export interface DaemonText {
  /** the kernel's message, the daemon's and the kernel's escapes undone */
  text: string;
  /** where it begins in what was given */
  column: number;
  /** the kernel's own time and caller, where the daemon keeps them */
  monotonicUs: number | undefined;
  caller: string | undefined;
}

/** Reads what stands after the tag. */
export function readDaemonText(line: string, column: number): DaemonText {
  const inner = line.charCodeAt(column) === 91 ? INNER_TIME.exec(line.slice(column, column + 64)) : null;
  const textColumn = inner === null ? column : column + inner[0].length;
  let text = line.slice(textColumn);
  if (text.includes("#")) {
    text = text
      .replace(OCTAL_ESCAPE, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
      .replace(OCTAL_RUN, undoOctalRun);
  }
  // rsyslog puts a blank behind the tag only where the message begins with none: an empty COMM lost its own.
  if (text.startsWith("invoked oom-killer: ")) text = ` ${text}`;
  return {
    text: undoKmsgEscapesIfEscaped(text),
    column: textColumn,
    monotonicUs: inner === null ? undefined : Number(inner[1]) * 1_000_000 + Number(inner[2]),
    caller: inner?.[3] ?? inner?.[4],
  };
}

/** A name such as `C#300` is left alone: only what is UTF-8 was escaped byte by byte. */
function undoOctalRun(run: string): string {
  const bytes = run.replace(OCTAL_BYTE, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  return decodeBytes(bytes).includes("\ufffd") ? run : bytes;
}

/** The record of a line with a tag. */
function tagged(
  line: string,
  column: number,
  tag: string,
  facility: number | undefined,
  level: number | undefined,
): LineRecord {
  const isUsers = (facility !== undefined && facility !== 0) || !isKernelTag(tag);
  const origin = isUsers ? "user" : facility === 0 ? "kernel" : "unknown";
  const message = readDaemonText(line, column);
  const record = makeRecord(origin, message.text, line);
  record.facility = facility;
  record.level = level;
  record.monotonicUs = message.monotonicUs;
  record.caller = message.caller;
  return { record, textColumn: message.column };
}
