/** The configuration file: YAML (so JSON too) with settings by their names. */
import { readFileSync } from "node:fs";
import { parse, YAMLParseError } from "yaml";
import { ConfigError } from "./config-error.ts";

/** Nobody writes so much by hand: it is another file that was named. */
const MAX_BYTES = 1_048_576;

/** @throws ConfigError where it cannot be read, or is something else */
export function readConfigFile(path: string): Readonly<Record<string, unknown>> {
  const content: unknown = parseYaml(path, readText(path));
  // An empty file, or one of comments.
  if (content === null || content === undefined) return {};
  if (typeof content !== "object" || Array.isArray(content)) {
    throw new ConfigError(`${path}: write settings as "name: value", a line each`);
  }
  return content as Record<string, unknown>;
}

function readText(path: string): string {
  try {
    const text = readFileSync(path, "utf8");
    if (text.length > MAX_BYTES) throw new Error(`it has more than ${MAX_BYTES} bytes`);
    return text;
  } catch (error) {
    throw new ConfigError(`the configuration ${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

function parseYaml(path: string, text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    // What follows quotes the line, which may hold a secret.
    throw new ConfigError(`${path} is not YAML: ${error.message.split("\n", 1)[0]?.replace(/:$/, "")}`);
  }
}
