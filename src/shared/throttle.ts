/** When all that is held is gone through for what may be forgotten: that takes longer than anything else of an idle tick. */

const EVERY_MS = 10_000;

/** @returns whether it is time, which it is every ten seconds; the first time at once */
export function createSeldom(): (nowMs: number) => boolean {
  let lastMs = Number.NEGATIVE_INFINITY;
  return (nowMs) => {
    if (nowMs - lastMs < EVERY_MS) return false;
    lastMs = nowMs;
    return true;
  };
}
