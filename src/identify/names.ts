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
import { createMemoryPressureWatch, type PressureChange, type PressureSeen } from "./memory-pressure.ts";
import type { NodeFacts } from "./node.ts";
import type { PodFacts } from "./pod.ts";
import { createPodCache } from "./pod-cache.ts";
import type { PodEventsOf } from "./pod-events.ts";
import type { KillPlace, Repeats } from "./repeats.ts";
import { createSurroundings, type Surroundings, type SurroundingsOptions } from "./surroundings.ts";
import type { UnscheduledOf } from "./unscheduled.ts";
import type { Who } from "./who.ts";

export interface NamesOptions extends Omit<NameSources, "pods">, SurroundingsOptions {
  /** the pods are those that there are; else what seems to run on may have ended */
  isSynced(): boolean;
  eventsOf?: PodEventsOf;
  unscheduledOf?: UnscheduledOf;
  /** Something happened that the node's conditions may tell of. */
  hintNode(): void;
  /** of the last run */
  pressure?: PressureSeen | undefined;
}

/** A kill that was told, with its record's UID. */
export interface NamedKill {
  kill: Kill | UnloggedKill;
  uid: string;
  who: Who | undefined;
  /** when it was, milliseconds since the Unix epoch; undefined: not known */
  atWallMs: number | undefined;
  repeats?: Repeats | undefined;
}

/** With what was known around it by then. */
export interface NamedFollowUp extends FollowUp {
  around: Surroundings;
  /** what Kubernetes has noted of the pod, the newest first */
  events?: readonly string[];
  /** what the scheduler has noted of pods of the same workload, where the pod is gone */
  unscheduled?: readonly string[];
}

export interface Findings {
  followUps: readonly NamedFollowUp[];
  falseKills: readonly FalseKill[];
  /** pods */
  evicted: readonly Who[];
  /** of the node's MemoryPressure */
  pressure: readonly PressureChange[];
}

/** Lists, or why there is none. */
interface EventAnswers {
  events: ReturnType<PodEventsOf>;
  unscheduled: ReturnType<UnscheduledOf>;
}

/** Times are CLOCK_MONOTONIC in milliseconds, unless they say otherwise. */
export interface Names {
  identify: Identify;
  /** What is known around a kill that is told now. */
  around(place: KillPlace): Surroundings;
  told(kill: NamedKill, nowMs: number): void;
  counter(reading: CounterReading): void;
  /** @returns how many of the items are no pods */
  replacePods(items: readonly unknown[], nowMs: number): number;
  /** @returns false where the object is no pod */
  changePod(type: "ADDED" | "MODIFIED" | "DELETED", item: unknown, nowMs: number): boolean;
  /** The node as the API has just shown it. */
  changeNode(node: NodeFacts): void;
  tick(nowMs: number): Findings;
  /** Nothing more comes: what is left is told as far as it is known. */
  flush(nowMs: number): Findings;
  /** what has been told of the node's MemoryPressure, for the next run */
  readonly pressure: PressureSeen | undefined;
  /** how many are known */
  readonly size: { pods: number; deleted: number; containers: number };
}

