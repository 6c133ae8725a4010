/** A bar of what filled the memory that ran out, in characters that differ without colour. */
import type { Attributes } from "../../record/log-record.ts";
import { readFilling } from "./memory.ts";

const CELLS = 10;
const MARKS: Readonly<Record<string, string>> = { anon: "█", file: "▓", shmem: "▒" };
/** Kernel memory of every kind, and what no statistic names. */
const OTHER = "░";
const FREE = "·";

export const BAR_LEGEND = "FILLED BY  █ private  ▓ page cache  ▒ shared, tmpfs  ░ kernel and others  · free";

/** `██████▓▓░·`, of the limit or of the node's RAM; empty where the log does not tell. */
export function fillBar(attributes: Attributes): string {
  const filling = readFilling(attributes);
  if (filling === undefined || filling.parts.length === 0) return "";
  const cellsOf = (bytes: number): number => Math.round((bytes / filling.whole) * CELLS);
  let bar = "";
  for (const [name, mark] of Object.entries(MARKS)) {
    const bytes = filling.parts.find((part) => part.name === name)?.bytes ?? 0;
    bar += mark.repeat(cellsOf(bytes));
  }
  const used = cellsOf(filling.used);
  return bar.slice(0, used).padEnd(used, OTHER).padEnd(CELLS, FREE);
}
