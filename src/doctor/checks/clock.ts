/** The clocks: whether the wall clock can be right, and agrees with that of the backend. */

import { readableDuration } from "../../record/format.ts";
import { createKernelClock, type KernelClock } from "../../sources/clock.ts";
import type { CheckContext, CheckResult, Finding } from "../check.ts";

/** No release of Oomscribe is older: 2025-01-01. A clock before it was never set. */
const EARLIEST_MS = Date.UTC(2025, 0, 1);
/** Date has whole seconds; below, nobody searching by time is misled. */
const MAX_APART_SECONDS = 5;
/** An interrupted look at two clocks; what is above puts records visibly wrong. */
const MAX_ERROR_US = 10_000;

export function checkClock(_context: CheckContext, before: readonly CheckResult[]): Finding {
  return judgeClock(createKernelClock(), Date.now(), before);
}

/** @param before results of the endpoints, which tell how far this clock is ahead of theirs */
export function judgeClock(
  { realtimeErrorUs }: Pick<KernelClock, "realtimeErrorUs">,
  nowMs: number,
  before: readonly Pick<CheckResult, "detail">[],
): Finding {
  const apart = before.flatMap(({ detail }) => {
    const ahead = detail?.["clockAheadSeconds"];
    return typeof ahead === "number" ? [ahead] : [];
  });
  const worst = apart.toSorted((a, b) => Math.abs(b) - Math.abs(a))[0];
  const now = new Date(nowMs).toISOString();
  const detail = { now, realtimeErrorUs: Math.round(realtimeErrorUs), aheadOfBackendSeconds: worst };
  if (nowMs < EARLIEST_MS) {
    return {
      status: "failed",
      says: `the wall clock says ${now}`,
      advice: "set it, and keep it right: chrony, systemd-timesyncd",
      detail,
    };
  }
  if (worst !== undefined && Math.abs(worst) > MAX_APART_SECONDS) {
    return {
      status: "warning",
      says: `the wall clock is ${readableDuration(Math.abs(worst), 0)} ${worst > 0 ? "ahead of" : "behind"} the backend's`,
      advice: "find out which of the two is wrong (chronyc tracking, timedatectl): records have this node's time",
      detail,
    };
  }
  if (realtimeErrorUs > MAX_ERROR_US) {
    return {
      status: "warning",
      says: `the wall clock can be told to ${Math.round(realtimeErrorUs / 1000)} ms only: this process is held up`,
      advice: "look whether the node is overloaded, or its CPU limit very low",
      detail,
    };
  }
  const agrees = worst === undefined ? "no backend to compare it with" : "agrees with the backend's";
  return { status: "ok", says: `${now}, ${agrees}`, detail };
}
