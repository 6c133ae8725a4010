/**
 * When the node came under MemoryPressure and when that was over, once each. Pure: what is seen of the node is passed in.
 *
 * A condition that was Unknown in between (the kubelet was away) has another transition time, so that a new time alone
 * proves no pressure that was missed.
 */
import { known } from "../../../parsers/loose-json.ts";
import type { MemoryPressure, NodeFacts } from "./node.ts";

/** A change of the condition MemoryPressure, and the node with it. */
export interface PressureChange {
  pressure: MemoryPressure;
  node: NodeFacts;
  /** of one that is over: when it began, milliseconds since the Unix epoch; absent: not seen */
  beganMs?: number;
}

/** What was seen last: goes on over restarts. */
export interface PressureSeen {
  nodeUid?: string;
  isTrue: boolean;
  /** milliseconds since the Unix epoch */
  sinceMs: number;
}

export interface MemoryPressureWatch {
  /** The node as it is now. @returns undefined: nothing new */
  see(node: NodeFacts): PressureChange | undefined;
  readonly seen: PressureSeen | undefined;
}

/** @param restored of the last run: what it has told is not told again */
export function createMemoryPressureWatch(restored?: PressureSeen): MemoryPressureWatch {
  let seen = restored;
  return {
    see(node) {
      const { memoryPressure: pressure, uid } = node;
      if (pressure === undefined) return undefined;
      const before = seen?.nodeUid === uid ? seen : undefined;
      // An API server that lags behind another shows what was.
      if (before !== undefined && pressure.sinceMs < before.sinceMs) return undefined;
      seen = known<PressureSeen>({ nodeUid: uid, isTrue: pressure.isTrue, sinceMs: pressure.sinceMs });
      if (pressure.isTrue)
        return before?.isTrue && before.sinceMs === pressure.sinceMs ? undefined : { pressure, node };
      return before?.isTrue ? { pressure, node, beganMs: before.sinceMs } : undefined;
    },
    get seen() {
      return seen;
    },
  };
}
