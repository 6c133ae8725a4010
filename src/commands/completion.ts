/** The command `oomscribe completion`: a shell's script that completes commands, options and their values. */

import { nearest } from "../config/nearest.ts";
import { UsageError } from "./arguments.ts";
import { type Command, HELP_OPTION, type OptionEntry } from "./command.ts";

const SHELLS: Readonly<Record<string, (commands: readonly Command[]) => string>> = { bash, zsh, fish };

export const completionCommand: Command = {
  name: "completion",
  summary: "Prints a script for bash, zsh or fish that completes commands, options and their values.",
  synopsis: "completion bash|zsh|fish",
  options: [HELP_OPTION],
  notes: `  oomscribe completion bash > /etc/bash_completion.d/oomscribe
  oomscribe completion zsh > "\${fpath[1]}/_oomscribe"
  oomscribe completion fish > ~/.config/fish/completions/oomscribe.fish`,

  async run({ positionals }) {
    const [shell = "", more] = positionals;
    const script = SHELLS[shell];
    if (script === undefined || more !== undefined) {
      const names = Object.keys(SHELLS);
      const meant = shell === "" ? "" : ` (${nearest(shell, names)}?)`;
      throw new UsageError(`for which shell${meant}? There are ${names.join(", ")}: oomscribe completion bash`);
    }
    // Here, since this command is one of them.
    const { COMMANDS } = await import("./all.ts");
    process.stdout.write(script(COMMANDS));
    return 0;
  },
};

/** Commands that take files; the others take words. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  completion: Object.keys(SHELLS),
  outbox: ["retry"],
};
/** What stands for a value that is a file's name or a directory's. */
const PATHS = ["FILE", "DIR", "PATH"];
/** In bash: names of files. */
const FILES = `COMPREPLY=($(compgen -f -- "$cur"))`;

function bash(commands: readonly Command[]): string {
  const cases = commands.map((command) => {
    const values = command.options.flatMap((option) => bashValue(option));
    const names = command.options.flatMap(flagsOf).join(" ");
    const words = WORDS[command.name];
    const rest = words === undefined ? FILES : reply(words.join(" "));
    return `  ${command.name})
    case $prev in
${[...values, "    *) ;;"].join("\n")}
    esac
    case $cur in
    -*) ${reply(names)} ;;
    *) ${rest} ;;
    esac
    ;;`;
  });
  return `# bash completion for oomscribe: source it, or put it into /etc/bash_completion.d
_oomscribe() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    ${reply([...commands.map(({ name }) => name), "--help", "--version"].join(" "))}
    return
  fi
  case \${COMP_WORDS[1]} in
${cases.join("\n")}
  esac
}
complete -o filenames -F _oomscribe oomscribe
`;
}

function reply(words: string): string {
  return `COMPREPLY=($(compgen -W "${words}" -- "$cur"))`;
}

function bashValue(option: OptionEntry): string[] {
  if (option.value === undefined) return [];
  const answer =
    option.choices === undefined ? (isPath(option) ? FILES : "COMPREPLY=()") : reply(option.choices.join(" "));
  return [`    ${flagsOf(option).join("|")}) ${answer}; return ;;`];
}

function zsh(commands: readonly Command[]): string {
  const cases = commands.map((command) => {
    const options = command.options.map((option) => `'${zshOption(option)}'`);
    const words = WORDS[command.name];
    const rest = words === undefined ? "'*:file:_files'" : `'1:word:(${words.join(" ")})'`;
    return `    ${command.name}) _arguments ${[...options, rest].join(" \\\n      ")} ;;`;
  });
  const names = commands.map(({ name, summary }) => `'${name}:${quoted(summary)}'`);
  return `#compdef oomscribe
_oomscribe() {
  local -a commands
  commands=(${names.join(" ")})
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join("\n")}
  esac
}
if [ "$funcstack[1]" = "_oomscribe" ]; then _oomscribe "$@"; else compdef _oomscribe oomscribe; fi
`;
}

function zshOption(option: OptionEntry): string {
  const help = quoted(option.help).replace(/[[\]]/g, "\\$&");
  const value = option.value === undefined ? "" : `:${option.value}:${zshValue(option)}`;
  return `--${option.name}[${help}]${value}`;
}

function zshValue(option: OptionEntry): string {
  if (option.choices !== undefined) return `(${option.choices.join(" ")})`;
  return isPath(option) ? "_files" : " ";
}

function fish(commands: readonly Command[]): string {
  const lines = commands.flatMap((command) => {
    const here = `-n '__fish_seen_subcommand_from ${command.name}'`;
    const options = command.options.map((option) => {
      const short = option.short === undefined ? "" : ` -s ${option.short}`;
      const files = isPath(option) ? " -r -F" : " -x";
      const value = option.value === undefined ? "" : option.choices ? ` -x -a '${option.choices.join(" ")}'` : files;
      return `complete -c oomscribe ${here} -l ${option.name}${short}${value} -d '${quoted(option.help)}'`;
    });
    const words = WORDS[command.name];
    const rest = words === undefined ? [] : [`complete -c oomscribe ${here} -f -a '${words.join(" ")}'`];
    return [
      `complete -c oomscribe -n __fish_use_subcommand -f -a ${command.name} -d '${quoted(command.summary)}'`,
      ...options,
      ...rest,
    ];
  });
  return `# fish completion for oomscribe: ~/.config/fish/completions/oomscribe.fish\n${lines.join("\n")}\n`;
}

function flagsOf({ name, short }: OptionEntry): string[] {
  return short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`];
}

function isPath({ value }: OptionEntry): boolean {
  return value !== undefined && PATHS.includes(value);
}

/** Within single quotes of any of the shells; a colon ends a name in zsh. */
function quoted(text: string): string {
  return text.replace(/['\\`:]/g, " ");
}
