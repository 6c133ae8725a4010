/**
 * Commands that can be pasted into any of sh, dash, bash, zsh, fish, ksh and busybox: a name stays one word in all of
 * them and does nothing. A command that holds a name which cannot be pasted is replaced by a sentence.
 */

/** Not at the beginning: `=` is a path of zsh's there, `%` a process of fish's. */
const PLAIN = /^[\w./-][\w.:/@%+=,-]*$/;
/** Single quotes hold everything but these in every shell: within them a backslash escapes in fish and nowhere else. */
const OUTSIDE_QUOTES = /(['\\])/;
/**
 * What a terminal acts upon as it is pasted (ESC, newline, the end of a bracketed paste), what cannot be seen, what turns
 * text around, what the tables of `replay` show by its number, and U+FFFD: where bytes were no UTF-8, the name is another.
 */
const UNSAFE =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Regional_Indicator}\p{Emoji_Modifier}\ufffd]|(?! )\p{Zs}/u;

/** A word of the shell's own language, which stands in a command as it is. */
export interface Operator {
  readonly operator: "|" | ">";
}
export const PIPE: Operator = { operator: "|" };
export const TO_FILE: Operator = { operator: ">" };

/** Begins what is no command. A comment in every shell; zsh, at its prompt, looks for a command of that name in vain. */
const NO_COMMAND = "# ";

export function isPasteable(word: string): boolean {
  return !UNSAFE.test(word);
}

/**
 * One word for any of the shells: as it is where it is plain, else in single quotes, with `'` and `\` between them, each
 * after a backslash. No double quotes and no `$'…'`: within the former `!` and `$` mean something, and dash runs what the
 * latter hold.
 * @throws RangeError where it cannot be pasted
 */
export function quoteWord(word: string): string {
  if (!isPasteable(word)) throw new RangeError("the word holds characters that are unsafe to paste");
  if (word === "") return "''";
  if (PLAIN.test(word)) return word;
  // Between backslashes alone no quotes are needed: systemd's `a\x2db.service` is `a\\x2db.service`.
  const needsQuotes = !PLAIN.test(word.replaceAll("\\", "_"));
  return word
    .split(OUTSIDE_QUOTES)
    .map((part) => (part === "'" || part === "\\" ? `\\${part}` : part === "" || !needsQuotes ? part : `'${part}'`))
    .join("");
}

/** Words → a line, those that are undefined left out; a sentence where one of them cannot be pasted. */
export function toCommand(...words: readonly (string | Operator | undefined)[]): string {
  const given = words.filter((word) => word !== undefined);
  if (!given.every((word) => typeof word !== "string" || isPasteable(word))) {
    return toInstruction("No command is given: a name in it holds characters that are unsafe to paste");
  }
  return given.map((word) => (typeof word === "string" ? quoteWord(word) : word.operator)).join(" ");
}

/** A file for a command, which takes none of its characters for an option; `FILE` where its name cannot be pasted. */
export function quoteFile(path: string): string {
  if (!isPasteable(path)) return "FILE";
  return quoteWord(path.startsWith("-") ? `./${path}` : path);
}

/** In place of a command. @param text fixed words and figures, without names and without characters of a shell's */
export function toInstruction(text: string): string {
  return `${NO_COMMAND}${text}`;
}
