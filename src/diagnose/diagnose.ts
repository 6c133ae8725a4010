/** A kill, and what is known beside it → why it happened and what to do. */
import { advise } from "./advice/table.ts";
import { type Finding, isLimitHit, toScore } from "./causes/cause.ts";
import { isUsedByAnother } from "./causes/neighbour.ts";
import { CAUSES } from "./causes/table.ts";
import type { Cause, Diagnosis, Fact } from "./diagnosis.ts";
import { describeCircumstances } from "./facts.ts";
import { summarizeHistory } from "./history-summary.ts";
import { type Background, type Case, type CaseKill, toCase } from "./input.ts";

/** Below that the kill's cause is not known: what spoke for one is told as facts. */
const MIN_SCORE = 0.5;

/** Of a score, where no report says what the memory was filled with, nor how full it was. */
const UNREPORTED = 0.9;
/** … and nothing but how near it was says that its limit was hit at all. */
const LIKELY = 0.8;

/**
 * With the report alone it tells what filled the memory and which constraint was hit; how memory moved needs the
 * history, who was killed and what to change the names. What is not known makes the answer `unknown`, never a guess.
 */
export function diagnose(kill: CaseKill, known: Background = {}): Diagnosis {
  const one = toCase(kill, known);
  const { found, beside } = weigh(one);
  const isKnown = found !== undefined && found.score >= MIN_SCORE;
  const cause: Cause = isKnown ? found.cause : "unknown";
  const diagnosis: Diagnosis = {
    cause,
    facts: [...(found?.facts ?? []), ...beside, ...describeCircumstances(one, isKnown)],
    advice: advise(one, cause),
  };
  if (isKnown) diagnosis.confidence = found.score;
  const history = known.history?.own;
  const summary = history === undefined ? undefined : summarizeHistory(history, known.history?.killMs ?? 0, one.trend);
  if (summary !== undefined) diagnosis.history = summary;
  return diagnosis;
}

type Weighed = Finding & { cause: keyof typeof CAUSES };

/** What memory did over time, whatever it was that did. */
const MOVEMENTS: readonly Cause[] = ["leak", "spike", "limit_too_low"];
/** What the processes do not hold: how it moved is no question of theirs. */
const FILLED: readonly Cause[] = ["tmpfs", "kernel_memory"];

/**
 * The one that weighs most. Where another container used up what is shared, how the whole moved is that one's story;
 * where tmpfs or the kernel filled it, how it moved is told beside: a file that grows is no leak of the program's heap.
 */
function weigh(one: Case): { found: Weighed | undefined; beside: readonly Fact[] } {
  const weighed = (Object.keys(CAUSES) as (keyof typeof CAUSES)[]).flatMap((cause) => {
    const finding = CAUSES[cause](one);
    return finding === undefined ? [] : [{ cause, ...finding, score: toScore(finding.score * sureness(one)) }];
  });
  // The sort is stable: of equals the first in the table stays first.
  weighed.sort((a, b) => b.score - a.score);
  const filled = weighed.find(({ cause }) => FILLED.includes(cause));
  if (filled === undefined && !isUsedByAnother(one)) return { found: weighed[0], beside: [] };
  const [found] = weighed.filter(({ cause }) => !MOVEMENTS.includes(cause));
  const movement = weighed.find(({ cause }) => MOVEMENTS.includes(cause));
  return { found, beside: found === filled ? (movement?.facts ?? []) : [] };
}

/** What a limit's report would have confirmed. */
function sureness(one: Case): number {
  if (one.unreported === undefined || !isLimitHit(one)) return 1;
  return one.unreported === "likely" ? LIKELY : UNREPORTED;
}
