/** What has been read of single objects, and that some cannot be had: bounded, and each for a time of its own. */

import { remember } from "../remember.ts";

export type CachedAnswer<T> =
  | { is: "found"; value: T }
  /** there is none of that name */
  | { is: "missing" }
  /** it could not be had */
  | { is: "unknown"; why: string };

export interface ObjectCache<T> {
  /** @returns undefined: it has to be asked for */
  get(key: string, nowMs: number): CachedAnswer<T> | undefined;
  /** @param forMs milliseconds that it holds */
  put(key: string, answer: CachedAnswer<T>, forMs: number, nowMs: number): void;
  readonly size: number;
}

/** @param maxEntries beyond, the one that was not asked for longest goes. nowMs may be of any clock that does not go back. */
export function createObjectCache<T>(maxEntries: number): ObjectCache<T> {
  const entries = new Map<string, { answer: CachedAnswer<T>; untilMs: number }>();
  return {
    get(key, nowMs) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      entries.delete(key);
      if (entry.untilMs <= nowMs) return undefined;
      // In the order of their last use.
      entries.set(key, entry);
      return entry.answer;
    },
    put(key, answer, forMs, nowMs) {
      for (const [oldest, { untilMs }] of entries) {
        if (untilMs > nowMs) break;
        entries.delete(oldest);
      }
      remember(entries, key, { answer, untilMs: nowMs + forMs }, maxEntries);
    },
    get size() {
      return entries.size;
    },
  };
}
