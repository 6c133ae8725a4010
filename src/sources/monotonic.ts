/** CLOCK_MONOTONIC in milliseconds: what process.hrtime is on Linux. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
