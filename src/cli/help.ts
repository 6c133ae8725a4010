/** The help texts, made from the commands' own tables so that they cannot lag behind. */
import type { Command, OptionEntry } from "./command.ts";

/** What `oomscribe --help` prints. */
export function programHelp(commands: readonly Command[]): string {
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(12)}${summary}`);
  return `Oomscribe tells the whole story of every OOM kill.

Usage: oomscribe COMMAND [OPTIONS]

Commands:
${lines.join("\n")}

oomscribe COMMAND --help says more about one; oomscribe --version prints the version.
`;
}

/** What `oomscribe COMMAND --help` prints. */
export function commandHelp({ synopsis, summary, options, notes }: Command): string {
  const heads = options.map(optionHead);
  const width = Math.max(...heads.map((head) => head.length));
  const lines = options.map(({ help, choices }, index) => {
    const all = choices === undefined ? help : `${help} (${choices.join(", ")})`;
    return wrap(`  ${(heads[index] ?? "").padEnd(width)}  `, all);
  });
  return `${summary}\n\nUsage: oomscribe ${synopsis}\n\nOptions:\n${lines.join("\n")}\n\n${notes}\n`;
}

function optionHead({ name, short, value }: OptionEntry): string {
  return `${short === undefined ? "" : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`;
}

/** The narrowest terminal that people have. */
const COLUMNS = 80;

function wrap(head: string, text: string): string {
  const lines: string[] = [];
  let line = head;
  for (const word of text.split(" ")) {
    if (line.length + word.length > COLUMNS && line.trim() !== "") {
      lines.push(line.trimEnd());
      line = " ".repeat(head.length);
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()].join("\n");
}
