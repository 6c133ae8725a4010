/** Who is compared: two ways that people search a log for kills by themselves, and `oomscribe replay`. */
import { fileURLToPath } from "node:url";

export interface Contender {
  name: string;
  /** what it knows of a kill afterwards */
  finds: string;
  command(path: string): [program: string, ...args: string[]];
  /** what is done with its output while it is timed: grep, told to print to /dev/null, stops at the first line */
  output: "null" | "pipe";
  /** reads the number of kills from what it prints */
  countKills(output: AsyncIterable<Buffer>): Promise<number>;
}

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export const CONTENDERS: readonly Contender[] = [
  {
    name: "grep -c 'Killed process'",
    finds: "how many",
    command: (path) => ["grep", "-c", "Killed process", path],
    output: "pipe",
    countKills: readNumber,
  },
  {
    name: "readline and a regex in Node",
    finds: "pid",
    command: (path) => [process.execPath, here("readline-loop.mjs"), path],
    output: "pipe",
    countKills: readNumber,
  },
  {
    name: "oomscribe replay --output ndjson",
    finds: "every field",
    command: (path) => [process.execPath, here("../../dist/oomscribe.mjs"), "replay", "--output", "ndjson", path],
    output: "null",
    countKills: countRecords,
  },
];

async function readNumber(output: AsyncIterable<Buffer>): Promise<number> {
  let text = "";
  for await (const chunk of output) text += chunk.toString();
  return Number(text);
}

/** How many lines: in these captures each record is a kill's. */
export async function countRecords(output: AsyncIterable<Buffer>): Promise<number> {
  let records = 0;
  for await (const chunk of output) {
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) records++;
  }
  return records;
}
