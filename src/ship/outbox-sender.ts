/**
 * Sends what is in the outbox: one batch at a time and in order, again until it is delivered or refused for good.
 *
 * A batch that is refused for good is cut: what the backend dislikes is one record as a rule, or the size of them all,
 * and the others are as good as ever. Batches shrink by half with each refusal until a single record is refused, which
 * is set aside, and grow again with each success.
 */
import { setImmediate } from "node:timers/promises";
import { type BackoffOptions, createBackoff } from "../backoff.ts";
import { MAX_BATCH_BYTES, MAX_BATCH_RECORDS } from "./batch-queue.ts";
import type { LogRecord } from "./log-record.ts";
import type { Outbox, OutboxEntry } from "./outbox.ts";
import type { Outcome } from "./outcome.ts";
import { waitAtMost } from "./wait-at-most.ts";

export type SenderTrouble = "ship_retried" | "ship_blocked" | "ship_rejected";
export type SenderDetail = Readonly<Record<string, string | number | readonly string[]>>;

export interface SenderOptions {
  outbox: Pick<Outbox<unknown>, "take" | "done" | "putBack" | "size">;
  /** Sends one batch; a promise that rejects counts as `retry`. */
  export(batch: readonly LogRecord[]): Promise<Outcome>;
  onTrouble(name: SenderTrouble, detail: SenderDetail): void;
  /** Records that are refused for good, before they leave the outbox. */
  onRejected?(records: readonly LogRecord[], reason: string): void;
  backoff?: BackoffOptions;
}

/** Records since the sender was opened. */
export interface SenderTotals {
  delivered: number;
  /** not wanted by the backend, and set aside */
  rejected: number;
  /** attempts that are to be repeated */
  retries: number;
  /** still in the outbox */
  waiting: number;
}

export interface Sender {
  readonly totals: Readonly<SenderTotals>;
  /** There is something to send. Does not shorten the wait of a backend in trouble. */
  wake(): void;
  /** Ends that wait: the backend is another one now, or a setting was mended. */
  hurry(): void;
  /**
   * Sends what waits, each batch once, for up to `timeoutMs` milliseconds. What is unsent then stays in the outbox, the
   * batch under way too: it may arrive twice, under the same `log.record.uid`.
   */
  close(options: { timeoutMs: number }): Promise<SenderTotals>;
}

/** Of rejected records in an event, so that somebody can find out which. */
const MAX_UIDS = 5;

/** Begins with what the last run has left. */
export function openSender(options: SenderOptions): Sender {
  const { outbox, export: send, onTrouble, onRejected } = options;
  const backoff = createBackoff(options.backoff);
  const counts = { delivered: 0, rejected: 0, retries: 0 };
  let limit = MAX_BATCH_RECORDS;
  /** what has been taken and is not settled */
  let underWay: readonly OutboxEntry[] = [];
  let running: Promise<void> | undefined;
  let endPause: (() => void) | undefined;
  let closing = false;
  let givenUp = false;

  async function run(): Promise<void> {
    // Records that are committed in one turn of the event loop leave together.
    await setImmediate();
    while (!givenUp) {
      underWay = outbox.take(limit, MAX_BATCH_BYTES);
      if (underWay.length === 0) break;
      const outcome = await sendSafely(underWay.map(({ record }) => record));
      // Too late: what was under way has gone back already.
      if (givenUp) break;
      const waitMs = settle(outcome, underWay);
      underWay = [];
      if (waitMs === undefined) continue;
      if (closing) break;
      await pause(waitMs);
    }
    running = undefined;
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
    const ids = batch.map(({ id }) => id);
    if (outcome.kind === "retry" || outcome.kind === "blocked") {
      outbox.putBack(ids);
      counts.retries++;
      const waitMs = outcome.kind === "retry" ? backoff.afterFailure(outcome.afterMs) : backoff.afterBlock();
      const name = outcome.kind === "retry" ? "ship_retried" : "ship_blocked";
      onTrouble(name, { reason: outcome.reason, waitMs: Math.round(waitMs), waiting: outbox.size.records });
      return waitMs;
    }
    // Whatever it said of these records, the backend is there.
    backoff.reset();
    if (outcome.kind === "rejected" && batch.length > 1) {
      outbox.putBack(ids);
      limit = Math.ceil(batch.length / 2);
      return undefined;
    }
    // First: after a crash in between it is refused once more, and not lost.
    if (outcome.kind === "rejected")
      onRejected?.(
        batch.map(({ record }) => record),
        outcome.reason,
      );
    outbox.done(ids);
    const rejected = outcome.kind === "delivered" ? 0 : outcome.kind === "partial" ? outcome.rejected : batch.length;
    counts.delivered += batch.length - rejected;
    counts.rejected += rejected;
    if (outcome.kind === "partial") onTrouble("ship_rejected", { records: rejected, reason: outcome.message });
    if (outcome.kind === "rejected") {
      onTrouble("ship_rejected", { records: rejected, reason: outcome.reason, uids: uidsOf(batch) });
    } else {
      limit = Math.min(limit * 2, MAX_BATCH_RECORDS);
    }
    return undefined;
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  function wake(): void {
    if (!closing) running ??= run();
  }

  function totals(): SenderTotals {
    return { ...counts, waiting: outbox.size.records };
  }

  wake();
  return {
    get totals() {
      return totals();
    },
    wake,
    hurry() {
      endPause?.();
    },
    async close({ timeoutMs }) {
      wake();
      closing = true;
      endPause?.();
      await waitAtMost(running, timeoutMs);
      givenUp = true;
      outbox.putBack(underWay.map(({ id }) => id));
      underWay = [];
      return totals();
    },
  };
}

function uidsOf(batch: readonly OutboxEntry[]): string[] {
  return batch.slice(0, MAX_UIDS).map(({ record }) => String(record.attributes["log.record.uid"] ?? ""));
}
