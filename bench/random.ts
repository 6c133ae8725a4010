/** Numbers that look random and are the same in every run. */

export interface Random {
  /** a whole number from 0 to below `limit`, at most 2^32 */
  below(limit: number): number;
  pick<T>(items: readonly T[]): T;
  /** @param digits at most 8 */
  hex(digits: number): string;
}

/** mulberry32: 32 bits of state are enough for noise. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;

  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  function below(limit: number): number {
    return Math.floor((next() / 2 ** 32) * limit);
  }

  return {
    below,
    pick: <T>(items: readonly T[]) => items[below(items.length)] as T,
    hex: (digits) =>
      below(16 ** digits)
        .toString(16)
        .padStart(digits, "0"),
  };
}
