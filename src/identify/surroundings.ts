/** What is known around a kill beside who was killed: kills before it, the node, what scales its owner. */
import { known } from "../../parsers/loose-json.ts";
import type { Asked } from "./asked.ts";
import type { Autoscaler, AutoscalerOf } from "./autoscalers.ts";
import { type NodeFacts, nodeAt } from "./node.ts";
import { createRepeatCounter, isFirstOfRollout, type KillPlace, type Repeats } from "./repeats.ts";
import type { Who } from "./who.ts";

/** What the API was asked for and has not told, or not yet. */
export type MissingAnswer = "node" | "autoscaler" | "events";

/** Whatever is not known is absent. */
export interface Surroundings {
  repeats?: Repeats;
  /** it is the first of that revision of its workload on this node; absent: it is not, or that is not known */
  isFirstOfRollout?: true;
  /** as it was at the kill */
  node?: NodeFacts;
  /** what scales its owner, where something does */
  autoscaler?: Autoscaler;
  missing: readonly MissingAnswer[];
}

export interface SurroundingsOptions {
  /** since when kills are counted, milliseconds since the Unix epoch */
  startWallMs: number;
  /** the node as the API has it */
  node(): Asked<NodeFacts>;
  autoscalerOf?: AutoscalerOf;
}

export interface SurroundingsOf {
  /** Of a kill that is told now: it is counted. */
  of(place: KillPlace): Surroundings;
  /** What the API may have told since. @param repeats of the kill */
  later(who: Who, repeats: Repeats | undefined): Surroundings;
  tick(nowMs: number): void;
}

export function createSurroundings({ startWallMs, node, autoscalerOf }: SurroundingsOptions): SurroundingsOf {
  const counter = createRepeatCounter(startWallMs);

  function around(who: Who | undefined, repeats: Repeats | undefined, seen: Asked<NodeFacts>): Surroundings {
    const autoscaler = who === undefined ? undefined : autoscalerOf?.(who);
    const isFirst = who !== undefined && repeats !== undefined && isFirstOfRollout(repeats, who);
    const missing: MissingAnswer[] = [];
    if (seen === "unknown") missing.push("node");
    if (autoscaler === "unknown") missing.push("autoscaler");
    return known<Surroundings>({
      repeats,
      isFirstOfRollout: isFirst ? true : undefined,
      node: seen === "unknown" ? undefined : seen,
      autoscaler: typeof autoscaler === "string" ? undefined : autoscaler,
      missing,
    });
  }

  return {
    of(place) {
      const seen = node();
      const then = seen === undefined || seen === "unknown" ? seen : nodeAt(seen, place.atWallMs);
      return around(place.who, counter.add(place), then);
    },
    later: (who, repeats) => around(who, repeats, undefined),
    tick: counter.tick,
  };
}
