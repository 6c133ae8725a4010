/**
 * Lines with a date, a host and a tag: /var/log/kern.log and messages (RFC 3164, RFC 5424, ISO stamps), and the short
 * modes of journalctl -k, which print the same shape (systemd src/shared/logs-show.c output_short).
 */
import { undoKmsgEscapesIfEscaped } from "../bytes.ts";
import { facilityNumber, levelNumber } from "./dmesg.ts";
import { type CaptureContext, type LineFormat, type LineRecord, makeRecord, setStamp } from "./format.ts";
import { readLeadingStamp } from "./stamps.ts";

const PRIORITY = /^<(\d{1,3})>/;
/** `host kernel: `, `kernel: `, `host kern.warn kernel: `, `host app[123]: `, `host kernel[0]: ` */
const HOST_AND_TAG = /^ (?:([^\s:]+) )?(?:([a-z0-9]+)\.([a-z]+) )?([^\s:[\]]+|\([^)\s]+\))(?:\[\d+\])?:(?: |$)/;
/** RFC 5424 after the stamp: host, app, procid, msgid, structured data */
const RFC5424 = /^ (\S+) (\S+) (\S+) (\S+) (-|(?:\[(?:[^\]"]|"(?:[^"\\]|\\.)*")*\])+)(?: \xef\xbb\xbf| |$)/;

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
    const facility = value === undefined ? facilityNumber(tag[2] ?? "") : value >> 3;
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
  const parsed = tagged(line, space + header[0].length, header[2] ?? "", value >> 3, value & 7);
  setStamp(parsed.record, leading?.stamp);
  if (header[1] !== "-") parsed.record.host = header[1];
  parsed.sure = true;
  return parsed;
}

function isKernelTag(tag: string | undefined): boolean {
  return tag === "kernel" || tag === "vmunix";
}

const INNER_TIME = /^\[ *(\d{1,12})\.(\d{6})\](?:\[ *([TC]\d+)\]| \[ *([TC]\d{2,})\])? ?/;
/** rsyslog writes a control character as `#` and three octal digits ($EscapeControlCharactersOnReceive). */
const OCTAL_ESCAPE = /#(0[0-3][0-7]|177)/g;

/** The message after the tag: with the kernel's own time where the daemon keeps it. */
function tagged(
  line: string,
  column: number,
  tag: string,
  facility: number | undefined,
  level: number | undefined,
): LineRecord {
  const isUsers = (facility !== undefined && facility !== 0) || !isKernelTag(tag);
  const origin = isUsers ? "user" : facility === 0 ? "kernel" : "unknown";
  const inner = line.charCodeAt(column) === 91 ? INNER_TIME.exec(line.slice(column, column + 64)) : null;
  const textColumn = inner === null ? column : column + inner[0].length;
  let text = line.slice(textColumn);
  if (text.includes("#")) {
    text = text.replace(OCTAL_ESCAPE, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  }
  const record = makeRecord(origin, undoKmsgEscapesIfEscaped(text), line);
  record.facility = facility;
  record.level = level;
  if (inner !== null) {
    record.monotonicUs = Number(inner[1]) * 1_000_000 + Number(inner[2]);
    record.caller = inner[3] ?? inner[4];
  }
  return { record, textColumn };
}
