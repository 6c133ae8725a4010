/** How much memory to give: from what was seen, with stated headroom, rounded up to what a person would write. */

import type { Cause } from "../diagnosis.ts";
import type { Case } from "../input.ts";

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

/**
 * Times the most that was seen. What ran into its limit wanted more, and nobody knows how much: half as much again is
 * tried, and enough for most. Of a leak no limit is enough: a quarter more buys time to look.
 */
const HEADROOM: Readonly<Partial<Record<Cause, number>>> = {
  limit_too_low: 1.5,
  spike: 1.5,
  page_cache: 1.5,
  tmpfs: 1.5,
  kernel_memory: 1.5,
  neighbour: 1.5,
  unknown: 1.5,
  leak: 1.25,
};

/** Bytes; undefined: no limit was hit, or which one is not known. */
export function suggestLimit({ use, trend }: Case, cause: Cause): number | undefined {
  const headroom = HEADROOM[cause];
  if (headroom === undefined || use.whole === undefined) return undefined;
  return roundUp(Math.max(use.whole, trend?.peak ?? 0) * headroom);
}

/** To about a tenth: 1 MiB of what is tiny, 16 MiB up to 256 MiB, 32 MiB up to 1 GiB, 128 MiB up to 8 GiB, 1 GiB. */
function roundUp(bytes: number): number {
  const step =
    bytes < 64 * MIB ? MIB : bytes < 256 * MIB ? 16 * MIB : bytes < GIB ? 32 * MIB : bytes < 8 * GIB ? 128 * MIB : GIB;
  return Math.ceil(bytes / step) * step;
}

/** As Kubernetes writes it: `768Mi`, `2Gi`. */
export function toQuantity(bytes: number): string {
  return bytes % GIB === 0 ? `${bytes / GIB}Gi` : `${toMebibytes(bytes)}Mi`;
}

export function toMebibytes(bytes: number): number {
  return Math.max(1, Math.floor(bytes / MIB));
}
