/**
 * The stage itself: names kills by the pods of this node, follows what Kubernetes makes of them, and compares its word
 * with the kernel's. Pure: what is read comes in through it, and time is passed in.
 */
import { type CgroupIdentity, parseCgroupPath } from "../../parsers/cgroup/path.ts";
import type { Kill, UnloggedKill } from "../correlate/kill.ts";
import type { CounterReading } from "../sources/cgroup-counters.ts";
import { createEvictions } from "./evictions.ts";
import { createFalseKills, type FalseKill } from "./false-kills.ts";
import { createFollowUps, type FollowUp } from "./follow-ups.ts";
import { type Identify, identify, type NameSources } from "./identifier.ts";
import type { NodeFacts } from "./owned-objects.ts";
import type { PodFacts } from "./pod.ts";
import { createPodCache } from "./pod-cache.ts";
import { createRepeatCounter, type Repeats } from "./repeats.ts";
import type { Who } from "./who.ts";

export interface NamesOptions extends Omit<NameSources, "pods"> {
  /** since when kills are told, milliseconds since the Unix epoch */
  startWallMs: number;
  /** the pods are those that there are; else what seems to run on may have ended */
  isSynced(): boolean;
  /** the node as the API has it */
  node(): NodeFacts | undefined;
}

/** A kill that was told, with its record's UID. */
export interface NamedKill {
  kill: Kill | UnloggedKill;
  uid: string;
  who: Who | undefined;
  /** when it was, milliseconds since the Unix epoch; undefined: not known */
  atWallMs: number | undefined;
}

export interface Findings {
  followUps: readonly FollowUp[];
  falseKills: readonly FalseKill[];
  /** pods */
  evicted: readonly Who[];
}

/** Times are CLOCK_MONOTONIC in milliseconds, unless they say otherwise. */
export interface Names {
  identify: Identify;
  node(): NodeFacts | undefined;
  /** Counts a kill among those of its workload. */
  repeats(who: Who | undefined, killMs: number): Repeats | undefined;
  told(kill: NamedKill, nowMs: number): void;
  counter(reading: CounterReading): void;
  /** @returns how many of the items are no pods */
  replacePods(items: readonly unknown[], nowMs: number): number;
  /** @returns false where the object is no pod */
  changePod(type: "ADDED" | "MODIFIED" | "DELETED", item: unknown, nowMs: number): boolean;
  tick(nowMs: number): Findings;
  /** Nothing more comes: what is left is told as far as it is known. */
  flush(nowMs: number): Findings;
  /** how many are known */
  readonly size: { pods: number; deleted: number; containers: number };
}

export function createNames(options: NamesOptions): Names {
  const pods = createPodCache();
  const followUps = createFollowUps();
  const falseKills = createFalseKills(options.startWallMs);
  const evictions = createEvictions(options.startWallMs);
  const repeats = createRepeatCounter();
  let evicted: Who[] = [];
  const sources: NameSources = { ...options, pods };

  function onChange(pod: PodFacts, nowMs: number): void {
    followUps.change(pod);
    falseKills.change(pod, nowMs);
    const podUid = pod.uid;
    if (podUid === undefined || !evictions.change(pod)) return;
    const who = identify({ kind: "pod", podUid }, sources);
    if (who !== undefined) evicted.push(who);
  }

  function take(told: readonly FollowUp[], nowMs: number): Findings {
    const findings = { followUps: told.map(nameAgain), falseKills: falseKills.tick(nowMs), evicted };
    if (evicted.length > 0) evicted = [];
    return findings;
  }

  /** The API may have told of its owners since. */
  function nameAgain(found: FollowUp): FollowUp {
    const { owners } = identify({ kind: "container", containerId: found.containerId }, sources) ?? found.who;
    return { ...found, who: { ...found.who, owners } };
  }

  return {
    node: options.node,
    identify: (identity) => identify(identity, sources),
    repeats: repeats.add,
    told({ kill, uid, who, atWallMs }, nowMs) {
      falseKills.kill({ ...placesOf(kill), atMs: atWallMs ?? options.startWallMs });
      const containerId = who?.containerFacts?.id;
      if (who !== undefined && containerId !== undefined) {
        followUps.kill({ uid, containerId, who, pid1: kill.pid1 }, nowMs);
      }
    },
    counter({ cgroup, local, tree, why }) {
      const oomKill = (local ?? tree)?.oomKill;
      // What is read of one that is gone may be older than its last kill.
      if (oomKill === undefined || (why === "removed" && oomKill === 0)) return;
      for (const id of containersOf(parseCgroupPath(cgroup))) falseKills.counted(id, oomKill);
    },
    replacePods(items, nowMs) {
      const all = pods.replace(items, nowMs);
      for (const pod of all.pods) onChange(pod, nowMs);
      return all.unreadable;
    },
    changePod(type, item, nowMs) {
      const pod = pods.change(type, item, nowMs);
      if (pod !== undefined) onChange(pod, nowMs);
      return pod !== undefined;
    },
    tick: (nowMs) => take(followUps.tick(nowMs, options.isSynced()), nowMs),
    flush: (nowMs) => take(followUps.flush(nowMs), nowMs),
    get size() {
      return pods.size;
    },
  };
}

/** The container and those around it. */
function containersOf({ containerId, outerContainerIds = [] }: CgroupIdentity): string[] {
  return containerId === undefined ? [...outerContainerIds] : [containerId, ...outerContainerIds];
}

function placesOf({ identity, candidates }: Kill | UnloggedKill): { containerIds: string[]; isAnywhere: boolean } {
  const places = candidates?.map(parseCgroupPath) ?? [identity];
  return {
    containerIds: places.flatMap((place) => (place === undefined ? [] : containersOf(place))),
    isAnywhere: places.some((place) => place === undefined || isAboveContainers(place)),
  };
}

/** A pod's own cgroup, say: the victim was in it or in one of its containers. A unit's, or another's, is a place too. */
function isAboveContainers({ kind }: CgroupIdentity): boolean {
  return kind === "pod" || kind === "qos" || kind === "kubepods" || kind === "root";
}
