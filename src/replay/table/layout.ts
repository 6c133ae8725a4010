/** The kills as a table: a row a kill, its columns in the order in which people ask. */
import { type Cell, type Column, orDash, type Paint, plain, renderColumns } from "./columns.ts";
import type { Row } from "./row.ts";

/** From so many columns on there is room for the year. */
const WIDE = 120;

export function hasRoomForYear(width: number): boolean {
  return width >= WIDE;
}

/** @param width columns of the terminal */
export function layOut(rows: readonly Row[], width: number, paint: Paint): string[] {
  return renderColumns(toColumns(rows, hasRoomForYear(width)), width, paint);
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
    { title: "FILLED BY", cells: rows.map((row) => plain(row.bar)), dispensable: 2.5 },
    { title: "VICTIM HELD", cells: rows.map((row) => orDash(row.held)), dispensable: 2 },
    { title: "MOSTLY", cells: rows.map((row) => orDash(row.mostly)), dispensable: 3 },
  ];
  if (rows.some((row) => row.cause !== undefined)) {
    columns.push({ title: "CAUSE", cells: rows.map((row) => orDash(row.cause)), dispensable: 2.2 });
  }
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

/** A time of day, else the kernel's own since boot. */
export function timeCell({ wallUs, monotonic }: Pick<Row, "wallUs" | "monotonic">, hasYear: boolean): Cell {
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
