/** SIGKILL at any instant: what was committed is there, once, and agrees with the state that was saved with it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { cleanUp, makeDirectory, openTestOutbox, range, waiting } from "../../outbox-fixture.ts";

afterEach(cleanUp);

const ROUNDS = 120;
const CHILD = fileURLToPath(new URL("../../outbox-crash-child.ts", import.meta.url));

interface Told {
  /** everything below it was committed */
  committed: number;
  /** a batch each, in order */
  delivered: number[][];
  others: string[];
}

/** Lets a child work on the directory, and kills it at a random instant after its first commit. */
async function runAndKill(directory: string): Promise<Told> {
  const told: Told = { committed: 0, delivered: [], others: [] };
  const child = spawn(process.execPath, [CHILD, directory], { stdio: ["ignore", "pipe", "pipe"] });
  child.stderr.on("data", (chunk) => told.others.push(String(chunk)));
  const lines = createInterface({ input: child.stdout });
  const closed = once(lines, "close");
  lines.on("line", (line) => {
    const [what, value = ""] = line.split(" ");
    if (what === "committed") told.committed = Number(value);
    else if (what === "delivered") told.delivered.push(value.split(",").filter(Boolean).map(Number));
    else told.others.push(line);
  });
  await once(lines, "line");
  await setTimeout(Math.random() * 25);
  child.kill("SIGKILL");
  await closed;
  return told;
}

test(`${ROUNDS} times: nothing committed is missing, nothing is there twice, the state agrees`, {
  timeout: 180_000,
}, async () => {
  const directory = makeDirectory();
  const delivered = new Set<number>();
  let lastPosition = 0;
  /** delivered when it was killed, and perhaps not noted: these may go out again */
  let undone = new Set<number>();
  for (let round = 0; round < ROUNDS; round++) {
    const told = await runAndKill(directory);
    expect(told.others).toEqual([]);
    for (const number of told.delivered.flat()) delivered.add(number);

    const outbox = openTestOutbox(directory);
    const position = outbox.restored?.position ?? 0;
    const kept = waiting(outbox);
    const size = outbox.size.records;
    outbox.close();

    expect(outbox.troubles).toEqual([]);
    // What returned is saved; what was under way may be too.
    expect(position).toBeGreaterThanOrEqual(told.committed);
    expect(position - told.committed).toBeLessThanOrEqual(3);
    // In order, each once, up to the state exactly.
    expect(kept).toEqual([...new Set(kept)].toSorted((a, b) => a - b));
    expect(size).toBe(kept.length);
    const all = new Set([...delivered, ...kept]);
    expect(all.size).toBe(position);
    expect(range(0, position).every((number) => all.has(number))).toBe(true);
    expect(position).toBeGreaterThan(lastPosition);
    lastPosition = position;
    for (const number of told.delivered.at(-1) ?? []) undone.add(number);
    const again = kept.filter((number) => delivered.has(number));
    expect(again.filter((number) => !undone.has(number))).toEqual([]);
    undone = new Set(again);
  }
});
