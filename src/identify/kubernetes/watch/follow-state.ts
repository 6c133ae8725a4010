/** How a source of pods fares: said once where it changes, whatever it goes through in between. */
import { type Failure, type FailureKind, isBlocked } from "../failure.ts";

/** Times are milliseconds since the Unix epoch. */
export type FollowState =
  /** nothing is known yet */
  | { is: "never"; why?: string }
  /** all that is known is of now */
  | { is: "synced"; sinceMs: number }
  /** what is known is of then */
  | { is: "stale"; sinceMs: number; why: string };

export type FollowTroubleName =
  | "kubernetes_synced"
  | "kubernetes_watch_failed"
  /** credentials or rights are missing */
  | "kubernetes_refused"
  | "kubernetes_answer_unreadable"
  | "kubelet_synced"
  | "kubelet_failed"
  | "kubelet_refused";

export interface FollowStateOptions {
  /** the rights that are missing where it is refused */
  needs: string;
  names: Readonly<Record<"synced" | "failed" | "refused" | "unreadable", FollowTroubleName>>;
  onState: ((state: FollowState) => void) | undefined;
  onTrouble(name: FollowTroubleName, detail: Readonly<Record<string, string | number>>): void;
}

export interface FollowStateKeeper {
  readonly current: FollowState;
  /** @param pods how many there are */
  listed(pods: number, nowMs: number): void;
  /** What was listed is followed from now on. */
  opened(nowMs: number): void;
  /** @param waitMs until it is tried again */
  failed(failure: Failure, waitMs: number, nowMs: number): void;
}

export function createFollowState({ needs, names, onState, onTrouble }: FollowStateOptions): FollowStateKeeper {
  let current: FollowState = { is: "never" };
  /** of the last list */
  let pods = 0;
  let listedMs: number | undefined;
  let said: FailureKind | undefined;

  function change(state: FollowState): void {
    current = state;
    onState?.(state);
  }

  return {
    get current() {
      return current;
    },
    listed(count, nowMs) {
      pods = count;
      listedMs = nowMs;
    },
    opened(nowMs) {
      said = undefined;
      if (current.is === "synced") return;
      change({ is: "synced", sinceMs: nowMs });
      onTrouble(names.synced, { pods });
    },
    failed(failure, waitMs, nowMs) {
      const { kind, reason } = failure;
      if (current.is === "synced") change({ is: "stale", sinceMs: nowMs, why: reason });
      // Listed, and never followed: known as of then.
      else if (current.is === "never" && listedMs !== undefined)
        change({ is: "stale", sinceMs: listedMs, why: reason });
      else if (said !== kind) change({ ...current, why: reason });
      // Of these each is said: something was missed.
      if (said === kind && kind !== "unreadable") return;
      said = kind;
      const detail = { reason, waitMs: Math.round(waitMs) };
      if (isBlocked(failure)) onTrouble(names.refused, { ...detail, needs });
      else onTrouble(kind === "unreadable" ? names.unreadable : names.failed, detail);
    },
  };
}
