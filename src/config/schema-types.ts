/** What values each setting takes, in words, from the schema itself: for docs/configuration.md. */
import * as z from "zod";
import { SCHEMA } from "./schema.ts";
import { SETTING_NAMES, type SettingName } from "./settings.ts";

interface Described {
  type?: string;
  enum?: string[];
  anyOf?: Described[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
}

export function describeTypes(): Record<SettingName, string> {
  const { properties = {} } = z.toJSONSchema(SCHEMA, { io: "input" }) as { properties?: Record<string, Described> };
  return Object.fromEntries(SETTING_NAMES.map((name) => [name, describe(properties[name] ?? {})])) as Record<
    SettingName,
    string
  >;
}

function describe({ type, enum: values, anyOf, ...bounds }: Described): string {
  if (values !== undefined) return `one of ${values.map((value) => `\`${value}\``).join(", ")}`;
  if (anyOf !== undefined) return anyOf.map(describe).toReversed().join(" or ");
  if (type === "array") return "a list of texts";
  if (type === "object") return "names and values";
  if (type === "string") return "text";
  const { minimum, maximum, exclusiveMinimum } = bounds;
  const limits = [
    ...(exclusiveMinimum === undefined ? [] : [`above ${exclusiveMinimum}`]),
    ...(minimum === undefined ? [] : [`${minimum} or more`]),
    ...(maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? [] : [`${maximum} at most`]),
  ];
  return ["a number", ...limits].join(", ");
}
