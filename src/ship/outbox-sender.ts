/**
 * Sends what is in the outbox: one batch at a time and in order, again until it is delivered or set aside.
 *
 * A batch that is refused or that the server fails at is cut: what the backend dislikes is one record as a rule, or the
 * size of them all, and the others are as good as ever. Batches shrink by half with each such answer until a single
 * record gets one, and grow again with each success; there is a wait after each.
 *
 * A single record that is refused is set aside. One that the server fails at (HTTP 500, 507, 52x) says nothing of itself
 * yet: it is held back and sent again alone, while the others go on. It is set aside only where the backend has taken
 * others for an hour and still fails at this one. While the backend takes nothing at all, nothing is set aside.
 */
import { setImmediate } from "node:timers/promises";
import { type BackoffOptions, createBackoff } from "../backoff.ts";
import { MAX_BATCH_BYTES, MAX_BATCH_RECORDS } from "./batch-queue.ts";
import type { LogRecord } from "./log-record.ts";
import type { Outbox, OutboxEntry } from "./outbox.ts";
import { createSuspects, type SuspectOptions } from "./outbox-suspects.ts";
import type { Outcome } from "./outcome.ts";
import { waitAtMost } from "./wait-at-most.ts";

export type SenderTrouble = "ship_retried" | "ship_blocked" | "ship_rejected" | "ship_failed";
export type SenderDetail = Readonly<Record<string, string | number | readonly string[]>>;

/** Why records are set aside: the backend refused them, or it fails at them and at no others. */
export type SetAsideCause = "rejected" | "failed";

export interface SenderOptions {
  outbox: Pick<Outbox<unknown>, "take" | "done" | "putBack" | "size">;
  /** Sends one batch; a promise that rejects counts as `retry`. */
  export(batch: readonly LogRecord[]): Promise<Outcome>;
  onTrouble(name: SenderTrouble, detail: SenderDetail): void;
  /** Records that are not sent again, before they leave the outbox. */
  onSetAside?(records: readonly LogRecord[], reason: string, cause: SetAsideCause): void;
  backoff?: BackoffOptions;
  suspects?: SuspectOptions;
}

/** Records since the sender was opened. */
export interface SenderTotals {
  delivered: number;
  /** not taken by the backend, and set aside */
  rejected: number;
  /** attempts that are to be repeated */
  retries: number;
  /** still in the outbox */
  waiting: number;
}

/** An attempt that did not deliver all of its batch. */
export interface LastError {
  /** milliseconds since the Unix epoch */
  atMs: number;
  reason: string;
}

export interface Sender {
  readonly totals: Readonly<SenderTotals>;
  /** undefined: none since the sender was opened */
  readonly lastError: LastError | undefined;
  /** There is something to send. Does not shorten the wait of a backend in trouble. */
  wake(): void;
  /** Ends that wait: the backend is another one now, or a setting was fixed. */
  hurry(): void;
  /**
   * Sends what waits, each batch once, for up to `timeoutMs` milliseconds. What is unsent then stays in the outbox, the
   * batch under way too: it may arrive twice, under the same `log.record.uid`.
   */
  close(options: { timeoutMs: number }): Promise<SenderTotals>;
}

/** Of records that are set aside in an event, so that somebody can find out which. */
const MAX_UIDS = 5;
/**
 * Between refusals the wait is a part of the one for a backend in trouble: it is there and answers. 250 ms to 10 s, so
 * that the one bad record of 512 is found in a minute.
 */
const REFUSAL_FIRST = 1 / 4;
const REFUSAL_MAX = 1 / 6;

