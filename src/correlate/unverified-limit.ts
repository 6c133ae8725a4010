/**
 * A limit for records of kills that no count confirms: who can have the kernel print one forged line can have it print
 * thousands, and they must not take the outbox from real kills. A token bucket; what is left out is counted.
 */

/** Kill lines that no count confirms and that have no record of their own. CLOCK_MONOTONIC in milliseconds. */
export interface SuppressedKills {
  count: number;
  /** when the first and the last of them were left out */
  fromMs: number;
  untilMs: number;
}

/** What a restart begins with: the time of its clock is that of the same boot. */
export interface UnverifiedLimitState {
  tokens: number;
  atMs: number;
  suppressed?: SuppressedKills;
}

export interface UnverifiedLimit {
  /** @returns whether there may be a record of one more; it is counted as left out otherwise */
  take(nowMs: number): boolean;
  /** Those that were left out, once a minute at most. @param isLast nothing more comes: at once */
  suppressed(nowMs: number, isLast?: boolean): SuppressedKills | undefined;
  state(): UnverifiedLimitState;
}

/** A storm in which one line is forged puts the bare lines around it in doubt: most storms fit. */
const BURST = 100;
/**
 * A record with a whole report takes some 10 kB: at one in ten seconds the outbox's 64 MiB last for 18 hours without a
 * backend, and a hundred examples are there by then. More of them say nothing that their number does not.
 */
const REFILL_MS = 10_000;
const REPORT_MS = 60_000;

export function createUnverifiedLimit(startMs: number, restored?: UnverifiedLimitState): UnverifiedLimit {
  let tokens = restored?.tokens ?? BURST;
  let atMs = restored?.atMs ?? startMs;
  let left = restored?.suppressed;

  return {
    take(nowMs) {
      tokens = Math.min(BURST, tokens + Math.max(0, nowMs - atMs) / REFILL_MS);
      atMs = nowMs;
      if (tokens >= 1) {
        tokens--;
        return true;
      }
      left = { count: (left?.count ?? 0) + 1, fromMs: left?.fromMs ?? nowMs, untilMs: nowMs };
      return false;
    },
    suppressed(nowMs, isLast = false) {
      if (left === undefined || (!isLast && nowMs - left.fromMs < REPORT_MS)) return undefined;
      const taken = left;
      left = undefined;
      return taken;
    },
    state: () => ({ tokens, atMs, ...(left === undefined ? {} : { suppressed: left }) }),
  };
}
