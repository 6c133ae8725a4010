/** The largest rows of a tasks table, found once for all victims of a group kill. */
import type { TaskRow } from "./report.ts";

export interface SizedTask {
  task: TaskRow;
  /** pages of resident memory */
  rss: number;
}

/** How many are found. */
export const LARGEST_TASKS = 10;

/** Rows of a table from which on it takes longer to look through it again than to remember what was found. */
const LONG_TABLE = 64;

const largestOfTables = new WeakMap<readonly TaskRow[], readonly SizedTask[]>();

/** Largest first; of equals the first in the table. @param tasks a whole table */
export function largestTasks(tasks: readonly TaskRow[]): readonly SizedTask[] {
  const known = largestOfTables.get(tasks);
  if (known !== undefined) return known;
  const largest: SizedTask[] = [];
  for (const task of tasks) {
    const rss = rssPages(task);
    const smallest = largest[LARGEST_TASKS - 1];
    if (rss === undefined || (smallest !== undefined && rss <= smallest.rss)) continue;
    if (smallest !== undefined) largest.pop();
    let place = largest.length;
    while (place > 0 && (largest[place - 1]?.rss ?? 0) < rss) place--;
    largest.splice(place, 0, { task, rss });
  }
  if (tasks.length >= LONG_TABLE) largestOfTables.set(tasks, largest);
  return largest;
}

/** Kernels from 6.8 on print the three parts beside the sum. */
function rssPages({ rss, rssAnon, rssFile, rssShmem }: TaskRow): number | undefined {
  if (rss !== undefined) return rss;
  if (rssAnon === undefined && rssFile === undefined && rssShmem === undefined) return undefined;
  return (rssAnon ?? 0) + (rssFile ?? 0) + (rssShmem ?? 0);
}
