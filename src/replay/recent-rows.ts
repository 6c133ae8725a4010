/**
 * The last rows of numbers that were added, found again by a hash: in typed arrays that are allocated once, so that
 * however many rows come, nothing of them is garbage and nothing grows.
 */

export interface RecentRows {
  /**
   * Compares rows of the same hash, newest first.
   * @returns true where one of them is accepted
   */
  some(hash: number, accepts: (rows: Float64Array, offset: number) => boolean): boolean;
  /** Adds a row in place of the oldest where there is no room. @param hash 32 bits */
  add(hash: number, row: readonly number[]): void;
}

/**
 * Rows of one hash that are compared at most: real ones differ in their hash, so only input that was made up has more.
 * Without this bound the time for n rows of the same hash would be n².
 */
export const MAX_COMPARED = 256;

/** @param capacity rows that are kept. @param width numbers of a row */
export function createRecentRows(capacity: number, width: number): RecentRows {
  const rows = new Float64Array(capacity * width);
  /** of each row, the number of the row before it with the same bucket; rows are numbered from 1 */
  const previous = new Float64Array(capacity);
  const buckets = 2 ** Math.ceil(Math.log2(capacity));
  /** of each bucket, the number of its newest row; 0: none */
  const newest = new Float64Array(buckets);
  let count = 0;

  return {
    some(hash, accepts) {
      let row = newest[hash & (buckets - 1)] ?? 0;
      // A row that has been overwritten ends its bucket: those before it are older still.
      for (let compared = 0; row > count - capacity && row > 0 && compared < MAX_COMPARED; compared++) {
        const slot = row % capacity;
        if (accepts(rows, slot * width)) return true;
        row = previous[slot] ?? 0;
      }
      return false;
    },
    add(hash, row) {
      count++;
      const slot = count % capacity;
      const bucket = hash & (buckets - 1);
      rows.set(row, slot * width);
      previous[slot] = newest[bucket] ?? 0;
      newest[bucket] = count;
    },
  };
}
