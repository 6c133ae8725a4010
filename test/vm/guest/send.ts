/** Sends values to the host, a line of JSON each, by the second serial port. */
import { openSync, writeSync } from "node:fs";

let port: number | undefined;

export function send(value: unknown): void {
  port ??= openSync("/dev/ttyS1", "w");
  const bytes = Buffer.from(`${JSON.stringify(value)}\n`);
  for (let sent = 0; sent < bytes.length; ) sent += writeSync(port, bytes, sent);
}
