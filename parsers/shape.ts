/** Checks of values whose shape is not sure: what was saved on a disk and is read again. */

export type Check = (value: unknown) => boolean;

/** The furthest that a Date goes, in milliseconds either way. */
const MAX_DATE_MS = 8.64e15;

export const isText: Check = (value) => typeof value === "string";
export const isFlag: Check = (value) => typeof value === "boolean";
/** 0, 1, 2, … */
export const isCount: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
/** Milliseconds of any clock, fractions too. */
export const isMoment: Check = (value) => Number.isFinite(value) && Math.abs(Number(value)) <= MAX_DATE_MS;

export function oneOf(...values: readonly unknown[]): Check {
  return (value) => values.includes(value);
}

export function optional(check: Check): Check {
  return (value) => value === undefined || check(value);
}

export function listOf(check: Check): Check {
  return (value) => Array.isArray(value) && value.every(check);
}

/** A list of exactly so many items, each with a check of its own. */
export function tuple(...checks: readonly Check[]): Check {
  return (value) =>
    Array.isArray(value) && value.length === checks.length && checks.every((check, index) => check(value[index]));
}

/** An object whose keys are data. */
export function mapOf(check: Check): Check {
  return (value) => isObject(value) && Object.values(value).every(check);
}

/** An object with these fields; others are not looked at. */
export function fields(checks: Readonly<Record<string, Check>>): Check {
  const entries = Object.entries(checks);
  return (value) => isObject(value) && entries.every(([name, check]) => check(fieldOf(value, name)));
}

function fieldOf(value: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
