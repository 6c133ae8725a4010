/** Which boot of the kernel this is. */
import { readFileSync } from "node:fs";

/** 32 hex digits, another one after each boot; undefined where /proc does not tell. */
export function readBootId(): string | undefined {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim().replaceAll("-", "");
  } catch {
    return undefined;
  }
}
