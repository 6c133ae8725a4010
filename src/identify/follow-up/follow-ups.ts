/**
 * What Kubernetes makes of a kill: the container's status is watched for a while after it. Pure: time is passed in.
 *
 * Only the status tells whether the container ended with its process, and nothing at all is an answer too: a child was
 * killed, the container runs on, and no event, no state, no restart shows it. Kills of one container within that time
 * have one follow-up.
 */

import type { Who } from "../container-metadata.ts";
import type { Repeats } from "../context/repeats.ts";
import type { ContainerState, PodFacts } from "../pods/pod.ts";

/** `none`: the container runs on */
export type FollowUpOutcome = "oom_killed" | "terminated" | "none" | "evicted" | "deleted" | "unknown";
/** What became of a container that ended. */
export type FollowUpNext = "restarted" | "crash_loop_back_off" | "waiting" | "finished";

/** A kill in a container that the Kubernetes API has shown. */
export interface FollowedKill {
  /** log.record.uid of its record */
  uid: string;
  containerId: string;
  who: Who;
  /** PID 1 or not, where /proc has told */
  pid1?: boolean | undefined;
  repeats?: Repeats | undefined;
}

export interface FollowUp {
  containerId: string;
  /** with the pod as it is now */
  who: Who;
  /** of its kills, the first MAX_UIDS */
  uids: readonly string[];
  kills: number;
  outcome: FollowUpOutcome;
  next?: FollowUpNext;
  ended?: ContainerState;
  /** Kubernetes says OOMKilled of it */
  isVisible?: boolean;
  /** one of the victims was PID 1 (true), or none can have been (false) */
  pid1?: boolean;
  waitedMs: number;
  /** of the first of its kills */
  repeats?: Repeats;
}

/** Kills of a container of which the follow-up is not told yet. */
interface OpenFollowUp {
  containerId: string;
  who: Who;
  uids: string[];
  kills: number;
  pid1?: boolean;
  repeats?: Repeats;
  /** CLOCK_MONOTONIC in milliseconds */
  sinceMs: number;
}

export interface FollowUps {
  kill(kill: FollowedKill, nowMs: number): void;
  /** How a pod is now. */
  change(pod: PodFacts): void;
  /** @param isSynced what the API shows is what there is; else a container that seems to run on may have ended */
  tick(nowMs: number, isSynced: boolean): FollowUp[];
  /** Tells all that is left: what has not ended by now is not known. */
  flush(nowMs: number): FollowUp[];
}

/** Measured: OOMKilled comes 0.1–1.2 s after the kill, the restart after a back-off of 10 s and more. */
const WAIT_MS = 30_000;
/** Kills of one moment have one follow-up, and the API may be asked for the owner meanwhile. */
const LEAST_MS = 1500;
const MAX_OPEN = 512;
const MAX_UIDS = 64;

export function createFollowUps(waitMs = WAIT_MS): FollowUps {
  /** by container; the oldest first */
  const open = new Map<string, OpenFollowUp>();

  function close(one: OpenFollowUp, said: Said, nowMs: number): FollowUp {
    open.delete(one.containerId);
    const { sinceMs, ...rest } = one;
    return { ...rest, ...said, waitedMs: nowMs - sinceMs };
  }

  /** @param isDue whether it is told as it stands */
  function closeAll(nowMs: number, isSynced: boolean, isDue: (one: OpenFollowUp) => boolean): FollowUp[] {
    const closed: FollowUp[] = [];
    for (const one of open.values()) {
      if (!isDue(one)) continue;
      const now = said(one);
      const isKnown = now !== undefined && (isSynced || now.outcome !== "none");
      closed.push(close(one, isKnown ? now : { outcome: "unknown" }, nowMs));
    }
    return closed;
  }

  return {
    kill({ uid, containerId, who, pid1, repeats }, nowMs) {
      if (who.podFacts === undefined) return;
      const one = open.get(containerId) ?? toOpen({ containerId, who, repeats }, nowMs);
      one.kills++;
      if (one.uids.length < MAX_UIDS) one.uids.push(uid);
      if (pid1 === true) one.pid1 = true;
      open.set(containerId, one);
      // The oldest goes untold only where hundreds of containers are killed at once.
      const [oldest] = open.keys();
      if (open.size > MAX_OPEN && oldest !== undefined) open.delete(oldest);
    },
    change(pod) {
      for (const one of open.values()) if (isSamePod(one.who.podFacts, pod)) one.who = { ...one.who, podFacts: pod };
    },
    tick(nowMs, isSynced) {
      if (open.size === 0) return [];
      // The status may have come before its kill was told.
      return closeAll(nowMs, isSynced, (one) => {
        const waitedMs = nowMs - one.sinceMs;
        return waitedMs >= waitMs || (waitedMs >= LEAST_MS && isSettled(said(one)));
      });
    },
    flush: (nowMs) => closeAll(nowMs, false, () => true),
  };
}

function toOpen(
  { containerId, who, repeats }: Pick<FollowedKill, "containerId" | "who" | "repeats">,
  sinceMs: number,
): OpenFollowUp {
  return { containerId, who, uids: [], kills: 0, sinceMs, ...(repeats === undefined ? {} : { repeats }) };
}

type Said = Pick<FollowUp, "outcome" | "next" | "ended" | "isVisible" | "pid1">;

/** What the pod's status says of the container as it stands. */
function said({ containerId, who, pid1 }: OpenFollowUp): Said | undefined {
  const { podFacts: pod } = who;
  if (pod === undefined) return undefined;
  const container = pod.containers.find(({ name }) => name === who.container);
  const ended = [container?.state, container?.lastState].find(
    (state) => state?.is === "terminated" && state.containerId === containerId,
  );
  if (pod.reason === "Evicted") return { outcome: "evicted", ...endOf(ended) };
  if (ended !== undefined) {
    const outcome = ended.reason === "OOMKilled" ? "oom_killed" : "terminated";
    return { outcome, next: nextOf(pod, containerId, container), ...endOf(ended) };
  }
  if (pod.isGone) return { outcome: "deleted" };
  if (container?.id !== containerId) return { outcome: "unknown" };
  // It runs on, so none of them was its PID 1.
  return { outcome: "none", isVisible: false, ...(pid1 === undefined ? { pid1: false } : {}) };
}

function endOf(ended: ContainerState | undefined): Partial<Said> {
  return ended === undefined ? {} : { ended, isVisible: ended.reason === "OOMKilled" };
}

function nextOf(
  { phase, isGone }: PodFacts,
  containerId: string,
  container: PodFacts["containers"][number] | undefined,
): FollowUpNext {
  if (isGone || phase === "Failed" || phase === "Succeeded") return "finished";
  const state = container?.state;
  if (state?.is === "waiting") return state.reason === "CrashLoopBackOff" ? "crash_loop_back_off" : "waiting";
  return container?.id !== containerId ? "restarted" : "waiting";
}

/** Nothing that comes later in that time would say more. */
function isSettled(now: Said | undefined): boolean {
  if (now === undefined) return false;
  const { outcome, next } = now;
  return outcome === "evicted" || outcome === "deleted" || (next !== undefined && next !== "waiting");
}

function isSamePod(one: PodFacts | undefined, other: PodFacts): boolean {
  if (one?.uid !== undefined && other.uid !== undefined) return one.uid === other.uid;
  return one?.namespace === other.namespace && one.name === other.name;
}
