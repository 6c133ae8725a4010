/** Wall-clock stamps: every way a log writes a date, as microseconds since the Unix epoch. */
import type { TimeAssumption } from "../kernel-record.ts";
import type { CaptureContext, Stamp } from "./format.ts";

/** A stamp's pieces as written; undefined: not written. `month` is 1–12. */
export interface DateParts {
  year: number | undefined;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  microsecond: number;
  /** minutes east of UTC */
  offsetMinutes: number | undefined;
}

const DAY_US = 86_400_000_000;

/** Puts pieces on the time line; what is missing is taken from the context and named as assumed. */
export function toStamp(parts: DateParts, context: CaptureContext): Stamp | undefined {
  const assumed: TimeAssumption[] = [];
  let year = parts.year;
  if (year === undefined) {
    year = context.year ?? yearBefore(parts, context);
    if (year === undefined) return undefined;
    assumed.push("year");
  }
  const localUs =
    Date.UTC(year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second) * 1000 + parts.microsecond;
  if (Number.isNaN(localUs)) return undefined;
  let offset = parts.offsetMinutes;
  if (offset === undefined) {
    offset = zoneOffsetMinutes(context.timezone, localUs);
    assumed.push("timezone");
  }
  return { wallTimeUs: localUs - offset * 60_000_000, assumed: assumed.length === 0 ? undefined : assumed };
}

/** The latest year that puts the stamp no later than a day after the capture was finished. */
function yearBefore(parts: DateParts, context: CaptureContext): number | undefined {
  if (context.referenceUs === undefined) return undefined;
  const year = new Date(context.referenceUs / 1000).getUTCFullYear();
  const us = Date.UTC(year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second) * 1000;
  return us > context.referenceUs + DAY_US ? year - 1 : year;
}

const FIXED_OFFSET = /^(?:UTC|GMT|Z)?([+-])(\d\d):?(\d\d)$/;
let zoneFormat: { zone: string; format: Intl.DateTimeFormat } | undefined;

/**
 * Minutes east of UTC of a zone at a local time.
 * @throws RangeError where the name is no IANA zone nor `±HH:MM`
 */
export function zoneOffsetMinutes(timezone: string | undefined, localUs: number): number {
  if (timezone === undefined || timezone === "UTC" || timezone === "Z") return 0;
  const fixed = FIXED_OFFSET.exec(timezone);
  if (fixed !== null) return (fixed[1] === "-" ? -1 : 1) * (Number(fixed[2]) * 60 + Number(fixed[3]));
  if (zoneFormat?.zone !== timezone) {
    const format = new Intl.DateTimeFormat("en-US", { timeZone: timezone, timeZoneName: "longOffset" });
    zoneFormat = { zone: timezone, format };
  }
  const { format } = zoneFormat;
  const offsetAt = (ms: number): number => {
    const name = format.formatToParts(ms).find((part) => part.type === "timeZoneName")?.value ?? "";
    const match = /([+-])(\d\d):(\d\d)/.exec(name);
    return match === null ? 0 : (match[1] === "-" ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3]));
  };
  // The offset is a function of UTC: one correction reaches it, except in the hour that a change skips or repeats.
  const guess = offsetAt(localUs / 1000);
  return offsetAt(localUs / 1000 - guess * 60_000);
}

const ENGLISH_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
/** Locales whose short month names dmesg -T has been seen to print; names come from Node's own ICU. */
const LOCALES = ["de", "fr", "es", "it", "pt", "nl", "pl", "cs", "ru", "uk", "sv", "da", "nb", "fi", "tr", "hu", "ja"];
let localMonths: Map<string, number> | undefined;

/** Month of a short name, 1–12: English, a number with or without 月, or one of the other locales' names. */
export function monthNumber(name: string): number | undefined {
  const key = name.toLowerCase().replace(/\.$/, "");
  const english = ENGLISH_MONTHS.indexOf(key);
  if (english !== -1) return english + 1;
  const digits = /^(\d{1,2})(?:\u6708|\uc6d4)?$/.exec(key);
  if (digits !== null) return Number(digits[1]) >= 1 && Number(digits[1]) <= 12 ? Number(digits[1]) : undefined;
  localMonths ??= readLocalMonths();
  return localMonths.get(key) ?? localMonths.get(key.slice(0, 3));
}

function readLocalMonths(): Map<string, number> {
  const months = new Map<string, number>();
  for (const locale of LOCALES) {
    const format = new Intl.DateTimeFormat(locale, { month: "short", day: "numeric", timeZone: "UTC" });
    for (let month = 11; month >= 0; month--) {
      const name = format.formatToParts(Date.UTC(2024, month, 1)).find((part) => part.type === "month")?.value;
      if (name === undefined) continue;
      const key = name.toLowerCase().replace(/\.$/, "");
      if (!months.has(key)) months.set(key, month + 1);
      if (key.length > 3 && !months.has(key.slice(0, 3))) months.set(key.slice(0, 3), month + 1);
    }
  }
  return months;
}

/** A stamp at the start of a line, and where the text after it begins (a space follows the stamp). */
export interface LeadingStamp {
  stamp: Stamp | undefined;
  kind: "iso" | "iso-comma" | "rfc3164" | "full" | "unix";
  end: number;
}

