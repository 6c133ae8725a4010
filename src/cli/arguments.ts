/** Command line → options of a command; what is wrong becomes a sentence that says what to write instead. */
import { parseArgs } from "node:util";
import { meantChoice, nearest } from "../config/nearest.ts";
import type { OptionEntry, ParsedArguments } from "./command.ts";

/** The arguments are wrong; the message is for people and has no name of a command in it. */
export class UsageError extends Error {}

/** @throws UsageError */
export function parseArguments(options: readonly OptionEntry[], args: readonly string[]): ParsedArguments {
  // Not strict: the messages of node:util name no option that is near, and it takes no value like -05:00.
  const { tokens, positionals } = parseArgs({
    args: [...args],
    options: Object.fromEntries(options.map((option) => [option.name, toConfig(option)])),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const flags = new Set<string>();
  const values = new Map<string, string>();
  const all = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const option = options.find(({ name }) => name === token.name);
    if (option === undefined) throw new UsageError(unknownOption(token.rawName, options));
    if (option.value === undefined) {
      if (token.value !== undefined) throw new UsageError(`${token.rawName} takes no value`);
      flags.add(option.name);
    } else {
      const value = readValue(option, token.rawName, token.value, token.inlineValue === true);
      values.set(option.name, value);
      all.set(option.name, [...(all.get(option.name) ?? []), value]);
    }
  }
  return { flags, values, all, positionals };
}

function toConfig({ short, value }: OptionEntry): { type: "string" | "boolean"; short?: string } {
  return { type: value === undefined ? "boolean" : "string", ...(short === undefined ? {} : { short }) };
}

function unknownOption(given: string, options: readonly OptionEntry[]): string {
  const names = options.map(({ name }) => `--${name}`);
  return `unknown option ${given}, did you mean ${nearest(given, names)}?`;
}

/** The next option, forgotten value: `--output --otlp URL`. A negative number or offset is a value. */
const LOOKS_LIKE_OPTION = /^-(?!\d|$)/;

function readValue(option: OptionEntry, given: string, value: string | undefined, isInline: boolean): string {
  if (value === undefined || value === "" || (!isInline && LOOKS_LIKE_OPTION.test(value))) {
    throw new UsageError(`${given} needs a value: ${given} ${option.value}`);
  }
  const { choices } = option;
  if (choices !== undefined && !choices.includes(value)) {
    throw new UsageError(`${given} ${value}: ${meantChoice(value, choices)}`);
  }
  return value;
}
