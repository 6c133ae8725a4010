/** Words of a command that can be pasted: whatever a name holds, it stays one word and does nothing. */

const PLAIN = /^[\w.:/@%+=,-]+$/;
const ESCAPED: Readonly<Record<string, string>> = { "'": "\\'", "\\": "\\\\", "\n": "\\n", "\t": "\\t" };
/** What moves a cursor, cannot be seen or turns text around, beside controls and half characters. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/**
 * One word for a POSIX shell: as it is where it is plain, else in single quotes. With characters that a terminal would
 * act upon it is written as `$'…'` (POSIX 2024; bash, zsh, ksh).
 */
export function quoteWord(word: string): string {
  if (PLAIN.test(word)) return word;
  if (!UNSEEN.test(word)) return `'${word.replaceAll("'", "'\\''")}'`;
  const escaped = Array.from(word, (character) => {
    const known = ESCAPED[character];
    if (known !== undefined) return known;
    return UNSEEN.test(character) ? bytesOf(character) : character;
  });
  return `$'${escaped.join("")}'`;
}

/** Words → a line, those that are undefined left out. */
export function toCommand(...words: readonly (string | undefined)[]): string {
  return words
    .filter((word) => word !== undefined)
    .map(quoteWord)
    .join(" ");
}

/** Octal, three digits: the one escape that no digit that follows can lengthen. */
function bytesOf(character: string): string {
  return Array.from(new TextEncoder().encode(character), (byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
}
