/** Rows → lines of a table that is as wide as the terminal: columns shrink, and the least telling ones go. */
import type { Row } from "./row.ts";
import { cutTo, pad, widthOf } from "./text.ts";

/** How a cell is shown. */
export type Look = "plain" | "dim" | "alarm" | "head";

interface Cell {
  text: string;
  look: Look;
  keepEnd?: boolean;
}

interface Column {
  title: string;
  cells: Cell[];
  /** it may shrink to that before others go; undefined: it never does */
  comfortable?: number;
  /** and to that after */
  least?: number;
  /** columns with the highest go first; undefined: it stays */
  dispensable?: number;
}

const GAP = "  ";
/** From here on there is room for the year. */
const WIDE = 120;

/** @param width columns of the terminal. @param paint makes a text look so; it adds nothing to its width */
export function layOut(rows: readonly Row[], width: number, paint: (text: string, look: Look) => string): string[] {
  const columns = toColumns(rows, width >= WIDE);
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
  for (let index = 0; index < rows.length; index++) {
    lines.push(line((column) => column.cells[index] ?? { text: "", look: "plain" }));
  }
  return lines;
}

function toColumns(rows: readonly Row[], hasYear: boolean): Column[] {
  const isWall = rows.every((row) => row.wallUs !== undefined);
  const isBoot = rows.every((row) => row.wallUs === undefined && row.monotonic !== undefined);
  const columns: Column[] = [
    { title: isWall ? "TIME (UTC)" : isBoot ? "SINCE BOOT" : "TIME", cells: rows.map((row) => timeCell(row, hasYear)) },
    { title: "KILLED", cells: rows.map((row) => plain(row.comm)), comfortable: 15, least: 10 },
    { title: "PID", cells: rows.map((row) => plain(row.pid)) },
    { title: "WHERE", cells: rows.map(placeCell), comfortable: 22, least: 12 },
    { title: "LIMIT OF", cells: rows.map(scopeCell), comfortable: 20, least: 9 },
    { title: "USED/LIMIT", cells: rows.map((row) => orDash(row.used)) },
    { title: "VICTIM HELD", cells: rows.map((row) => orDash(row.held)), dispensable: 2 },
    { title: "MOSTLY", cells: rows.map((row) => orDash(row.mostly)), dispensable: 3 },
  ];
  if (rows.some((row) => row.note !== "")) {
    columns.push({ title: "NOTE", cells: rows.map((row) => plain(row.note)), dispensable: 1 });
  }
  if (new Set(rows.map((row) => row.host)).size > 1) {
    columns.splice(1, 0, {
      title: "HOST",
      cells: rows.map((row) => orDash(row.host)),
      comfortable: 20,
      least: 8,
    });
  }
  return columns;
}

function timeCell({ wallUs, monotonic }: Row, hasYear: boolean): Cell {
  if (wallUs !== undefined && Math.abs(wallUs) < 8.64e18) {
    const time = new Date(wallUs / 1000).toISOString().slice(0, 19).replace("T", " ");
    return plain(hasYear ? time : time.slice(5));
  }
  return monotonic === undefined ? UNKNOWN : plain(`[${monotonic.toFixed(6).padStart(12)}]`);
}

/** A guess is marked, what is not known stands out: a guessed place must not be acted on as a sure one. */
function placeCell({ place, isPath, isInferred }: Row): Cell {
  if (place === undefined) return UNKNOWN;
  return { text: isInferred ? `~${place}` : place, look: "plain", keepEnd: isPath };
}

function scopeCell({ scope }: Row): Cell {
  if (scope === "?") return UNKNOWN;
  return { text: scope, look: scope === "node" ? "alarm" : "plain" };
}

const UNKNOWN: Cell = { text: "?", look: "dim" };

function plain(text: string): Cell {
  return { text, look: "plain" };
}

function orDash(text: string | undefined): Cell {
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
