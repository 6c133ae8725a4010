/** How often the diagnosis is right: lives of known cause, made with noise, and what is said of each. */
import { diagnose } from "../../src/diagnose/diagnose.ts";
import type { Cause } from "../../src/diagnose/diagnosis.ts";
import { SHAPES, tellStory } from "../../test/memory-stories.ts";
import { createRandom } from "../random.ts";
import { formatTable } from "../table.ts";

const EACH = 300;
const SEED = 20_261_125;

const random = createRandom(SEED);
const told: { name: string; cause: Cause; said: Cause; confidence: number }[] = [];
for (const name of Object.keys(SHAPES)) {
  for (let one = 0; one < EACH; one++) {
    const { cause, kill, history } = tellStory(name, () => random.below(2 ** 32) / 2 ** 32);
    const { cause: said, confidence = 0 } = diagnose(kill, { history });
    told.push({ name, cause, said, confidence });
  }
}

const said = [...new Set(told.map((one) => one.said))].sort();
const byStory = Object.keys(SHAPES).map((name) => {
  const own = told.filter((one) => one.name === name);
  return [name, own[0]?.cause ?? "", ...said.map((cause) => String(own.filter((one) => one.said === cause).length))];
});
const byCause = said.map((cause) => {
  const [as, is] = [told.filter((one) => one.said === cause), told.filter((one) => one.cause === cause)];
  const right = as.filter((one) => one.cause === cause).length;
  const confidence = as.reduce((sum, one) => sum + one.confidence, 0) / as.length;
  return [cause, share(right, as.length), share(right, is.length), cause === "unknown" ? "" : confidence.toFixed(2)];
});
process.stdout.write(`${EACH} lives of each kind, seed ${SEED}; what is said of them:\n\n`);
process.stdout.write(`${formatTable([["made as", "cause", ...said], ...byStory])}\n`);
process.stdout.write(formatTable([["", "precision", "recall", "confidence"], ...byCause]));

function share(part: number, whole: number): string {
  return whole === 0 ? "" : `${((part / whole) * 100).toFixed(1)} %`;
}
