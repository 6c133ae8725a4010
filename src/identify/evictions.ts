/** Pods that the kubelet has evicted, once each: told where the pod was seen before, or is younger than the agent. */
import type { PodFacts } from "./pod.ts";
import { remember } from "./remember.ts";

export interface Evictions {
  /** How a pod is now. @returns true: it has been evicted, and that is news */
  change(pod: PodFacts): boolean;
}

const MAX_PODS = 4096;

/** @param startMs milliseconds since the Unix epoch: what was evicted before is not told */
export function createEvictions(startMs: number): Evictions {
  /** whether it is told, by UID; the one that changed last at the end */
  const seen = new Map<string, boolean>();
  return {
    change({ uid, reason, createdMs, isGone }) {
      if (uid === undefined) return false;
      const isEvicted = reason === "Evicted";
      const known = seen.get(uid);
      if (isGone) seen.delete(uid);
      else remember(seen, uid, isEvicted, MAX_PODS);
      return isEvicted && (known === false || (known === undefined && (createdMs ?? 0) > startMs));
    },
  };
}
