/** The command `oomscribe man`: the manual page in roff, made from the commands' own tables. */

import { UsageError } from "./arguments.ts";
import { type Command, HELP_OPTION, type OptionEntry } from "./command.ts";

export const manCommand: Command = {
  name: "man",
  summary: "Prints the manual page.",
  synopsis: "man",
  options: [HELP_OPTION],
  notes: "  oomscribe man | man -l -",

  async run({ positionals }, commands) {
    if (positionals.length > 0) throw new UsageError("it takes no argument: oomscribe man | man -l -");
    process.stdout.write(toRoff(commands, (await import("../shared/version.ts")).VERSION));
    return 0;
  },
};

/** man(7) macros only, so that every man can show it. */
export function toRoff(commands: readonly Command[], version: string): string {
  return `.\\" made by: oomscribe man
.TH OOMSCRIBE 1 "" "oomscribe ${text(version)}" "Oomscribe"
.SH NAME
oomscribe \\- the whole story of every OOM kill
.SH SYNOPSIS
${commands.map(({ synopsis }) => `.B oomscribe\n${line(synopsis)}\n.br`).join("\n")}
.SH DESCRIPTION
Finds the processes that the Linux kernel has killed for memory, in the running kernel's log or in logs that were
saved, and says which container was meant, whose limit was hit and what filled it.
${commands.map(commandSection).join("\n")}
.SH EXIT STATUS
0: done. 1: it ran and something of it failed. 2: wrong arguments, or input that cannot be read.
`;
}

function commandSection({ name, summary, synopsis, options, notes }: Command): string {
  return `.SH OOMSCRIBE ${text(name.toUpperCase())}
${line(summary)}
.PP
.B oomscribe
${line(synopsis)}
${options.map(optionItem).join("\n")}
.PP
.nf
${notes.split("\n").map(line).join("\n")}
.fi`;
}

function optionItem({ name, short, value, help, choices }: OptionEntry): string {
  const flags = [...(short === undefined ? [] : [`-${short}`]), `--${name}`].map((flag) => `\\fB${text(flag)}\\fR`);
  const head = `${flags.join(", ")}${value === undefined ? "" : ` \\fI${text(value)}\\fR`}`;
  const all = choices === undefined ? help : `${help} (${choices.join(", ")})`;
  return `.TP\n${head}\n${line(all)}`;
}

/** A whole line: a dot or a quote at its beginning would be a command of roff's. */
function line(content: string): string {
  const escaped = text(content);
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}

/** Characters that roff reads otherwise, or that are not ASCII. */
function text(content: string): string {
  return content
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("…", "...")
    .replace(
      /[^\x20-\x7e]/gu,
      (character) => `\\[u${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}]`,
    );
}
