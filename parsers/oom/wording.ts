/** One kernel wording: a row of a line's table. A new kernel's wording is a new row beside its fixture. */

export interface Wording<T> {
  name: string;
  /** first kernel that prints it */
  since: string;
  /** where the kernel prints it: file and function */
  source: string;
  example: string;
  pattern: RegExp;
  read(match: RegExpExecArray): T;
}

/** Called with the name of every row that matched: lets the tests report rows that no capture exercises. */
export type WordingObserver = (name: string) => void;

let observer: WordingObserver | undefined;

/** For tests only: sees every row that matches from now on; undefined ends it. */
export function observeWordings(observe: WordingObserver | undefined): void {
  observer = observe;
}

/** The first row whose pattern matches, read. */
export function readWording<T>(rows: readonly Wording<T>[], text: string): T | undefined {
  for (const row of rows) {
    const match = row.pattern.exec(text);
    if (match === null) continue;
    observer?.(row.name);
    return row.read(match);
  }
  return undefined;
}

export function optionalNumber(digits: string | undefined): number | undefined {
  return digits === undefined ? undefined : Number(digits);
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
