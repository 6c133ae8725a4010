/**
 * What to ask the API server for next, and when: a list, then watches from where the last one ended, a list again only
 * where something was missed. As client-go's reflector does (tools/cache/reflector.go), but for the waits.
 */
import { type Backoff, type BackoffOptions, createBackoff } from "../../../shared/backoff.ts";
import { type Failure, isBlocked } from "../failure.ts";

export type FollowStep = {
  call: "list" | "watch";
  /** of a list: "0" whatever is at hand, "" the newest there is, else at least as new as that */
  resourceVersion: string;
  /** milliseconds before */
  waitMs: number;
};

/** Each says what to do next. */
export interface FollowPlan {
  first(): FollowStep;
  listed(resourceVersion: string): FollowStep;
  listFailed(failure: Failure): FollowStep;
  /**
   * @param failure undefined: it has ended as it should
   * @param livedMs since it was asked for
   * @param askedMs how long it was to last
   */
  watchEnded(failure: Failure | undefined, livedMs: number, askedMs: number): FollowStep;
  /** The watch has told of a change, or that there was none. */
  progressed(resourceVersion: string): void;
}

/**
 * The first wait is 2.5 to 5 s: all nodes lose their watches at once when an API server goes, and without being told
 * (its shutdown ends them as if their time had come). Doubled up to 30 to 60 s.
 */
const BACKOFF: BackoffOptions = { firstMs: 5000, maxMs: 60_000, blockedMs: 60_000 };
/** Whoever answers for so long is well. */
const WELL_MS = 30_000;
/** Clocks differ, and the network takes its time. */
const EARLY_MS = 2000;
/** After these nothing tells what was missed. A connection that broke is no such thing: the next one begins where it ended. */
const MISSED: ReadonlySet<Failure["kind"]> = new Set([
  "gone",
  "too_new",
  "unreadable",
  "given_up",
  "refused",
  "missing",
]);

export function createFollowPlan(options: BackoffOptions = {}): FollowPlan {
  const backoff: Backoff = createBackoff({ ...BACKOFF, ...options });
  /** the newest that is known of */
  let known: string | undefined;
  /** the server does not have that one, and will not */
  let isLost = false;
  /** something was missed, and nothing has come since */
  let hasMissed = false;

  const list = (waitMs: number): FollowStep => ({
    call: "list",
    // Not older than what is known: an API server that lags behind another must not bring back pods that are gone.
    resourceVersion: isLost ? "" : (known ?? "0"),
    waitMs,
  });
  const watch = (waitMs: number): FollowStep => ({ call: "watch", resourceVersion: known ?? "0", waitMs });

  function waitAfter(failure: Failure): number {
    return isBlocked(failure) ? backoff.afterBlock() : backoff.afterFailure(failure.afterMs);
  }

  return {
    first: () => list(0),
    listed(resourceVersion) {
      known = resourceVersion;
      isLost = false;
      return watch(0);
    },
    listFailed(failure) {
      if (failure.kind === "gone" || failure.kind === "too_new") isLost = true;
      return list(waitAfter(failure));
    },
    watchEnded(failure, livedMs, askedMs) {
      if (livedMs >= WELL_MS) backoff.reset();
      if (failure === undefined) return watch(livedMs >= askedMs - EARLY_MS ? 0 : backoff.afterFailure());
      if (!MISSED.has(failure.kind)) return watch(waitAfter(failure));
      // It answers: however long it was away, the wait for it is over. Unless that is all it ever answers.
      if (!hasMissed) backoff.reset();
      hasMissed = true;
      return list(waitAfter(failure));
    },
    progressed(resourceVersion) {
      known = resourceVersion;
      hasMissed = false;
      backoff.reset();
    },
  };
}
