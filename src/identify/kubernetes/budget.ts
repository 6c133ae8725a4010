/** How many requests may be made: some at once, and then so many a second. */

export interface Budget {
  /** @param nowMs of a clock that does not go back. @returns false: none now */
  take(nowMs: number): boolean;
}

export function createBudget({ burst, perSecond }: { burst: number; perSecond: number }): Budget {
  let left = burst;
  let atMs: number | undefined;
  return {
    take(nowMs) {
      left = Math.min(left + ((nowMs - (atMs ?? nowMs)) / 1000) * perSecond, burst);
      atMs = nowMs;
      if (left < 1) return false;
      left--;
      return true;
    },
  };
}
