/** How often the same container of the same workload was killed on this node before. Pure: time is passed in. */
import { remember } from "./remember.ts";
import type { Who } from "./who.ts";

export interface Repeats {
  /** in the last ten minutes, this one included */
  recent: number;
  /** of this revision of the workload since the agent began, this one included: 1 is the first that it saw */
  ofRevision: number;
}

export interface RepeatCounter {
  /** Counts a kill of that time: what the log still held at the start is of before. @returns undefined where it has no names */
  add(who: Who | undefined, atMs: number): Repeats | undefined;
}

const RECENT_MS = 10 * 60_000;
/** Of one container; more are no longer told apart. */
const MAX_RECENT = 10_000;
/** Workloads, and revisions: names come from outside. */
const MAX_KEYS = 1024;

export function createRepeatCounter(): RepeatCounter {
  /** when, by workload and container; the one that was killed last at the end */
  const recent = new Map<string, number[]>();
  const revisions = new Map<string, number>();

  return {
    add(who, atMs) {
      if (who?.namespace === undefined || who.pod === undefined) return undefined;
      const owner = who.owners.at(-1);
      const workload = owner === undefined ? `Pod/${who.pod}` : `${owner.kind}/${owner.name}`;
      const key = `${who.namespace}/${workload}/${who.container ?? ""}`;
      const times = [...(recent.get(key) ?? []), atMs].filter((other) => atMs - other < RECENT_MS).slice(-MAX_RECENT);
      remember(recent, key, times, MAX_KEYS);
      const revision = `${key} ${revisionOf(who)}`;
      const ofRevision = (revisions.get(revision) ?? 0) + 1;
      remember(revisions, revision, ofRevision, MAX_KEYS);
      return { recent: times.length, ofRevision };
    },
  };
}

/** A template that only sets other limits is another revision of a Deployment; else the image is what tells them apart. */
function revisionOf({ podFacts, image }: Who): string {
  const { "pod-template-hash": hash, "controller-revision-hash": revision } = podFacts?.labels ?? {};
  return hash ?? revision ?? image?.digest ?? image?.tag ?? "";
}
