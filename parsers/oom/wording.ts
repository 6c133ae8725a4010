/** One kernel wording: a row of a line's table. A new kernel's wording is a new row beside its fixture. */

/** Severities of include/linux/kern_levels.h. */
export const LEVEL = { emerg: 0, err: 3, warning: 4, info: 6 } as const;

export interface Wording<T> {
  name: string;
  /** first kernel that prints it */
  since: string;
  /** where the kernel prints it: file and function */
  source: string;
  /** the level at which every kernel prints it; absent: the kernel's configured default level (KERN_DEFAULT) */
  level?: number;
  example: string;
  /** anchored at both ends, but for lines whose end is free: a line that only holds the words is another's */
  pattern: RegExp;
  /** @returns undefined where a figure or a name is beyond what a kernel can print: the text is no such line */
  read(match: RegExpExecArray): T | undefined;
}

/** Called with the name of every row that matched: lets the tests report rows that no capture exercises. */
export type WordingObserver = (name: string) => void;

/**
 * Bytes of the longest text that can be a line of a report. printk's records are at most 2 KiB; a summary is joined
 * from several and holds two paths, each cut by the kernel at PATH_MAX (4 KiB), and a cpuset's name.
 */
export const LONGEST_LINE = 16_384;

let observer: WordingObserver | undefined;

/** For tests only: sees every row that matches from now on; undefined ends it. */
export function observeWordings(observe: WordingObserver | undefined): void {
  observer = observe;
}

/**
 * The first row whose pattern matches, read.
 * @param level the record's; undefined: not known, any row may match
 */
export function readWording<T>(rows: readonly Wording<T>[], text: string, level?: number): T | undefined {
  if (text.length > LONGEST_LINE) return undefined;
  for (const row of rows) {
    if (!isLevel(level, row.level)) continue;
    const match = row.pattern.exec(text);
    const value = match === null ? undefined : row.read(match);
    if (value === undefined) continue;
    observer?.(row.name);
    return value;
  }
  return undefined;
}

/** Whether a record's level, where it is known, is the one at which a line is printed. */
export function isLevel(level: number | undefined, printed: number | undefined): boolean {
  return level === undefined || printed === undefined || level === printed;
}

/** Copies the keys whose value is known: what the text does not hold is absent, never undefined or 0. */
export function known<T extends object>(values: { [K in keyof T]: T[K] | undefined }): T {
  const result = {} as T;
  for (const key in values) {
    const value = values[key];
    if (value !== undefined) result[key] = value as T[typeof key];
  }
  return result;
}
