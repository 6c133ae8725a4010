/**
 * How fast `oomscribe replay` is beside grep and a loop of one's own, and how much memory it takes:
 * `npm run bench:replay`.
 */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { buildProgram } from "../../scripts/build.ts";
import { succeed, timeProcess, watchPeakMemory } from "../process.ts";
import { formatTable } from "../table.ts";
import { CONTENDERS, type Contender } from "./contenders.ts";
import { CAPTURES, provideCapture } from "./data.ts";

const RUNS = 3;
/** Measured: about 100 MB of each. */
const MAX_PEAK_BYTES = 140e6;

await buildProgram(fileURLToPath(new URL("../../dist/oomscribe.mjs", import.meta.url)));
await compare("noise", "kernel noise, a report every 2,000 lines");
await compare("reports", "nothing but reports");
await measureMemory();

async function compare(name: keyof typeof CAPTURES, what: string): Promise<void> {
  const path = await provideCapture(name);
  // Not measured: it fills the page cache, too.
  const kills: number[] = [];
  for (const contender of CONTENDERS) kills.push(await countKills(contender, path));
  const seconds = CONTENDERS.map((): number[] => []);
  // By turns, so that whatever else the machine does meets all of them.
  for (let run = 0; run < RUNS; run++) {
    for (const [at, { command, output }] of CONTENDERS.entries()) {
      seconds[at]?.push(await timeProcess(command(path), output));
    }
  }
  const medians = seconds.map(median);
  const rows = CONTENDERS.map((contender, at) => [
    contender.name,
    contender.finds,
    String(kills[at]),
    `${medians[at]?.toFixed(2)} s`,
    ...medians.slice(0, 2).map((base) => `${((medians[at] ?? 0) / base).toFixed(1)}×`),
  ]);
  say(`\n${sizeOf(name)} of ${what}, median of ${RUNS} runs:\n\n`);
  say(formatTable([["", "finds", "kills", "time", "of grep", "of readline"], ...rows]));
  if (new Set(kills).size > 1) throw new Error(`not the same number of kills: ${kills.join(", ")}`);
}

async function countKills({ name, command, countKills: count }: Contender, path: string): Promise<number> {
  const [program, ...args] = command(path);
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [kills] = await Promise.all([count(child.stdout), succeed(child, name)]);
  return kills;
}

async function measureMemory(): Promise<void> {
  const rows = [["", "peak memory"]];
  let peak = 0;
  for (const name of ["noise", "reports", "large"] as const) {
    const [program, ...args] = CONTENDERS.at(-1)?.command(await provideCapture(name)) ?? [""];
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "inherit"] });
    const [own] = await Promise.all([watchPeakMemory(child), succeed(child, program)]);
    rows.push([`${sizeOf(name)} (${name})`, `${(own / 1e6).toFixed(0)} MB`]);
    peak = Math.max(peak, own);
  }
  say(`\nPeak resident set of oomscribe replay:\n\n${formatTable(rows)}`);
  if (peak > MAX_PEAK_BYTES) throw new Error(`more than ${MAX_PEAK_BYTES / 1e6} MB of memory`);
}

function sizeOf(name: keyof typeof CAPTURES): string {
  return `${CAPTURES[name].bytes / 1e6} MB`;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function say(text: string): void {
  process.stdout.write(text);
}
