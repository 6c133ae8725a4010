/** A kill, and what is known beside it → why it happened and what to do. */
import type { Kill } from "../correlate/kill.ts";
import { advise } from "./advice/table.ts";
import { type Background, toCase } from "./case.ts";
import { CAUSES } from "./causes/table.ts";
import { describeCircumstances } from "./circumstances.ts";
import type { Cause, Diagnosis } from "./diagnosis.ts";
import { summarizeHistory } from "./history-summary.ts";

/** Below that the kill's cause is not known: what spoke for one is told as facts. */
const MIN_SCORE = 0.5;

/**
 * With the report alone it tells what filled the memory and which constraint was hit; how memory moved needs the
 * history, who was killed and what to change the names. What is not known makes the answer `unknown`, never a guess.
 */
export function diagnose(kill: Kill, known: Background = {}): Diagnosis {
  const one = toCase(kill, known);
  const weighed = (Object.keys(CAUSES) as (keyof typeof CAUSES)[]).flatMap((cause) => {
    const finding = CAUSES[cause](one);
    return finding === undefined ? [] : [{ cause, ...finding }];
  });
  // The sort is stable: of equals the first in the table stays first.
  const [best] = weighed.sort((a, b) => b.score - a.score);
  const isKnown = best !== undefined && best.score >= MIN_SCORE;
  const cause: Cause = isKnown ? best.cause : "unknown";
  const diagnosis: Diagnosis = {
    cause,
    facts: [...(best?.facts ?? []), ...describeCircumstances(one, isKnown)],
    advice: advise(one, cause),
  };
  if (isKnown) diagnosis.confidence = best.score;
  const history = known.history?.own;
  const summary = history === undefined ? undefined : summarizeHistory(history, known.history?.killMs ?? 0, one.trend);
  if (summary !== undefined) diagnosis.history = summary;
  return diagnosis;
}
