/** How often the same container of the same workload was killed on this node before. Pure: time is passed in. */
import type { CgroupIdentity } from "../../parsers/cgroup/path.ts";
import { createSeldom } from "../seldom.ts";
import { remember } from "./remember.ts";
import type { Who } from "./who.ts";

export interface KillPlace {
  who: Who | undefined;
  identity: CgroupIdentity | undefined;
  /** when it was: CLOCK_MONOTONIC in milliseconds */
  atMs: number;
  /** milliseconds since the Unix epoch; undefined: not known */
  atWallMs: number | undefined;
}

export interface Repeats {
  /** in the last ten minutes, this one included */
  recent: number;
  /** of this revision of the workload since the agent began, this one included: 1 is the first that it saw */
  ofRevision: number;
  /** since when none of it can have been missed, milliseconds since the Unix epoch; infinite: not known */
  countedSinceMs: number;
}

export interface RepeatCounter {
  /** Counts a kill of that time: what the log still held at the start is of before. @returns undefined where it has no names */
  add(place: KillPlace): Repeats | undefined;
  /** Forgets when workloads were killed that were not of late; how often stays. */
  tick(nowMs: number): void;
}

const RECENT_MS = 10 * 60_000;
/** Of one container; more are no longer told apart. */
const MAX_RECENT = 10_000;
/** Workloads, and revisions: names come from outside. */
const MAX_KEYS = 1024;

/** @param startWallMs milliseconds since the Unix epoch */
export function createRepeatCounter(startWallMs: number): RepeatCounter {
  /** when, by workload and container; the one that was killed last at the end */
  const recent = new Map<string, number[]>();
  const revisions = new Map<string, number>();
  const isTimeToForget = createSeldom();
  let countedSinceMs = startWallMs;

  return {
    tick(nowMs) {
      if (!isTimeToForget(nowMs)) return;
      for (const [key, times] of recent) {
        if (nowMs - (times.at(-1) ?? nowMs) < RECENT_MS) break;
        recent.delete(key);
      }
    },
    add({ who, identity, atMs, atWallMs = Number.POSITIVE_INFINITY }) {
      if (who?.namespace === undefined || who.pod === undefined) {
        // It may have been any workload's.
        if (mayBePods(identity, who)) countedSinceMs = Math.max(countedSinceMs, atWallMs);
        return undefined;
      }
      const owner = who.owners.at(-1);
      const workload = owner === undefined ? `Pod/${who.pod}` : `${owner.kind}/${owner.name}`;
      const key = `${who.namespace}/${workload}/${who.container ?? ""}`;
      const times = [...(recent.get(key) ?? []), atMs].filter((other) => atMs - other < RECENT_MS).slice(-MAX_RECENT);
      remember(recent, key, times, MAX_KEYS);
      const revision = `${key} ${revisionOf(who)}`;
      const sinceMs = countedSinceMs;
      const ofRevision = (revisions.get(revision) ?? 0) + 1;
      // The one that is forgotten for it may be killed again.
      if (ofRevision === 1 && revisions.size === MAX_KEYS) countedSinceMs = Math.max(countedSinceMs, atWallMs);
      remember(revisions, revision, ofRevision, MAX_KEYS);
      return { recent: times.length, ofRevision, countedSinceMs: sinceMs };
    },
  };
}

/**
 * Whether it is the first kill of its revision on this node: only where all kills since its ReplicaSet was made have been
 * counted, which the API's word about the ReplicaSet tells.
 */
export function isFirstOfRollout({ ofRevision, countedSinceMs }: Repeats, { owners }: Who): boolean {
  const createdMs = owners.find(({ kind }) => kind === "ReplicaSet")?.createdMs;
  return ofRevision === 1 && createdMs !== undefined && createdMs > countedSinceMs;
}

/** A unit's, or another runtime's container, is no pod's. */
function mayBePods(identity: CgroupIdentity | undefined, who: Who | undefined): boolean {
  if (identity === undefined || identity.podUid !== undefined) return true;
  return identity.containerId !== undefined && who === undefined;
}

/** A template that only sets other limits is another revision of a Deployment; else the image is what tells them apart. */
function revisionOf({ podFacts, image }: Who): string {
  const { "pod-template-hash": hash, "controller-revision-hash": revision } = podFacts?.labels ?? {};
  return hash ?? revision ?? image?.digest ?? image?.tag ?? "";
}
