/** All clocks of this process as one that only moves when it is told to. To be imported before whatever reads them. */

const EPOCH_MS = Date.UTC(2026, 0, 1);
let atMs = 1_000_000;

export function nowMs(): number {
  return atMs;
}

export function move(byMs: number): void {
  atMs += byMs;
}

process.hrtime.bigint = () => BigInt(Math.round(atMs * 1e6));
performance.now = () => atMs;
Date.now = () => EPOCH_MS + atMs;
