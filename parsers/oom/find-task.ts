/** The row of a tasks table that has a pid: found in constant time, since a group kill asks for each of its victims. */
import type { TaskRow } from "./report.ts";

interface TaskIndex {
  byPid: Map<number, TaskRow>;
  /** how many rows are in it: a table may still grow */
  rows: number;
}

/** In a table that is shorter a search takes less than an index. */
const INDEXED_ROWS = 64;

const indexes = new WeakMap<readonly TaskRow[], TaskIndex>();

/** The first of several rows of a pid. @param tasks rows are only ever added to it */
export function findTask(tasks: readonly TaskRow[] | undefined, pid: number): TaskRow | undefined {
  if (tasks === undefined || tasks.length < INDEXED_ROWS) return tasks?.find((task) => task.pid === pid);
  let index = indexes.get(tasks);
  if (index === undefined) {
    index = { byPid: new Map(), rows: 0 };
    indexes.set(tasks, index);
  }
  for (; index.rows < tasks.length; index.rows++) {
    const task = tasks[index.rows];
    if (task !== undefined && !index.byPid.has(task.pid)) index.byPid.set(task.pid, task);
  }
  return index.byPid.get(pid);
}