const ISO = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:([.,])(\d{1,9}))? ?(Z|UTC|[+-]\d\d:?\d\d)?(?= |$)/;
const RFC3164 = /^([A-Z][a-z]{2}) {1,2}(\d{1,2}) (?:(\d{4}) )?(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?: (\d{4}))?(?= )/;
const FULL =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))? ([A-Za-z0-9+:-]+) /;
const UNIX = /^(\d{9,10})\.(\d{6})(?= )/;

/** Reads the stamp that a line begins with. */
export function readLeadingStamp(line: string, context: CaptureContext): LeadingStamp | undefined {
  const code = line.charCodeAt(0);
  const isDigit = code >= 48 && code <= 57;
  if (isDigit) {
    const iso = ISO.exec(line);
    if (iso !== null) return fromIso(iso, context);
    const unix = UNIX.exec(line);
    if (unix === null) return undefined;
    const wallTimeUs = Number(unix[1]) * 1_000_000 + Number(unix[2]);
    return { stamp: { wallTimeUs, assumed: undefined }, kind: "unix", end: unix[0].length };
  }
  const short = RFC3164.exec(line);
  if (short !== null) return fromRfc3164(short, context);
  const full = FULL.exec(line);
  return full === null ? undefined : fromFull(full, context);
}

function fromIso(match: RegExpExecArray, context: CaptureContext): LeadingStamp {
  const stamp = toStamp(
    dateParts(match[1], match[2], match[3], match[4], match[5], match[6], match[8], zoneMinutes(match[9])),
    context,
  );
  return { stamp, kind: match[7] === "," ? "iso-comma" : "iso", end: match[0].length };
}

function fromRfc3164(match: RegExpExecArray, context: CaptureContext): LeadingStamp | undefined {
  const month = monthNumber(match[1] ?? "");
  if (month === undefined) return undefined;
  const parts = dateParts(match[3] ?? match[8], String(month), match[2], match[4], match[5], match[6], match[7]);
  return { stamp: toStamp(parts, context), kind: "rfc3164", end: match[0].length };
}

/** systemd's own form; the zone is an abbreviation, of which only UTC and numeric ones are unambiguous. */
function fromFull(match: RegExpExecArray, context: CaptureContext): LeadingStamp {
  const parts = dateParts(match[1], match[2], match[3], match[4], match[5], match[6], match[7], zoneMinutes(match[8]));
  return { stamp: toStamp(parts, context), kind: "full", end: match[0].length - 1 };
}

/** Minutes of `Z`, `UTC`, `+00:00`, `+0000`, `+00`; undefined for a name. */
function zoneMinutes(zone: string | undefined): number | undefined {
  if (zone === undefined) return undefined;
  if (zone === "Z" || zone === "UTC" || zone === "GMT") return 0;
  const match = /^([+-])(\d\d):?(\d\d)?$/.exec(zone);
  if (match === null) return undefined;
  return (match[1] === "-" ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3] ?? 0));
}

function dateParts(
  year: string | undefined,
  month: string | undefined,
  day: string | undefined,
  hour: string | undefined,
  minute: string | undefined,
  second: string | undefined,
  fraction: string | undefined,
  offsetMinutes?: number,
): DateParts {
  return {
    year: year === undefined ? undefined : Number(year),
    month: Number(month),
    day: Number(day),
    hour: Number(hour),
    minute: Number(minute),
    second: Number(second),
    microsecond: fraction === undefined ? 0 : Number(fraction.slice(0, 6).padEnd(6, "0")),
    offsetMinutes,
  };
}

const CTIME = /^\S+ +(\S+) +(\d{1,2}) (\d\d):(\d\d):(\d\d) (\d{4})$/;
/** The day before the month, as some locales' %c-like orders print it. */
const CTIME_DAY_FIRST = /^\S+ +(\d{1,2}) +(\S+) (\d\d):(\d\d):(\d\d) (\d{4})$/;

/** Reads `Tue Nov 24 06:29:37 2026` (dmesg -T), in whatever locale; the zone is not in the text. */
export function readCtime(text: string, context: CaptureContext): Stamp | undefined {
  const match = CTIME.exec(text) ?? undefined;
  const month = match === undefined ? undefined : monthNumber(match[1] ?? "");
  if (match !== undefined && month !== undefined) {
    return toStamp(dateParts(match[6], String(month), match[2], match[3], match[4], match[5], undefined), context);
  }
  const dayFirst = CTIME_DAY_FIRST.exec(text);
  const otherMonth = dayFirst === null ? undefined : monthNumber(dayFirst[2] ?? "");
  if (dayFirst === null || otherMonth === undefined) return undefined;
  const [, day, , hour, minute, second, year] = dayFirst;
  return toStamp(dateParts(year, String(otherMonth), day, hour, minute, second, undefined), context);
}

/** Reads `Nov24 06:29` (dmesg --reltime): the first record of a minute; neither year nor seconds are in the text. */
export function readReltimeMinute(text: string, context: CaptureContext): Stamp | undefined {
  const match = /^([A-Za-z]{3})\s*(\d{1,2}) (\d\d):(\d\d)$/.exec(text);
  const month = match === null ? undefined : monthNumber(match[1] ?? "");
  if (match === null || month === undefined) return undefined;
  return toStamp(dateParts(undefined, String(month), match[2], match[3], match[4], "0", undefined), context);
}
