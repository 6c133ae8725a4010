/** Writes more into the kernel's log than it holds. */
import { closeSync, openSync, writeSync } from "node:fs";

export function flood(lines: number): void {
  const fd = openSync("/dev/kmsg", "w");
  for (let line = 0; line < lines; line++) writeSync(fd, `<14>oomscribe-test flood ${line} ${"x".repeat(60)}\n`);
  closeSync(fd);
}
