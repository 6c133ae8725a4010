/**
 * Keeps V8's heap near what is live: on a machine with much memory V8 lets garbage grow to hundreds of megabytes before
 * it collects any, since it takes the memory for its own.
 */
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

export interface SmallHeap {
  /** Collects garbage where much may have come since the last call: to be called after each piece of input. */
  check(): void;
}

/** Bytes that the heap grows, at least, between two collections: less takes time, more takes memory. */
const GROWTH_BYTES = 8 * 1024 * 1024;

/** Changes how V8 collects garbage in this process, from here on. */
export function keepHeapSmall(): SmallHeap {
  // The young generation stays as it is, a few megabytes, where it would grow to 64. --max-semi-space-size would say
  // so more plainly, but is read only at the start of the process.
  setFlagsFromString("--semi-space-growth-factor=1");
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  setFlagsFromString("--no-expose-gc");
  let limit = usedBytes() + GROWTH_BYTES;
  return {
    check() {
      if (usedBytes() < limit) return;
      collect();
      const live = usedBytes();
      // In proportion to what is live, so that collecting takes a bounded part of the time.
      limit = live + Math.max(GROWTH_BYTES, live / 4);
    },
  };
}

/** Of objects and of the buffers that they hold. */
function usedBytes(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}
