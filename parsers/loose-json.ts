/** JSON of which nothing is sure: a file may be cut, or be something else. */

export type LooseObject = Readonly<Record<string, unknown>>;

/** @returns undefined where the text is no JSON, or no object */
export function parseObject(json: string): LooseObject | undefined {
  const value = parseJson(json);
  return isObject(value) ? value : undefined;
}

/** @returns undefined where the text is no JSON; JSON's own `null` is null */
export function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is LooseObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @returns empty where it is none, so that one can look further down */
export function object(value: unknown): LooseObject {
  return isObject(value) ? value : {};
}

export function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** @returns undefined where it is no number of bytes above 0: 0 and -1 mean that there is no limit */
export function bytes(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : undefined;
}

/** A count that stands as text: annotations and labels hold nothing else. */
export function count(value: unknown): number | undefined {
  return typeof value === "string" && /^\d{1,9}$/.test(value) ? Number(value) : undefined;
}

type OrUndefined<T> = { [K in keyof T]: T[K] | undefined };

/** Fields that are known: an absent one is no field. */
export function known<T extends object>(fields: OrUndefined<T>): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
