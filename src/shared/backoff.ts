/** How long to wait before something is tried again: longer each time, and never the same for two agents. */

export interface BackoffOptions {
  /** milliseconds after the first failure, default 1 s; doubles with each further one … */
  firstMs?: number;
  /** … up to this, default 1 minute */
  maxMs?: number;
  /** milliseconds where somebody has to mend a setting first, default 1 minute */
  blockedMs?: number;
  /** 0 up to but not 1 */
  random?: () => number;
}

export interface Backoff {
  /**
   * @param askedMs milliseconds that the other side asked for
   * @returns milliseconds to wait
   */
  afterFailure(askedMs?: number): number;
  /** @returns milliseconds to wait */
  afterBlock(): number;
  /** Something got through. */
  reset(): void;
}

/** Whatever is asked for: a server that says a year is wrong. */
const MAX_ASKED_MS = 3_600_000;
/** Of what was asked for, on top: agents that were told the same must not come back in the same instant. */
const ASKED_JITTER = 0.1;

export function createBackoff(options: BackoffOptions = {}): Backoff {
  const { firstMs = 1000, maxMs = 60_000, blockedMs = 60_000, random = Math.random } = options;
  let failures = 0;

  /** Half of it to all of it: a fleet that failed together spreads out. */
  const spread = (ms: number): number => ms * (0.5 + random() / 2);

  return {
    afterFailure(askedMs) {
      const ms = spread(Math.min(firstMs * 2 ** failures, maxMs));
      failures++;
      if (askedMs === undefined) return ms;
      return Math.max(ms, Math.min(askedMs, MAX_ASKED_MS) * (1 + random() * ASKED_JITTER));
    },
    afterBlock: () => spread(blockedMs),
    reset() {
      failures = 0;
    },
  };
}
