/** Lines that a terminal broke at its width, and the copy kept broken (tmux capture-pane, a mouse's selection). */
import { decodeBytes } from "../bytes.ts";

/** No terminal is narrower. */
const MIN_WIDTH = 40;
/** Lines of exactly the terminal's width that a sample has to hold. */
const MIN_FULL_LINES = 3;

/**
 * The width at which a sample's lines are broken: none is longer, several are just as long, and what follows those
 * is in no format.
 * @param isKnown whether a line begins with what a known format or wrapper prints
 * @returns undefined where nothing points to a terminal
 */
export function findWrapWidth(lines: readonly string[], isKnown: (line: string) => boolean): number | undefined {
  const widths = lines.map(displayWidth);
  const width = Math.max(0, ...widths);
  if (width < MIN_WIDTH) return undefined;
  let full = 0;
  let goesOn = 0;
  let known = 0;
  for (const [index, lineWidth] of widths.entries()) {
    const next = lines[index + 1];
    if (isKnown(lines[index] ?? "")) known++;
    if (lineWidth !== width || next === undefined) continue;
    full++;
    if (!isKnown(next)) goesOn++;
  }
  return full >= MIN_FULL_LINES && goesOn > full / 2 && known > lines.length / 2 ? width : undefined;
}

/** Columns that a line takes on a terminal; wide characters count as two. */
export function displayWidth(line: string): number {
  const text = decodeBytes(line);
  if (text === line) return line.length;
  let width = 0;
  for (const char of text) width += WIDE.test(char) ? 2 : 1;
  return width;
}

const WIDE =
  /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}\uff01-\uff60]/u;
