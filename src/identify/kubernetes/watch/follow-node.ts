/**
 * Follows the agent's own node by the API server: one GET every few minutes, and one soon after something hints at
 * trouble. Why that and no watch: docs/scaling.md.
 */
import { type BackoffOptions, createBackoff } from "../../../shared/backoff.ts";
import type { Api } from "../api.ts";
import { CALLS, describeRight, toObjectPath } from "../calls.ts";
import { type Failure, isBlocked } from "../failure.ts";
import type { ObjectsTroubleName } from "../objects.ts";

export interface FollowNodeOptions<T> {
  api: Pick<Api, "get">;
  /** as the API server knows it */
  nodeName: string;
  /** What is kept of it. @returns undefined: it is no node */
  read(json: unknown): T | undefined;
  /** All is not well: then it is asked for more often. */
  isTroubled(node: T): boolean;
  /** Each time that it was read. */
  onNode(node: T): void;
  onTrouble(name: ObjectsTroubleName, detail: Readonly<Record<string, string | number>>): void;
  /** milliseconds; for tests */
  times?: Partial<FollowNodeTimes>;
}

export interface FollowNodeTimes {
  /** between two GETs at most; at random, down to three quarters of it */
  calmMs: number;
  troubledMs: number;
  /** from a hint until it is asked for: the kubelet looks at its memory every 10 s, and says what it found within 10 s */
  hintMs: number;
  /** after so long without an answer nothing is known of it */
  staleMs: number;
  timeoutMs: number;
  backoff: BackoffOptions;
}

export interface FollowedNode<T> {
  readonly name: string;
  /** as it was read last; undefined: not yet, or too long ago */
  node(): T | undefined;
  /** Something happened that it may tell of. */
  hint(): void;
  close(): void;
}

const TIMES: FollowNodeTimes = {
  // Less than the five minutes for which a kubelet keeps MemoryPressure once it has set it.
  calmMs: 240_000,
  troubledMs: 60_000,
  hintMs: 20_000,
  staleMs: 900_000,
  timeoutMs: 10_000,
  // A right is given by people: it is asked for rarely.
  backoff: { firstMs: 30_000, maxMs: 300_000, blockedMs: 600_000 },
};
const MAX_BYTES = 8 * 1024 * 1024;

export function followNode<T>(options: FollowNodeOptions<T>): FollowedNode<T> {
  const { api, nodeName, read, isTroubled, onNode, onTrouble } = options;
  const times = { ...TIMES, ...options.times };
  // Of the API server's cache: it is a moment old, and etcd is left alone.
  const path = `${toObjectPath(CALLS.node, nodeName)}?resourceVersion=0`;
  const backoff = createBackoff(times.backoff);
  const closing = new AbortController();
  let last: { node: T; atMs: number } | undefined;
  /** it answered the last time; undefined: it was not asked yet */
  let isWell: boolean | undefined;
  let dueMs = 0;
  let timer: NodeJS.Timeout | undefined;
  /** while it was being asked for */
  let isHinted = false;

  function schedule(afterMs: number): void {
    clearTimeout(timer);
    dueMs = performance.now() + afterMs;
    timer = setTimeout(() => void ask(), afterMs);
  }

  async function ask(): Promise<void> {
    timer = undefined;
    isHinted = false;
    const { signal } = closing;
    const answer = await api.get(path, { timeoutMs: times.timeoutMs, maxBytes: MAX_BYTES, signal });
    if (signal.aborted) return;
    const node = answer.failure === undefined ? read(answer.json) : undefined;
    schedule(node === undefined ? failed(answer.failure ?? NO_NODE) : succeeded(node));
  }

  function succeeded(node: T): number {
    backoff.reset();
    isWell = true;
    last = { node, atMs: performance.now() };
    onNode(node);
    const afterMs = isTroubled(node) ? times.troubledMs : times.calmMs * (0.75 + Math.random() / 4);
    return isHinted ? Math.min(afterMs, times.hintMs) : afterMs;
  }

  function failed(failure: Failure): number {
    // Said once, until it answers again.
    if (isWell !== false) {
      const name = isBlocked(failure) ? "kubernetes_refused" : "kubernetes_object_failed";
      onTrouble(name, { reason: failure.reason, needs: describeRight(CALLS.node) });
    }
    isWell = false;
    return isBlocked(failure) ? backoff.afterBlock() : backoff.afterFailure(failure.afterMs);
  }

  void ask();
  return {
    name: nodeName,
    node: () => (last !== undefined && performance.now() - last.atMs < times.staleMs ? last.node : undefined),
    hint() {
      isHinted = timer === undefined;
      // One that fails has its own times.
      if (!isHinted && isWell === true && performance.now() + times.hintMs < dueMs) schedule(times.hintMs);
    },
    close() {
      closing.abort();
      clearTimeout(timer);
    },
  };
}

const NO_NODE: Failure = { kind: "unreadable", reason: "an answer that is no node" };
