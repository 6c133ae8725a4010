/** A limit that is too low: what the program holds is steady, and does not fit. */

import type { Fact } from "../diagnosis.ts";
import type { Case } from "../input.ts";
import { type Finding, isLimitHit, toScore } from "./cause.ts";

/** Of the limit, over the whole plateau: more is growth. */
const FLAT = 0.12;
/** Nobody is steady in less. */
const MIN_SECONDS = 5;
/** A plateau of five minutes is one, whatever comes. */
const LONG_SECONDS = 300;
/** Of the limit: with so little page cache left every page of program text is read again and again. */
const SQUEEZED = 0.05;
/** The page cache that came back as often as the whole limit was thrown out while it was in use. */
const THRASHED = 1;
/** Percent of the time that tasks waited for memory. */
const PRESSED = 10;
/** It did not get through its start: the JVM and what loads a model take as long. */
const START_SECONDS = 60;

export function weighLimitTooLow(one: Case): Finding | undefined {
  if (!isLimitHit(one)) return undefined;
  const found = [weighPlateau(one), weighStart(one), weighThrashing(one)].filter((finding) => finding !== undefined);
  if (found.length === 0) return undefined;
  const best = Math.max(...found.map(({ score }) => score));
  // What agrees adds a little.
  return { score: toScore(best + 0.05 * (found.length - 1)), facts: found.flatMap(({ facts }) => facts) };
}

function weighPlateau({ trend }: Case): Finding | undefined {
  const plateau = trend?.plateau;
  if (trend === undefined || plateau === undefined || plateau.seconds < MIN_SECONDS) return undefined;
  if (Math.abs(plateau.line.growth) > FLAT * trend.limit) return undefined;
  const facts: Fact[] = [
    {
      says: "for {seconds} before the kill it held about {held} of its limit of {limit}, steadily",
      figures: {
        seconds: { seconds: plateau.seconds },
        held: { bytes: plateau.held },
        limit: { bytes: trend.limit },
      },
      source: "history",
    },
  ];
  const { cache, pressure } = trend;
  const isSqueezed = cache !== undefined && cache <= SQUEEZED * trend.limit;
  if (isSqueezed) {
    facts.push({
      says: "page cache was squeezed out: {last} of it was left",
      figures: { last: { bytes: cache } },
      source: "history",
    });
  }
  const isPressed = pressure !== undefined && pressure >= PRESSED;
  if (isPressed) {
    facts.push({
      says: "its tasks waited for memory {pressure} of the last seconds",
      figures: { pressure: { percent: pressure } },
      source: "history",
    });
  }
  const length = Math.min(1, plateau.seconds / LONG_SECONDS);
  return { score: 0.6 + 0.15 * length + (isSqueezed ? 0.1 : 0) + (isPressed ? 0.1 : 0), facts };
}

/** Killed in its start, and not for the first time. */
function weighStart({ who, ageSeconds }: Case): Finding | undefined {
  const container = who?.containerFacts;
  if (ageSeconds === undefined || ageSeconds > START_SECONDS || container?.lastState?.reason !== "OOMKilled")
    return undefined;
  const restarts = container.restarts ?? 1;
  return {
    score: restarts > 2 ? 0.8 : 0.7,
    facts: [
      {
        says: "it was killed {age} after its start, as it was before: it has been restarted {restarts}",
        figures: { age: { seconds: ageSeconds }, restarts: { count: restarts } },
        source: "kubernetes",
      },
    ],
  };
}

function weighThrashing({ use }: Case): Finding | undefined {
  const { refaulted, whole } = use;
  if (refaulted === undefined || whole === undefined || whole === 0 || refaulted < THRASHED * whole) return undefined;
  return {
    score: 0.55,
    facts: [
      {
        says: "page cache that was in use was thrown out and read again, {refaulted} in all: the limit had been too small for long",
        figures: { refaulted: { bytes: refaulted } },
        source: "report",
      },
    ],
  };
}
