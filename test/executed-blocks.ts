/**
 * How much work a function does, as a number that no other load on the machine changes: how often functions, loop
 * bodies and branches of the program's own sources were entered. Work inside built-in functions is not counted, calls
 * that they make are.
 */
import { Session } from "node:inspector/promises";

const OWN_SOURCE = /\/(?:src|parsers)\/[\w/-]+\.ts/;

const session = new Session();
session.connect();
await session.post("Profiler.enable");
// Never stopped: what was compiled or optimized in between would not be counted.
await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });

export async function countExecutedBlocks(run: () => unknown): Promise<number> {
  await session.post("Profiler.takePreciseCoverage");
  await run();
  const { result } = await session.post("Profiler.takePreciseCoverage");
  let blocks = 0;
  for (const { url, functions } of result) {
    if (!OWN_SOURCE.test(url)) continue;
    for (const { ranges } of functions) for (const { count } of ranges) blocks += count;
  }
  return blocks;
}
