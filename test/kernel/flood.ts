/** Writes lines into the kernel's log: `flood.ts <lines> <lines per millisecond>`. */
import { openSync, writeSync } from "node:fs";

const lines = Number(process.argv[2]);
const perMs = Number(process.argv[3]);
const fd = openSync("/dev/kmsg", "w");
const startMs = performance.now();

for (let line = 0; line < lines; line++) {
  while (line > (performance.now() - startMs + 1) * perMs);
  writeSync(fd, `<14>oomscribe-test flood ${line} ${"x".repeat(60)}\n`);
}
