/**
 * Containers that Kubernetes calls OOMKilled though the kernel killed nothing in them. Pure: time is passed in.
 *
 * Measured: on cgroup v1 containerd tells every container below the cgroup that ran out, so a sibling in the pod, or one
 * that merely asked for memory, ends as OOMKilled 137. Proof is the container's own counter: it was read, it says 0, and
 * no kill was told that it could be. Where any of that is not known nothing is claimed.
 */
import { createSeldom } from "../seldom.ts";
import { createKept } from "./disk/kept.ts";
import type { ContainerFacts, ContainerState, PodFacts } from "./pod.ts";
import { remember } from "./remember.ts";

export interface FalseKill {
  containerId: string;
  ended: ContainerState;
}

/** Where a kill was told, or may have been. */
export interface PlacedKill {
  /** of the victim's container and those around it */
  containerIds: readonly string[];
  /** it could have been anywhere */
  isAnywhere: boolean;
  /** milliseconds since the Unix epoch */
  atMs: number;
}

export interface FalseKills {
  change(pod: PodFacts, nowMs: number): void;
  kill(kill: PlacedKill, nowMs: number): void;
  /** A counter of a container has been read. @param oomKill how many it has counted, ever */
  counted(containerId: string, oomKill: number, nowMs: number): void;
  /** A container's own cgroup is gone. */
  gone(containerId: string, nowMs: number): void;
  tick(nowMs: number): FalseKill[];
}

/** What is kept of a container. */
interface KnownContainer {
  /** its cgroup, as far as is known */
  isThere: boolean;
  /** kills that its counter has */
  oomKill?: number;
  /** a kill was told that was in it, or may have been */
  isKilled?: true;
  isJudged?: true;
}

/** A kill that its own lines do not place is told up to six seconds after it; the status may be seen before that. */
const DECIDE_MS = 15_000;
/** The API's times are whole seconds; a kill is told, and a container ends, some moments after one another. */
const NEAR_MS = 60_000;
/** What is known of a container whose cgroup is not there: its status may come late, as when the API was away. */
const KEEP_MS = 10 * 60_000;
const MAX_REMEMBERED = 4096;
const MAX_OPEN = 256;

/** @param startMs since when kills are told, milliseconds since the Unix epoch: what ended before is not judged */
export function createFalseKills(startMs: number): FalseKills {
  /** by ID */
  const known = createKept<KnownContainer>({ max: MAX_REMEMBERED, keptMs: KEEP_MS });
  const isTimeToForget = createSeldom();
  /** when kills were told that could have been anywhere */
  let anywhereMs: number[] = [];
  let anywhereHeardMs = 0;
  const open = new Map<string, FalseKill & { sinceMs: number }>();

  function note(id: string, more: Partial<KnownContainer>, nowMs: number): void {
    const container = { isThere: false, ...known.get(id), ...more };
    known.set(id, container);
    if (!container.isThere) known.leave(id, nowMs);
  }

  function see(container: ContainerFacts, nowMs: number): void {
    for (const state of [container.state, container.lastState]) {
      const containerId = state?.containerId;
      if (state?.reason !== "OOMKilled" || containerId === undefined || (state.finishedMs ?? 0) <= startMs) continue;
      if (open.has(containerId) || known.get(containerId)?.isJudged) continue;
      remember(open, containerId, { containerId, ended: state, sinceMs: nowMs }, MAX_OPEN);
    }
  }

  function isFalse({ containerId, ended }: FalseKill): boolean {
    const { oomKill, isKilled } = known.get(containerId) ?? {};
    if (oomKill !== 0 || isKilled) return false;
    return !anywhereMs.some((atMs) => Math.abs(atMs - (ended.finishedMs ?? atMs)) <= NEAR_MS);
  }

  function forget(nowMs: number): void {
    known.prune(nowMs);
    // Longer than any container that ended about then is known.
    if (nowMs - anywhereHeardMs > 2 * KEEP_MS) anywhereMs = [];
  }

  return {
    change(pod, nowMs) {
      for (const container of pod.containers) see(container, nowMs);
    },
    kill({ containerIds, isAnywhere, atMs }, nowMs) {
      for (const id of containerIds) note(id, { isKilled: true }, nowMs);
      if (!isAnywhere) return;
      anywhereHeardMs = nowMs;
      anywhereMs = [...anywhereMs.slice(-MAX_REMEMBERED), atMs].filter((one) => atMs - one <= 2 * NEAR_MS);
    },
    // Of a container that makes cgroups of its own, the one with most.
    counted: (id, oomKill, nowMs) =>
      note(id, { isThere: true, oomKill: Math.max(oomKill, known.get(id)?.oomKill ?? 0) }, nowMs),
    gone(id, nowMs) {
      if (known.get(id) !== undefined) note(id, { isThere: false }, nowMs);
    },
    tick(nowMs) {
      const found: FalseKill[] = [];
      for (const [id, { sinceMs, ...one }] of open) {
        if (nowMs - sinceMs < DECIDE_MS) break;
        open.delete(id);
        if (isFalse(one)) found.push(one);
        note(id, { isJudged: true }, nowMs);
      }
      if (isTimeToForget(nowMs)) forget(nowMs);
      return found;
    },
  };
}
