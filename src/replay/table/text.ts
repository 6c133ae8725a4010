/** Text in a terminal's cells: how wide it is, how it is cut, and what of a hostile name is shown by its number. */
import { escapeByNumber } from "../../record/format.ts";

const PLAIN = /^[\w.:/@+-]+$/;
/**
 * What moves the cursor, changes the direction, cannot be seen, or is as wide as each terminal likes (flags, skin
 * tones, variation selectors, what has no character yet).
 */
const UNSAFE =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Regional_Indicator}\p{Emoji_Modifier}\p{Variation_Selector}]/gu;

/** A name as it is; in quotes where it could pose as more than one cell or has something escaped. */
export function plainCell(text: string): string {
  if (PLAIN.test(text)) return text;
  const shown = text.replace(UNSAFE, escapeByNumber);
  // A backslash is systemd's own (`a\x2db.service`): it is an escape of ours only in quotes.
  if (shown === text && !/["\s]/.test(text)) return text;
  return `"${text.replace(/["\\]/g, "\\$&").replace(UNSAFE, escapeByNumber)}"`;
}

/** A line of a log as it is, but for what could move the cursor or cannot be seen. */
export function plainLine(line: string): string {
  return line.replace(UNSAFE, escapeByNumber);
}

const ASCII = /^[ -~]*$/;
const NO_WIDTH = /^[\p{Mn}\p{Me}\u1160-\u11ff]$/u;
/** Unicode's East Asian Width W and F (UAX #11), as far as characters that terminals agree on. */
const TWO_WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18cff}\u{1aff0}-\u{1b2ff}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]$/u;

/** Columns that a text takes. */
export function widthOf(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

function characterWidth(character: string): number {
  if (character <= "~") return 1;
  if (NO_WIDTH.test(character)) return 0;
  return TWO_WIDE.test(character) ? 2 : 1;
}

/** The text in at most so many columns, `…` where some of it is left out: of a path its beginning, else the end. */
export function cutTo(text: string, width: number, keepEnd: boolean): string {
  if (widthOf(text) <= width) return text;
  const characters = keepEnd ? [...text].reverse() : [...text];
  const kept: string[] = [];
  let used = 1;
  for (const character of characters) {
    used += characterWidth(character);
    if (used > width) break;
    kept.push(character);
  }
  return keepEnd ? `…${kept.reverse().join("")}` : `${kept.join("")}…`;
}

/** Fills up with spaces on the right. */
export function pad(text: string, width: number): string {
  return text + " ".repeat(Math.max(width - widthOf(text), 0));
}
