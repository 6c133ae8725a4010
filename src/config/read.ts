/** Reads the agent's configuration: flags before the environment before the file, held against one schema. */
import { ConfigError } from "./config-error.ts";
import { readConfigFile } from "./file.ts";
import { meantChoice, nearest } from "./nearest.ts";
import { checkSettings, type Problem, type Settings } from "./schema.ts";
import { SETTING_NAMES, type SettingName, settingOf, variableOf } from "./settings.ts";
import { parseText } from "./text-values.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Config {
  settings: Settings;
  /** who has set it, for people: `--otlp`, `OOMSCRIBE_OTLP`, `otlp in FILE`; absent: nobody */
  from: Readonly<Partial<Record<SettingName, string>>>;
  /**
   * The environment, of OpenTelemetry's variables only those that say something: in their own format, which is read
   * where it is known. A setting of which this has one is not in `settings`.
   */
  env: Environment;
}

export interface ConfigSources {
  /** options of the command line as they were given; of `list` settings each */
  flags: ReadonlyMap<string, readonly string[]>;
  env: Environment;
}

/** Names the file; not a setting itself, as no file can name another. */
export const CONFIG_VARIABLE = "OOMSCRIBE_CONFIG";

/** @throws ConfigError */
export function readConfig({ flags, env }: ConfigSources): Config {
  const path = flags.get("config")?.at(-1) ?? (env[CONFIG_VARIABLE] || undefined);
  const raw: Record<string, unknown> = {};
  const from: Record<string, string> = {};
  const passedOn: Record<string, string | undefined> = { ...env };

  function set(name: string, value: unknown, who: string): void {
    raw[name] = value;
    from[name] = who;
  }

  // From the weakest to the strongest.
  if (path !== undefined) {
    for (const [name, value] of Object.entries(readConfigFile(path))) set(name, value, `${name} in ${path}`);
  }
  for (const name of SETTING_NAMES) {
    const entry = settingOf(name);
    const own = env[variableOf(name)]?.trim();
    const given = flags.get(name);
    if (given !== undefined) set(name, entry.kind === "list" ? given : given.at(-1), `--${name}`);
    else if (own) set(name, parseText(own, entry), variableOf(name));
    else if (setByStandard(name)) continue;
    for (const variable of entry.standard ?? []) if (name in raw) delete passedOn[variable];
  }
  for (const name of unknownVariables(env)) set(name, env[name], name);

  function setByStandard(name: SettingName): boolean {
    const variable = settingOf(name).standard?.find((one) => env[one]?.trim());
    if (variable === undefined) return false;
    if (variable.startsWith("OTEL_")) {
      delete raw[name];
      from[name] = variable;
    } else set(name, env[variable]?.trim(), variable);
    return true;
  }

  const checked = checkSettings(raw);
  if ("problem" in checked) throw new ConfigError(describe(checked.problem, raw, from));
  return { settings: checked.settings, from: from as Config["from"], env: passedOn };
}

/** A Service called oomscribe in the agent's namespace gives each pod such variables. */
const KUBERNETES = /_(?:SERVICE_(?:HOST|PORT)|PORT)(?:_|$)/;
/** Of the project's own tests. */
const OF_TESTS = /^OOMSCRIBE_(?:CI|TEST|VM)_/;

function unknownVariables(env: Environment): string[] {
  const known = new Set([CONFIG_VARIABLE, ...SETTING_NAMES.map(variableOf)]);
  return Object.keys(env).filter(
    (name) => name.startsWith("OOMSCRIBE_") && !known.has(name) && !KUBERNETES.test(name) && !OF_TESTS.test(name),
  );
}

function describe(problem: Problem, raw: Readonly<Record<string, unknown>>, from: Record<string, string>): string {
  const { name, kind, message } = problem;
  const who = from[name] ?? name;
  if (kind === "unknown") {
    const isVariable = name.startsWith("OOMSCRIBE_");
    const near = nearest(isVariable ? name.slice("OOMSCRIBE_".length).replaceAll("_", "-") : name, SETTING_NAMES);
    return `unknown setting ${who}, did you mean ${isVariable ? variableOf(near) : near}?`;
  }
  const { choices, secret } = settingOf(name as SettingName);
  const value = secret || typeof raw[name] === "object" ? "" : ` ${JSON.stringify(raw[name])}`;
  if (kind === "choice" && choices !== undefined) {
    return `${who}${value}: ${meantChoice(String(raw[name]), choices)}`;
  }
  return `${who}${value}: ${message}`;
}
