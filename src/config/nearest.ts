/** Of some names the one that a mistyped one is nearest to. */

/** The name with the fewest letters to insert, delete, change or swap; the first of several. */
export function nearest(given: string, names: readonly string[]): string {
  let best = names[0] ?? "";
  let fewest = Number.POSITIVE_INFINITY;
  for (const name of names) {
    const edits = countEdits(given.toLowerCase(), name);
    if (edits < fewest) {
      fewest = edits;
      best = name;
    }
  }
  return best;
}

/** What to write instead of a value that is none of the choices. */
export function meantChoice(given: string, choices: readonly string[]): string {
  return `did you mean ${nearest(given, choices)}? There are ${choices.join(", ")}`;
}

/** More letters than any name here: what a command line can hold must not take a second. */
const MAX_LENGTH = 64;

/** Optimal string alignment distance: Levenshtein's, with two neighbours swapped as one edit. */
function countEdits(from: string, to: string): number {
  const a = from.slice(0, MAX_LENGTH);
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = a[row - 1] === to[column - 1];
      let edits = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      );
      const swapped = row > 1 && column > 1 && a[row - 1] === to[column - 2] && a[row - 2] === to[column - 1];
      if (swapped) edits = Math.min(edits, (beforeLast[column - 2] ?? 0) + 1);
      current.push(edits);
    }
    beforeLast = last;
    last = current;
  }
  return last[to.length] ?? 0;
}
