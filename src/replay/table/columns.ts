/** Columns of cells → lines that are as wide as the terminal: columns shrink, and the least telling ones go. */
import { cutTo, pad, widthOf } from "./text.ts";

/** How a cell is shown. */
export type Look = "plain" | "dim" | "alarm" | "head";

export interface Cell {
  text: string;
  look: Look;
  keepEnd?: boolean;
}

export interface Column {
  title: string;
  cells: Cell[];
  /** it may shrink to that before others go; undefined: it never does */
  comfortable?: number;
  /** and to that after */
  least?: number;
  /** columns with the highest go first; undefined: it stays */
  dispensable?: number;
}

/** Makes a text look so; it adds nothing to its width. */
export type Paint = (text: string, look: Look) => string;

/** Columns where standard output is no terminal. */
const DEFAULT_WIDTH = 100;

/** Columns of the terminal. */
export function terminalWidth({ columns }: Pick<NodeJS.WriteStream, "columns">): number {
  return columns || DEFAULT_WIDTH;
}

const GAP = "  ";

/** A line of titles, then one for each cell that a column has. @param width columns of the terminal */
export function renderColumns(columns: readonly Column[], width: number, paint: Paint): string[] {
  const { shown, widths } = fitColumns(columns, width);
  const line = (cellOf: (column: Column) => Cell): string =>
    shown
      .map((column, index) => {
        const { text, look, keepEnd } = cellOf(column);
        const columnWidth = widths[index] ?? 0;
        const fitted = cutTo(text, columnWidth, keepEnd === true);
        return paint(index === shown.length - 1 ? fitted : pad(fitted, columnWidth), look);
      })
      .join(GAP)
      .trimEnd();
  const lines = [line(({ title }) => ({ text: title, look: "head" }))];
  for (let index = 0; index < (columns[0]?.cells.length ?? 0); index++) {
    lines.push(line((column) => column.cells[index] ?? { text: "", look: "plain" }));
  }
  return lines;
}

export function plain(text: string): Cell {
  return { text, look: "plain" };
}

export function orDash(text: string | undefined): Cell {
  return text === undefined ? { text: "-", look: "dim" } : plain(text);
}

function fitColumns(columns: readonly Column[], width: number): { shown: Column[]; widths: number[] } {
  let shown = [...columns];
  let widths = naturalWidths(shown);
  widths = shrink(shown, widths, width, "comfortable");
  while (total(widths) > width) {
    const last = shown.reduce((worst, column) => Math.max(worst, column.dispensable ?? 0), 0);
    if (last === 0) break;
    shown = shown.filter((column) => column.dispensable !== last);
    widths = shrink(shown, naturalWidths(shown), width, "comfortable");
  }
  return { shown, widths: shrink(shown, widths, width, "least") };
}

function naturalWidths(columns: readonly Column[]): number[] {
  return columns.map(({ title, cells }) =>
    cells.reduce((widest, { text }) => Math.max(widest, widthOf(text)), title.length),
  );
}

/** Takes what is too much from the columns that may give, from the widest first. */
function shrink(
  columns: readonly Column[],
  natural: readonly number[],
  width: number,
  to: "comfortable" | "least",
): number[] {
  const widths = [...natural];
  for (let excess = total(widths) - width; excess > 0; excess--) {
    let widest = -1;
    for (const [index, column] of columns.entries()) {
      const floor = column[to];
      const own = widths[index] ?? 0;
      if (floor !== undefined && own > floor && own > (widths[widest] ?? 0)) widest = index;
    }
    if (widest === -1) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, own) => sum + own, 0) + GAP.length * (widths.length - 1);
}
