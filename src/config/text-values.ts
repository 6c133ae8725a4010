/** Values that are written as text, on the command line or in a variable, to what a file would hold in their place. */
import type { SettingEntry } from "./settings.ts";

/** @returns the text itself where it is not of that kind: the schema then says what is wrong with it */
export function parseText(text: string, { kind }: Pick<SettingEntry, "kind">): unknown {
  if (kind === "list") return text.trim().split(/\s+/);
  if (kind === "map") return parseMap(text) ?? text;
  if (kind === "number") return /^\s*-?\d+(?:\.\d+)?\s*$/.test(text) ? Number(text) : text;
  return text;
}

/** `name=value,name=value`, percent-encoded, as in OpenTelemetry's own variables. */
function parseMap(text: string): Record<string, string> | undefined {
  const entries: [string, string][] = [];
  for (const pair of text.split(",")) {
    if (pair.trim() === "") continue;
    const equals = pair.indexOf("=");
    if (equals < 1) return undefined;
    try {
      entries.push([pair.slice(0, equals).trim(), decodeURIComponent(pair.slice(equals + 1).trim())]);
    } catch {
      return undefined;
    }
  }
  return Object.fromEntries(entries);
}
