/** Which boot of the kernel this is. */
import { readText } from "./host.ts";

/** 32 hex digits, another one after each boot; undefined where /proc does not tell. */
export function readBootId(): string | undefined {
  return readText("/proc/sys/kernel/random/boot_id")?.trim().replaceAll("-", "");
}
