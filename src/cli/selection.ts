/** The options that choose kills, as values: times, filters, how many. */
import { zoneOffsetMinutes } from "../../parsers/captures/stamps.ts";
import { type FilterTerm, type Moment, parseFilter, SHORT_KEYS } from "../replay/select.ts";
import { UsageError } from "./arguments.ts";

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const AGO = /^(\d{1,6})([mhdw])$/;
/** As dmesg prints it: `[ 3753.827557]`. */
const SINCE_BOOT = /^\[?\s*(\d{1,12}\.\d+)\]?$/;
const DATE = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?))?\s*(Z|[+-]\d\d:?\d\d)?$/;

/** @param timezone of times without one; default UTC. @param nowMs milliseconds since the epoch. @throws UsageError */
export function readMoment(
  option: string,
  value: string | undefined,
  timezone: string | undefined,
  nowMs: number,
): Moment | undefined {
  if (value === undefined) return undefined;
  const ago = AGO.exec(value);
  if (ago !== null) return { wallUs: (nowMs - Number(ago[1]) * (UNIT_MS[ago[2] ?? ""] ?? 0)) * 1000 };
  const boot = SINCE_BOOT.exec(value);
  if (boot !== null) return { bootSeconds: Number(boot[1]) };
  const [, day, time = "00:00", zone] = DATE.exec(value) ?? [];
  const localMs = day === undefined ? Number.NaN : Date.parse(`${day}T${time}Z`);
  if (Number.isNaN(localMs)) {
    throw new UsageError(
      `--${option} ${value}: write a time such as 2026-03-01T12:00, how long ago such as 2h or 3d, or seconds since boot such as 3753.8`,
    );
  }
  return { wallUs: (localMs - zoneOffsetMinutes(zone ?? timezone, localMs * 1000) * 60_000) * 1000 };
}

/** @throws UsageError */
export function readFilter(value: string | undefined): readonly FilterTerm[] {
  if (value === undefined) return [];
  const terms = parseFilter(value);
  if (terms === undefined) {
    throw new UsageError(`--filter ${value}: write words, or KEY=VALUE, KEY!=VALUE, KEY~PART; quotes around blanks`);
  }
  for (const { key } of terms) {
    // Resource attributes can be anybody's; what has no dot is a short name.
    if (key === undefined || key.includes(".") || SHORT_KEYS[key] !== undefined) continue;
    throw new UsageError(
      `--filter ${key}: unknown; there are ${Object.keys(SHORT_KEYS).join(", ")}, and the full keys of a record`,
    );
  }
  return terms;
}

/** @throws UsageError */
export function readTop(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^[1-9]\d{0,5}$/.test(value)) throw new UsageError(`--top ${value}: write how many, such as --top 10`);
  return Number(value);
}
