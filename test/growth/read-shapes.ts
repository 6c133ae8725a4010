/** `node read-shapes.ts SIZE …`: reads every shape at every size and prints the steps of each as JSON. */
import { countSteps } from "./count-steps.ts";
import { SHAPES } from "./shapes.ts";

const { createCaptureReader } = await import("../../parsers/captures/reader.ts");
const { createOomAssembler } = await import("../../parsers/oom/assemble.ts");

const PARSERS = new URL("../../parsers/", import.meta.url).href;
const sizes = process.argv.slice(2).map(Number);

function read(bytes: Buffer, chunk: number, skim: boolean): void {
  const assembler = createOomAssembler();
  const reader = createCaptureReader({
    context: { year: 2026, timezone: undefined, referenceUs: undefined },
    onRecord: (record, atMs) => assembler.push(record, atMs),
    isIdle: () => assembler.idle,
    skim,
  });
  for (let at = 0; at < bytes.length; at += chunk) reader.push(bytes.subarray(at, at + chunk));
  reader.end();
  assembler.flush();
}

const results = SHAPES.map(({ name, make, chunk = 64 * 1024 }) => {
  const steps = (size: number) => {
    const bytes = make(size);
    return countSteps(() => {
      for (const skim of [true, false]) read(bytes, chunk, skim);
    }, PARSERS);
  };
  // What is loaded or made once belongs to no size.
  steps(8 * 1024);
  return { name, steps: sizes.map(steps) };
});
process.stdout.write(JSON.stringify(results));
