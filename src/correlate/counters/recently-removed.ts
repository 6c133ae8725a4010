/** What is kept of cgroups that were removed a moment ago: bounded in time and in number, however many come and go. */
import { remember } from "../../shared/bounded-map.ts";

export interface RecentlyRemoved<T> {
  add(cgroup: string, value: T, nowMs: number): void;
  get(cgroup: string): T | undefined;
  has(cgroup: string): boolean;
  /** A cgroup of that name was made anew. */
  delete(cgroup: string): void;
  /** Drops what was removed too long ago. */
  prune(nowMs: number): void;
}

/** @param max beyond, the one that was removed first is dropped */
export function createRecentlyRemoved<T>({ keptMs, max }: { keptMs: number; max: number }): RecentlyRemoved<T> {
  /** in the order of removal */
  const removed = new Map<string, { value: T; atMs: number }>();

  return {
    add: (cgroup, value, atMs) => remember(removed, cgroup, { value, atMs }, max),
    get: (cgroup) => removed.get(cgroup)?.value,
    has: (cgroup) => removed.has(cgroup),
    delete: (cgroup) => void removed.delete(cgroup),
    prune(nowMs) {
      for (const [cgroup, { atMs }] of removed) {
        if (nowMs - atMs < keptMs) break;
        removed.delete(cgroup);
      }
    },
  };
}
