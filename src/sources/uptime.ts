/** How long the node has been up, the time that it was suspended included. */
import { readText } from "./host-files.ts";
import { monotonicMs } from "./monotonic.ts";

/** After that, a time in which the node was suspended is looked for again. */
const READ_MS = 10_000;

/**
 * A clock of CLOCK_BOOTTIME in milliseconds, which Node has no function for: CLOCK_MONOTONIC, and what /proc/uptime has
 * more, read every ten seconds at most. CLOCK_MONOTONIC alone where /proc does not tell.
 */
export function createUptimeClock(
  readUptime: () => string | undefined = () => readText("/proc/uptime"),
  monotonic: () => number = monotonicMs,
): () => number {
  let suspendedMs = 0;
  let readMs = Number.NEGATIVE_INFINITY;
  return () => {
    const nowMs = monotonic();
    if (nowMs - readMs >= READ_MS) {
      readMs = nowMs;
      const upMs = Number.parseFloat(readUptime() ?? "") * 1000;
      if (Number.isFinite(upMs)) suspendedMs = upMs - nowMs;
    }
    return nowMs + suspendedMs;
  };
}
