/** How long the node has been up, the time that it was suspended included. */
import { readText } from "./host-files.ts";
import { monotonicMs } from "./monotonic.ts";

/** CLOCK_BOOTTIME in milliseconds, which Node has no function for; CLOCK_MONOTONIC where /proc does not tell. */
export function readUptimeMs(): number {
  const seconds = Number.parseFloat(readText("/proc/uptime") ?? "");
  return Number.isFinite(seconds) ? seconds * 1000 : monotonicMs();
}
