/**
 * A difference between counts that lasts: counts are not read at one instant, and the one above moves first as a rule,
 * so that a difference is taken for kills only when at least so many have stayed all the time.
 */

export interface Lasting {
  /** @returns by how much the difference has not been less for long enough, and since when: then it begins anew */
  update(difference: number, nowMs: number): { count: number; sinceMs: number } | undefined;
  /** since when there has been a difference; undefined: there is none */
  readonly sinceMs: number | undefined;
}

export function createLasting(lastingMs: number): Lasting {
  let least = 0;
  let sinceMs: number | undefined;

  return {
    update(difference, nowMs) {
      if (difference <= 0) {
        sinceMs = undefined;
        return undefined;
      }
      if (sinceMs === undefined) {
        sinceMs = nowMs;
        least = difference;
      }
      least = Math.min(least, difference);
      if (nowMs - sinceMs < lastingMs) return undefined;
      const lasted = { count: least, sinceMs };
      // What is left has come since.
      least = difference - least;
      sinceMs = least > 0 ? nowMs : undefined;
      return lasted;
    },
    get sinceMs() {
      return sinceMs;
    },
  };
}
