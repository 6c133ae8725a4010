#!/usr/bin/env node
/** `oomscribe COMMAND …`: finds the command, reads its arguments, runs it; what a command needs is loaded only then. */
import { existsSync } from "node:fs";
import { COMMANDS } from "./commands/all.ts";
import { parseArguments, UsageError } from "./commands/arguments.ts";
import type { ExitStatus } from "./commands/command.ts";
import { commandHelp, programHelp } from "./commands/help.ts";
import { nearest } from "./config/nearest.ts";
import { quoteFile } from "./diagnose/advice/shell.ts";
import { plainLine } from "./replay/table/text.ts";

process.exitCode = await main(process.argv.slice(2));

/** @returns the process's exit status: 2 where the arguments are wrong, else the command's own */
async function main([name, ...args]: string[]): Promise<ExitStatus> {
  if (name === "--help" || name === "-h") return print(programHelp(COMMANDS));
  if (name === "--version") return print(`${(await import("./version.ts")).VERSION}\n`);
  const command = COMMANDS.find((one) => one.name === name);
  if (command === undefined) return refuse("oomscribe", `${noCommand(name)} (oomscribe --help says what there is)`);
  try {
    const parsed = parseArguments(command.options, args);
    return parsed.flags.has("help") ? print(commandHelp(command)) : await command.run(parsed);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return refuse(
      `oomscribe ${command.name}`,
      `${error.message} (oomscribe ${command.name} --help says what there is)`,
    );
  }
}

function noCommand(name: string | undefined): string {
  const names = COMMANDS.map((command) => command.name);
  if (name === undefined) return `which command? ${names.join(", ")}`;
  if (name.startsWith("-")) {
    return `unknown option ${name}, did you mean ${nearest(name, ["--help", "--version"])}? Commands come first`;
  }
  // `oomscribe dmesg.txt`: what else could be meant?
  if (existsSync(name)) return `unknown command ${name}; it is a file: oomscribe replay ${quoteFile(name)}`;
  return `unknown command ${name}, did you mean ${nearest(name, names)}?`;
}

function print(text: string): ExitStatus {
  process.stdout.write(text);
  return 0;
}

function refuse(who: string, why: string): ExitStatus {
  process.stderr.write(`${who}: ${plainLine(why)}\n`);
  return 2;
}
