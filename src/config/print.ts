/** `--print-config`: what the agent goes by, as a configuration file, with who has set it and without secrets. */
import type { Config } from "./read.ts";
import { SETTING_NAMES, type SettingName, settingOf } from "./settings.ts";

const HIDDEN = "***";

/** @returns YAML; settings that nobody has set are comments, with their default */
export function printConfig(config: Config): string {
  return `${SETTING_NAMES.map((name) => printSetting(name, config)).join("\n")}\n`;
}

function printSetting(name: SettingName, { settings, from, env }: Config): string {
  const who = from[name];
  const entry = settingOf(name);
  if (who === undefined) return `# ${name}:${entry.default === undefined ? "" : ` ${entry.default}`}`;
  // One of OpenTelemetry's variables is in its own format: it is shown as text.
  const value = settings[name] === undefined || who.startsWith("OTEL_") ? env[who]?.trim() : settings[name];
  return `${name}: ${JSON.stringify(hideSecrets(value, entry.secret === true))} # ${who}`;
}

function hideSecrets(value: unknown, isSecret: boolean): unknown {
  if (Array.isArray(value)) return value.map((one) => hideSecrets(one, isSecret));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, hideSecrets(one, isSecret)]));
  }
  if (isSecret) return typeof value === "string" && value.includes("=") ? hidePairs(value) : HIDDEN;
  return typeof value === "string" ? hideCredentials(value) : value;
}

/** `name=value,name=value` */
function hidePairs(list: string): string {
  return list
    .split(",")
    .map((pair) => (pair.includes("=") ? `${pair.slice(0, pair.indexOf("="))}=${HIDDEN}` : HIDDEN))
    .join(",");
}

/** User, password and query of a URL; anything else stays as it is. */
function hideCredentials(value: string): string {
  if (!/^https?:/.test(value) || !URL.canParse(value)) return value;
  const url = new URL(value);
  if (url.username === "" && url.password === "" && url.search === "") return value;
  const user = url.username === "" && url.password === "" ? "" : `${HIDDEN}@`;
  const query = Array.from(url.searchParams.keys(), (key) => `${key}=${HIDDEN}`).join("&");
  return `${url.protocol}//${user}${url.host}${url.pathname}${query === "" ? "" : `?${query}`}`;
}