export function createNames(options: NamesOptions): Names {
  const pods = createPodCache();
  const followUps = createFollowUps();
  const falseKills = createFalseKills(options.startWallMs);
  const evictions = createEvictions(options.startWallMs);
  const surroundings = createSurroundings(options);
  const pressure = createMemoryPressureWatch(options.pressure);
  let evicted: Who[] = [];
  let changes: PressureChange[] = [];
  /** until their pods' events are there, for a moment: no more than are followed at once, a few times over */
  let held: { found: FollowUp; untilMs: number }[] = [];
  const sources: NameSources = { ...options, pods };

  function onChange(pod: PodFacts, nowMs: number): void {
    followUps.change(pod);
    falseKills.change(pod, nowMs);
    const podUid = pod.uid;
    if (podUid === undefined || !evictions.change(pod)) return;
    const who = identify({ kind: "pod", podUid }, sources);
    if (who !== undefined) evicted.push(who);
    options.hintNode();
  }

  function take(told: readonly FollowUp[], nowMs: number, holdMs = EVENTS_MS): Findings {
    held.push(...told.map((found) => ({ found, untilMs: nowMs + holdMs })));
    const followUps = tellHeld(nowMs);
    pods.tick(nowMs);
    surroundings.tick(nowMs);
    const findings = { followUps, falseKills: falseKills.tick(nowMs), evicted, pressure: changes };
    if (evicted.length > 0) evicted = [];
    if (changes.length > 0) changes = [];
    return findings;
  }

  /** At once where the API is not asked for events. */
  function tellHeld(nowMs: number): NamedFollowUp[] {
    if (held.length === 0) return [];
    const told: NamedFollowUp[] = [];
    const still: typeof held = [];
    for (const one of held) {
      const answers = askEvents(one.found);
      if (Object.values(answers).includes("pending") && nowMs < one.untilMs) still.push(one);
      else told.push(nameAgain(one.found, answers));
    }
    held = still;
    return told;
  }

  function askEvents({ who, outcome }: FollowUp): EventAnswers {
    const isGone = outcome === "evicted" || outcome === "deleted";
    return { events: options.eventsOf?.(who), unscheduled: isGone ? options.unscheduledOf?.(who) : undefined };
  }

  /** The API may have told of its owners since. */
  function nameAgain(found: FollowUp, { events, unscheduled }: EventAnswers): NamedFollowUp {
    const { owners } = identify({ kind: "container", containerId: found.containerId }, sources) ?? found.who;
    const who = { ...found.who, owners };
    const around = surroundings.later(who, found.repeats);
    const isMissing = typeof events === "string" || typeof unscheduled === "string";
    return {
      ...found,
      who,
      around: isMissing ? { ...around, missing: [...around.missing, "events"] } : around,
      ...(Array.isArray(events) ? { events } : {}),
      ...(Array.isArray(unscheduled) ? { unscheduled } : {}),
    };
  }

  return {
    identify: (identity) => identify(identity, sources),
    around: surroundings.of,
    told({ kill, uid, who, atWallMs, repeats }, nowMs) {
      if ("scope" in kill && SHORT_NODE.includes(kill.scope)) options.hintNode();
      falseKills.kill({ ...placesOf(kill), atMs: atWallMs ?? options.startWallMs }, nowMs);
      const containerId = who?.containerFacts?.id;
      if (who !== undefined && containerId !== undefined) {
        followUps.kill({ uid, containerId, who, pid1: kill.pid1, repeats }, nowMs);
      }
    },
    counter({ cgroup, local, tree, why, atMs }) {
      const identity = parseCgroupPath(cgroup);
      const oomKill = (local ?? tree)?.oomKill;
      // What is read of one that is gone may be older than its last kill.
      if (oomKill !== undefined && (why !== "removed" || oomKill > 0)) {
        for (const id of containersOf(identity)) falseKills.counted(id, oomKill, atMs);
      }
      const { kind, containerId, nested } = identity;
      if (why === "removed" && kind === "container" && nested === undefined && containerId !== undefined)
        falseKills.gone(containerId, atMs);
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
    changeNode(node) {
      const change = pressure.see(node);
      if (change !== undefined) changes.push(change);
    },
    tick: (nowMs) => take(followUps.tick(nowMs, options.isSynced()), nowMs),
    flush(nowMs) {
      for (const one of held) one.untilMs = nowMs;
      return take(followUps.flush(nowMs), nowMs, 0);
    },
    get pressure() {
      return pressure.seen;
    },
    get size() {
      return pods.size;
    },
  };
}

/** A request for events takes two seconds at most. */
const EVENTS_MS = 2500;
/** What the node's pods may use together, or all there is, ran out. */
const SHORT_NODE: readonly Kill["scope"][] = ["node", "kubepods"];

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
