/** What was told of processes a moment ago: by /proc when their kill line came, by the tracepoint. Bounded. */

export interface Remembered<T> {
  add(pid: number, value: T, atMs: number): void;
  /** The latest of a process. */
  of(pid: number): T | undefined;
  /** Of what time the latest is, CLOCK_MONOTONIC in milliseconds. */
  atMsOf(pid: number): number | undefined;
  /** Those of a time, CLOCK_MONOTONIC in milliseconds. */
  between(afterMs: number, untilMs: number): { pid: number; value: T; atMs: number }[];
  remove(pid: number): void;
  /** Forgets what was passed in some time ago, whatever time it was of: who was stopped hears of much late. */
  forget(nowMs: number): void;
}

const KEPT_MS = 10_000;
const MAX_KEPT = 4096;

export function createRemembered<T>(): Remembered<T> {
  /** `sinceMs`: the first forget() after it came */
  const kept = new Map<number, { value: T; atMs: number; sinceMs?: number }>();

  return {
    add(pid, value, atMs) {
      kept.delete(pid);
      kept.set(pid, { value, atMs });
      const oldest = kept.size > MAX_KEPT ? kept.keys().next().value : undefined;
      if (oldest !== undefined) kept.delete(oldest);
    },
    of: (pid) => kept.get(pid)?.value,
    atMsOf: (pid) => kept.get(pid)?.atMs,
    between(afterMs, untilMs) {
      const found = [...kept].filter(([, { atMs }]) => atMs >= afterMs && atMs <= untilMs);
      return found.map(([pid, { value, atMs }]) => ({ pid, value, atMs }));
    },
    remove: (pid) => void kept.delete(pid),
    forget(nowMs) {
      for (const [pid, one] of kept) {
        one.sinceMs ??= nowMs;
        if (nowMs - one.sinceMs > KEPT_MS) kept.delete(pid);
      }
    },
  };
}
