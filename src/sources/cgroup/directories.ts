/** Looks at the directories of a cgroup hierarchy. */
import { readdirSync, type Stats, statSync } from "node:fs";

/** A directory's link count is 2 and the number of its children: a stat(2) saves listing the files of every leaf. */
export const NO_CHILDREN = 2;

/** @returns undefined where it is gone, or no directory */
export function statDirectory(path: string): Stats | undefined {
  try {
    const stats = statSync(path);
    return stats.isDirectory() ? stats : undefined;
  } catch {
    return undefined;
  }
}

/** Names of the directories in it, none where it is gone. */
export function readDirectories(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    return [];
  }
}
