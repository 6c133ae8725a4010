/** The node's files as the runtimes' readers see them. */

export interface RuntimeTree {
  /** @returns undefined where it is not there */
  readText(path: string): string | undefined;
  list(path: string, max: number): readonly string[];
  /** Says that a file is not what its runtime writes. */
  onBroken(path: string): void;
}