/** Begins with what the last run has left. */
export function openSender(options: SenderOptions): Sender {
  const { outbox, export: send, onTrouble, onSetAside } = options;
  const { firstMs = 1000, maxMs = 60_000 } = options.backoff ?? {};
  const backoff = createBackoff(options.backoff);
  const refusals = createBackoff({
    ...options.backoff,
    firstMs: firstMs * REFUSAL_FIRST,
    maxMs: Math.max(firstMs * REFUSAL_FIRST, maxMs * REFUSAL_MAX),
  });
  const suspects = createSuspects(options.suspects);
  const counts = { delivered: 0, rejected: 0, retries: 0 };
  let limit = MAX_BATCH_RECORDS;
  /** what has been taken and is not settled */
  let underWay: readonly OutboxEntry[] = [];
  let lastError: LastError | undefined;
  let running: Promise<void> | undefined;
  let endPause: (() => void) | undefined;
  /** the wait is only for suspects: anything that comes may be sent */
  let isPauseForSuspects = false;
  let closing = false;
  let givenUp = false;

  async function run(): Promise<void> {
    // Records that are committed in one turn of the event loop leave together.
    await setImmediate();
    while (!givenUp) {
      underWay = takeNext();
      if (underWay.length === 0) {
        const dueInMs = suspects.dueInMs;
        if (dueInMs === undefined || closing) break;
        await pause(dueInMs, true);
        continue;
      }
      const outcome = await sendSafely(underWay.map(({ record }) => record));
      // Too late: what was under way has gone back already.
      if (givenUp) break;
      const waitMs = settle(outcome, underWay);
      underWay = [];
      if (waitMs === undefined) continue;
      if (closing && outcome.kind !== "rejected") break;
      if (!closing) await pause(waitMs, false);
    }
    running = undefined;
  }

  /** A record that the server failed at before goes alone, in turns with the others. */
  function takeNext(): readonly OutboxEntry[] {
    const due = suspects.takeDue();
    if (due !== undefined) {
      const alone = outbox.take(1, undefined, (id) => id === due);
      if (alone.length > 0) return alone;
      // It was dropped meanwhile.
      suspects.remove(due);
    }
    return outbox.take(limit, MAX_BATCH_BYTES, (id) => !suspects.has(id));
  }

  async function sendSafely(batch: readonly LogRecord[]): Promise<Outcome> {
    try {
      return await send(batch);
    } catch (error) {
      return { kind: "retry", reason: error instanceof Error ? error.message : String(error) };
    }
  }

  /** @returns milliseconds to wait before the next batch; undefined: go on */
  function settle(outcome: Outcome, batch: readonly OutboxEntry[]): number | undefined {
    if (outcome.kind !== "delivered") {
      lastError = { atMs: Date.now(), reason: outcome.kind === "partial" ? outcome.message : outcome.reason };
    }
    switch (outcome.kind) {
      case "retry":
        return putBack(batch, "ship_retried", outcome.reason, backoff.afterFailure(outcome.afterMs));
      case "blocked":
        return putBack(batch, "ship_blocked", outcome.reason, backoff.afterBlock());
      case "server_error":
        return onServerError(batch, outcome.reason, outcome.afterMs);
      case "rejected":
        return onRejected(batch, outcome.reason);
      case "partial":
        onTrouble("ship_rejected", { records: outcome.rejected, reason: outcome.message });
        return onAccepted(batch, outcome.rejected);
      case "delivered":
        return onAccepted(batch, 0);
    }
  }

  function putBack(batch: readonly OutboxEntry[], name: SenderTrouble, reason: string, waitMs: number): number {
    outbox.putBack(idsOf(batch));
    counts.retries++;
    onTrouble(name, { reason, waitMs: Math.round(waitMs), waiting: outbox.size.records });
    return waitMs;
  }

  function onServerError(batch: readonly OutboxEntry[], reason: string, afterMs: number | undefined): number {
    const [first] = batch;
    if (batch.length === 1 && first !== undefined) {
      if (suspects.isOverdue(first.id)) {
        setAside(batch, reason, "failed");
        suspects.remove(first.id);
        return backoff.afterFailure(afterMs);
      }
      suspects.add(first.id, afterMs);
    } else limit = Math.ceil(batch.length / 2);
    return putBack(batch, "ship_retried", reason, backoff.afterFailure(afterMs));
  }

  function onRejected(batch: readonly OutboxEntry[], reason: string): number {
    // Whatever it said of these records, the backend is there.
    backoff.reset();
    if (batch.length > 1) {
      outbox.putBack(idsOf(batch));
      limit = Math.ceil(batch.length / 2);
    } else {
      setAside(batch, reason, "rejected");
      for (const { id } of batch) suspects.remove(id);
    }
    return refusals.afterFailure();
  }

  function onAccepted(batch: readonly OutboxEntry[], rejected: number): undefined {
    backoff.reset();
    refusals.reset();
    outbox.done(idsOf(batch));
    counts.delivered += batch.length - rejected;
    counts.rejected += rejected;
    limit = Math.min(limit * 2, MAX_BATCH_RECORDS);
    for (const { id } of batch) suspects.remove(id);
    suspects.onOthersDelivered();
    return undefined;
  }

  function setAside(batch: readonly OutboxEntry[], reason: string, cause: SetAsideCause): void {
    // First: after a crash in between it is sent once more, and not lost.
    onSetAside?.(
      batch.map(({ record }) => record),
      reason,
      cause,
    );
    outbox.done(idsOf(batch));
    counts.rejected += batch.length;
    const name = cause === "rejected" ? "ship_rejected" : "ship_failed";
    onTrouble(name, { records: batch.length, reason, uids: uidsOf(batch) });
  }

  function pause(ms: number, forSuspects: boolean): Promise<void> {
    isPauseForSuspects = forSuspects;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  function wake(): void {
    if (closing) return;
    if (running === undefined) running = run();
    else if (isPauseForSuspects) endPause?.();
  }

  function totals(): SenderTotals {
    return { ...counts, waiting: outbox.size.records };
  }

  wake();
  return {
    get totals() {
      return totals();
    },
    get lastError() {
      return lastError;
    },
    wake,
    hurry() {
      suspects.makeDue();
      endPause?.();
    },
    async close({ timeoutMs }) {
      wake();
      closing = true;
      endPause?.();
      await waitAtMost(running, timeoutMs);
      givenUp = true;
      outbox.putBack(idsOf(underWay));
      underWay = [];
      return totals();
    },
  };
}

function idsOf(batch: readonly OutboxEntry[]): number[] {
  return batch.map(({ id }) => id);
}

function uidsOf(batch: readonly OutboxEntry[]): string[] {
  return batch.slice(0, MAX_UIDS).map(({ record }) => String(record.attributes["log.record.uid"] ?? ""));
}
