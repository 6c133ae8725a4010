/** What one writes in a hurry: Node's readline and a regex; in JavaScript, so that no time goes into removing types. */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

const pids = [];
const lines = createInterface({ input: createReadStream(process.argv[2] ?? ""), crlfDelay: Number.POSITIVE_INFINITY });
for await (const line of lines) {
  const match = /Killed process (\d+)/.exec(line);
  if (match !== null) pids.push(match[1]);
}
process.stdout.write(`${pids.length}\n`);
