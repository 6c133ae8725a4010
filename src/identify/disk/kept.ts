/** What was learned of containers or pods: of those that live, and for a while of those that are gone. */

export interface Kept<T> {
  get(key: string): T | undefined;
  set(key: string, value: T): void;
  /** It is gone: what was learned of it is kept for a while. */
  leave(key: string, nowMs: number): void;
  /** Forgets what was gone for too long. */
  prune(nowMs: number): void;
}

/** @param max of both kinds together; the oldest go first, those that are gone before those that live */
export function createKept<T>({ max, keptMs }: { max: number; keptMs: number }): Kept<T> {
  const living = new Map<string, T>();
  const gone = new Map<string, { value: T; atMs: number }>();

  function bound(): void {
    while (living.size + gone.size > max) {
      const from = gone.size > 0 ? gone : living;
      from.delete(from.keys().next().value as string);
    }
  }

  function prune(nowMs: number): void {
    for (const [key, { atMs }] of gone) {
      if (nowMs - atMs <= keptMs) break;
      gone.delete(key);
    }
  }

  return {
    get: (key) => living.get(key) ?? gone.get(key)?.value,
    set(key, value) {
      gone.delete(key);
      living.set(key, value);
      bound();
    },
    prune,
    leave(key, nowMs) {
      prune(nowMs);
      const value = living.get(key);
      if (value === undefined) return;
      living.delete(key);
      gone.set(key, { value, atMs: nowMs });
    },
  };
}
