/** The options that say what stamps leave out: year and time zone. */
import { zoneOffsetMinutes } from "../../parsers/captures/stamps.ts";
import { UsageError } from "./arguments.ts";
import type { ParsedArguments } from "./command.ts";

/** @throws UsageError */
export function readYear({ values }: ParsedArguments): number | undefined {
  const year = values.get("year");
  if (year === undefined) return undefined;
  if (!/^(?:19[789]|2\d\d)\d$/.test(year))
    throw new UsageError(`--year ${year}: write four digits, such as --year 2026`);
  return Number(year);
}

/** No place on earth is further from UTC. */
const MAX_OFFSET_MINUTES = 14 * 60;

/** @throws UsageError */
export function readTimezone({ values }: ParsedArguments): string | undefined {
  const timezone = values.get("timezone");
  if (timezone === undefined) return undefined;
  if (!isTimezone(timezone)) {
    throw new UsageError(
      `--timezone ${timezone}: write an IANA name such as Europe/Berlin, or an offset such as +02:00`,
    );
  }
  return timezone;
}

function isTimezone(timezone: string): boolean {
  try {
    return Math.abs(zoneOffsetMinutes(timezone, 0)) <= MAX_OFFSET_MINUTES;
  } catch {
    return false;
  }
}
