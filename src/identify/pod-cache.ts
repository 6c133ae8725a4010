/**
 * The pods of this node: who has a container ID or a UID that stands in a cgroup path.
 *
 * A kill is told up to two seconds after it happened, and its container may be restarted, its pod deleted by then: IDs
 * of earlier containers and deleted pods are kept for a while. Pure: the time is passed in.
 */
import { type ContainerFacts, type PodFacts, toPodFacts } from "./pod.ts";

/** A container as it was under one ID; its pod's facts are the latest. */
export interface KnownContainer {
  pod: PodFacts;
  /** name, image and bounds as they were when it ran */
  container: ContainerFacts;
}

export interface PodCache {
  /** A whole list: what is not in it is gone. @returns how all are now, those too, and how many items are no pods */
  replace(items: readonly unknown[], nowMs: number): { pods: PodFacts[]; unreadable: number };
  /** One event of a watch. @returns how the pod is now; undefined where the object is no pod */
  change(type: "ADDED" | "MODIFIED" | "DELETED", item: unknown, nowMs: number): PodFacts | undefined;
  /** @param id 64 hex digits, as in a cgroup path */
  byContainer(id: string): KnownContainer | undefined;
  /** @param uid as in a cgroup path: of a static pod its config hash */
  byUid(uid: string): PodFacts | undefined;
  /** Forgets pods that were deleted long ago. */
  tick(nowMs: number): void;
  /** pods that are there, and deleted ones that are remembered */
  readonly size: { pods: number; deleted: number; containers: number };
}

/** Deleted pods: as long as a kill in them can still be asked about … */
const TOMBSTONE_MS = 10 * 60_000;
/** … and how many of them: a node that runs jobs deletes some each second. */
const MAX_TOMBSTONES = 1024;
/** Container IDs of a pod: those of the containers that run, and of the last restarts. */
const MAX_IDS = 64;

interface Entry {
  pod: PodFacts;
  /** by ID; the oldest first */
  containers: Map<string, ContainerFacts>;
  deletedMs?: number;
}

export function createPodCache(): PodCache {
  /** by key; deleted ones too */
  const entries = new Map<string, Entry>();
  /** of those that are deleted, the oldest first */
  const tombstones = new Set<string>();
  const keyOfContainer = new Map<string, string>();
  const keyOfUid = new Map<string, string>();

  function put(pod: PodFacts): void {
    const key = keyOf(pod);
    const known = entries.get(key);
    const entry: Entry = { pod, containers: known?.containers ?? new Map() };
    entries.set(key, entry);
    tombstones.delete(key);
    for (const uid of uidsOf(pod)) keyOfUid.set(uid, key);
    for (const container of pod.containers) {
      if (container.id !== undefined) remember(key, entry, container.id, container);
      const last = endedBefore(container);
      if (last?.id !== undefined && !entry.containers.has(last.id)) remember(key, entry, last.id, last);
    }
  }

  function remember(key: string, { containers }: Entry, id: string, container: ContainerFacts): void {
    containers.set(id, container);
    keyOfContainer.set(id, key);
    if (containers.size <= MAX_IDS) return;
    const [oldest] = containers.keys();
    if (oldest === undefined) return;
    containers.delete(oldest);
    if (keyOfContainer.get(oldest) === key) keyOfContainer.delete(oldest);
  }

  function bury(key: string, nowMs: number): void {
    const entry = entries.get(key);
    if (entry === undefined || tombstones.has(key)) return;
    entry.deletedMs = nowMs;
    entry.pod = { ...entry.pod, isGone: true };
    tombstones.add(key);
  }

  function forgetOld(nowMs: number): void {
    for (const key of tombstones) {
      const isOld = nowMs - (entries.get(key)?.deletedMs ?? 0) > TOMBSTONE_MS;
      if (!isOld && tombstones.size <= MAX_TOMBSTONES) return;
      tombstones.delete(key);
      forget(key);
    }
  }

  function forget(key: string): void {
    const entry = entries.get(key);
    entries.delete(key);
    if (entry === undefined) return;
    for (const uid of uidsOf(entry.pod)) if (keyOfUid.get(uid) === key) keyOfUid.delete(uid);
    for (const id of entry.containers.keys()) if (keyOfContainer.get(id) === key) keyOfContainer.delete(id);
  }

  return {
    replace(items, nowMs) {
      const there = items.map(toPodFacts).filter((pod) => pod !== undefined);
      const keys = new Set(there.map(keyOf));
      const gone = [...entries].filter(([key]) => !keys.has(key) && !tombstones.has(key));
      for (const [key] of gone) bury(key, nowMs);
      for (const pod of there) put(pod);
      forgetOld(nowMs);
      return { pods: [...gone.map(([, { pod }]) => pod), ...there], unreadable: items.length - there.length };
    },
    change(type, item, nowMs) {
      const pod = toPodFacts(item);
      if (pod === undefined) return undefined;
      put(pod);
      if (type === "DELETED") bury(keyOf(pod), nowMs);
      forgetOld(nowMs);
      return entries.get(keyOf(pod))?.pod;
    },
    byContainer(id) {
      const entry = entries.get(keyOfContainer.get(id) ?? "");
      const container = entry?.containers.get(id);
      return entry === undefined || container === undefined ? undefined : { pod: entry.pod, container };
    },
    byUid: (uid) => entries.get(keyOfUid.get(uid) ?? "")?.pod,
    tick: forgetOld,
    get size() {
      return {
        pods: entries.size - tombstones.size,
        deleted: tombstones.size,
        containers: keyOfContainer.size,
      };
    },
  };
}

/** Two pods may have one name after one another; without a UID (a list that was cut down) the name must do. */
function keyOf({ uid, namespace, name }: PodFacts): string {
  return uid ?? `${namespace}/${name}`;
}

function uidsOf({ uid, configHash }: PodFacts): string[] {
  return [uid, configHash].filter((one) => one !== undefined);
}

/** The container that its last state is about, where that is not the one whose ID it has. */
function endedBefore({ lastState, id, restarts, state: _, ...rest }: ContainerFacts): ContainerFacts | undefined {
  const ended = lastState?.containerId;
  if (lastState === undefined || ended === undefined || ended === id) return undefined;
  return {
    ...rest,
    id: ended,
    state: lastState,
    ...(restarts === undefined ? {} : { restarts: Math.max(restarts - 1, 0) }),
  };
}
