/** Follows the pods of one node by the API server: all there are, then each change, whatever becomes of the connection. */
import { setTimeout as wait } from "node:timers/promises";
import type { BackoffOptions } from "../../../shared/backoff.ts";
import type { Api } from "../api.ts";
import { CALLS, describeRight, toListPath } from "../calls.ts";
import type { Failure } from "../failure.ts";
import { createFollowPlan, type FollowStep } from "./follow-plan.ts";
import { createFollowState, type FollowState, type FollowTroubleName } from "./follow-state.ts";
import { listAll } from "./list.ts";
import { type ChangeType, readWatchEvent } from "./watch-event.ts";

export interface FollowPodsOptions {
  api: Api;
  /** as the API server knows it */
  nodeName: string;
  /** All there are, as the API has them: who is not among them and was before is gone. */
  onReplace(pods: readonly unknown[]): void;
  /** One has come, changed, or gone; a change may be told twice. */
  onChange(type: ChangeType, pod: unknown): void;
  onState?(state: FollowState): void;
  onTrouble(name: FollowTroubleName, detail: Readonly<Record<string, string | number>>): void;
  /** for tests */
  backoff?: BackoffOptions;
  /** milliseconds until an answer begins, and of a list until its page is there; default 30 s */
  timeoutMs?: number;
  /** milliseconds of a watch without a line; default 3 minutes: bookmarks come every minute */
  silenceMs?: number;
  /** milliseconds since the Unix epoch, for `sinceMs` */
  now?: () => number;
}

export interface FollowCounts {
  lists: number;
  watches: number;
  changes: number;
  /** lists and watches that failed */
  failures: number;
}

export interface FollowedPods {
  readonly state: FollowState;
  /** since the start */
  readonly counts: Readonly<FollowCounts>;
  /** No callback is called any more. */
  close(): void;
}

/** As client-go's reflector: 5 to 10 minutes, so that watches spread over the API servers again after one was away. */
const MIN_WATCH_SECONDS = 300;

export function followPods(options: FollowPodsOptions): FollowedPods {
  const { api, nodeName, onReplace, onChange, onState, onTrouble, backoff, now = Date.now } = options;
  const { timeoutMs = 30_000, silenceMs = 180_000 } = options;
  const fieldSelector = `spec.nodeName=${nodeName}`;
  const closing = new AbortController();
  const { signal } = closing;
  const plan = createFollowPlan(backoff);
  const counts: FollowCounts = { lists: 0, watches: 0, changes: 0, failures: 0 };
  const state = createFollowState({
    needs: describeRight(CALLS.pods),
    names: {
      synced: "kubernetes_synced",
      failed: "kubernetes_watch_failed",
      refused: "kubernetes_refused",
      unreadable: "kubernetes_answer_unreadable",
    },
    onState,
    onTrouble,
  });

  async function run(): Promise<void> {
    for (let step = plan.first(); !signal.aborted; ) {
      if (step.waitMs > 0) await wait(step.waitMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      step = await (step.call === "list" ? list(step) : watch(step));
    }
  }

  async function list({ resourceVersion }: FollowStep): Promise<FollowStep> {
    counts.lists++;
    const listed = await listAll(api, CALLS.pods, { fieldSelector, resourceVersion, timeoutMs, signal });
    if (listed.failure !== undefined) return failed(listed.failure, plan.listFailed(listed.failure));
    if (signal.aborted) return plan.first();
    state.listed(listed.items.length, now());
    onReplace(listed.items);
    return plan.listed(listed.resourceVersion);
  }

  async function watch({ resourceVersion }: FollowStep): Promise<FollowStep> {
    counts.watches++;
    const timeoutSeconds = Math.round(MIN_WATCH_SECONDS * (1 + Math.random()));
    const path = toListPath(CALLS.pods, {
      watch: "1",
      allowWatchBookmarks: "true",
      fieldSelector,
      resourceVersion,
      timeoutSeconds: String(timeoutSeconds),
    });
    const startedMs = performance.now();
    const failure = await api.watch(path, {
      timeoutMs,
      silenceMs,
      signal,
      onOpen: () => state.opened(now()),
      onLine: readLine,
    });
    const step = plan.watchEnded(failure, performance.now() - startedMs, timeoutSeconds * 1000);
    if (failure === undefined && step.waitMs === 0) return step;
    return failed(failure ?? EARLY, step);
  }

  function readLine(json: unknown): Failure | undefined {
    const line = readWatchEvent(json);
    if (line.is === "failure") return line.failure;
    plan.progressed(line.resourceVersion);
    if (line.is === "bookmark" || signal.aborted) return undefined;
    counts.changes++;
    onChange(line.type, line.object);
    return undefined;
  }

  function failed(failure: Failure, step: FollowStep): FollowStep {
    if (signal.aborted) return step;
    counts.failures++;
    state.failed(failure, step.waitMs, now());
    return step;
  }

  void run();
  return {
    get state() {
      return state.current;
    },
    counts,
    close: () => closing.abort(),
  };
}

const EARLY: Failure = { kind: "broken", reason: "the server ended the watch before its time" };
