/** What a command of the program is: its name, its options, and what it does with them. */

/** 0: done; 1: it ran and something of it failed; 2: wrong arguments, or input that cannot be read. */
export type ExitStatus = 0 | 1 | 2;

export interface OptionEntry {
  readonly name: string;
  readonly short?: string;
  /** what stands for the value in the help; absent: a flag without one */
  readonly value?: string;
  /** the values there are */
  readonly choices?: readonly string[];
  readonly help: string;
}

/** Arguments as given: known options, each with a value if it takes one; of a repeated option the last. */
export interface ParsedArguments {
  readonly flags: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
  /** of a repeated option each, in order */
  readonly all: ReadonlyMap<string, readonly string[]>;
  readonly positionals: readonly string[];
}

export interface Command {
  readonly name: string;
  /** one line for the program's help */
  readonly summary: string;
  /** after `oomscribe` */
  readonly synopsis: string;
  /** paragraphs below the options */
  readonly notes: string;
  readonly options: readonly OptionEntry[];
  /**
   * @param commands all of the program, for those that describe it
   * @throws UsageError where values are wrong
   */
  run(parsed: ParsedArguments, commands: readonly Command[]): Promise<ExitStatus>;
}

export const HELP_OPTION: OptionEntry = { name: "help", short: "h", help: "print this" };
