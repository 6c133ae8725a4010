/** A Markdown table whose columns line up, so that it reads as well in a terminal as in bench/README.md. */

/** @param rows the first is the head; all are as long */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => formatRow(row.map((cell, at) => pad(cell, widths[at] ?? 0, at))));
  // The first column is words, the others are figures: to the right.
  const rule = formatRow(widths.map((width, at) => (at === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)));
  return [lines[0], rule, ...lines.slice(1)].map((line) => `${line}\n`).join("");
}

function formatRow(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function pad(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}
