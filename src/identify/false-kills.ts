/**
 * Containers that Kubernetes calls OOMKilled though the kernel killed nothing in them. Pure: time is passed in.
 *
 * Measured: on cgroup v1 containerd tells every container below the cgroup that ran out, so a sibling in the pod, or one
 * that merely asked for memory, ends as OOMKilled 137. Proof is the container's own counter: it was read, it says 0, and
 * no kill was told that it could be. Where any of that is not known nothing is claimed.
 */
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
  kill(kill: PlacedKill): void;
  /** A counter of a container has been read. @param oomKill how many it has counted, ever */
  counted(containerId: string, oomKill: number): void;
  tick(nowMs: number): FalseKill[];
}

/** A kill that its own lines do not place is told up to six seconds after it; the status may be seen before that. */
const DECIDE_MS = 15_000;
/** The API's times are whole seconds; a kill is told, and a container ends, some moments after one another. */
const NEAR_MS = 60_000;
const MAX_REMEMBERED = 4096;
const MAX_OPEN = 256;

/** @param startMs since when kills are told, milliseconds since the Unix epoch: what ended before is not judged */
export function createFalseKills(startMs: number): FalseKills {
  /** how many kills the counter of a container has; the oldest first */
  const counts = new Map<string, number>();
  const killed = new Map<string, true>();
  /** when kills were told that could have been anywhere */
  let anywhereMs: number[] = [];
  const open = new Map<string, FalseKill & { sinceMs: number }>();
  /** those that are decided */
  const judged = new Map<string, true>();

  function see(container: ContainerFacts, nowMs: number): void {
    for (const state of [container.state, container.lastState]) {
      const containerId = state?.containerId;
      if (state?.reason !== "OOMKilled" || containerId === undefined || (state.finishedMs ?? 0) <= startMs) continue;
      if (open.has(containerId) || judged.has(containerId)) continue;
      remember(open, containerId, { containerId, ended: state, sinceMs: nowMs }, MAX_OPEN);
    }
  }

  function isFalse({ containerId, ended }: FalseKill): boolean {
    if (counts.get(containerId) !== 0 || killed.has(containerId)) return false;
    return !anywhereMs.some((atMs) => Math.abs(atMs - (ended.finishedMs ?? atMs)) <= NEAR_MS);
  }

  return {
    change(pod, nowMs) {
      for (const container of pod.containers) see(container, nowMs);
    },
    kill({ containerIds, isAnywhere, atMs }) {
      for (const id of containerIds) remember(killed, id, true, MAX_REMEMBERED);
      if (isAnywhere)
        anywhereMs = [...anywhereMs.slice(-MAX_REMEMBERED), atMs].filter((one) => atMs - one <= 2 * NEAR_MS);
    },
    // Of a container that makes cgroups of its own, the one with most.
    counted: (id, oomKill) => remember(counts, id, Math.max(oomKill, counts.get(id) ?? 0), MAX_REMEMBERED),
    tick(nowMs) {
      const found: FalseKill[] = [];
      for (const [id, { sinceMs, ...one }] of open) {
        if (nowMs - sinceMs < DECIDE_MS) break;
        open.delete(id);
        remember(judged, id, true, MAX_REMEMBERED);
        if (isFalse(one)) found.push(one);
      }
      return found;
    },
  };
}
