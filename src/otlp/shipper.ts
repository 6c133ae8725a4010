/**
 * A shipper by OTLP for records that need not outlive the process: a full queue makes the caller wait, and what became
 * of each batch is reported. The agent's records go through the outbox instead.
 */
import { setImmediate } from "node:timers/promises";
import type { LogRecord } from "../record/log-record.ts";
import { createBatchQueue } from "./batch-queue.ts";
import type { Outcome } from "./export-result.ts";
import { type OtlpExportOptions, openOtlpExport } from "./exporter.ts";
import { waitAtMost } from "./timeout.ts";

/** What became of one batch. */
export interface BatchResult {
  exported: number;
  failed: number;
  /** why, where any failed */
  error?: string;
}

export interface OtlpShipperOptions extends OtlpExportOptions {
  /** called once for each batch, and once for what is given up at close */
  onResult?: (result: BatchResult) => void;
}

/** What became of records: each one that was taken is in one of the two counts. */
export interface ShipResult {
  exported: number;
  /** records that did not arrive, or may not have */
  failed: number;
  /** why the last of them failed */
  lastError?: string;
}

export interface OtlpShipper {
  /** where records go, without credentials: for people */
  readonly target: string;
  /**
   * Takes a record.
   * @returns a promise where there is no room for more: wait for it before the next one
   */
  ship(record: LogRecord): void | Promise<void>;
  /** Waits until every record taken has been sent or has failed. @returns the counts since the shipper was opened */
  flush(): Promise<ShipResult>;
  /**
   * Flushes and lets go of what is open; after `timeoutMs` milliseconds what is still unsent fails.
   * @returns the counts since the shipper was opened
   */
  close(options?: { timeoutMs?: number }): Promise<ShipResult>;
}

/** @throws Error where a setting would send records nowhere; see readOtlpSettings */
export function openOtlpShipper(options: OtlpShipperOptions): OtlpShipper {
  const backend = openOtlpExport(options);
  const queue = createBatchQueue();
  const totals: ShipResult = { exported: 0, failed: 0 };
  let sending: Promise<void> | undefined;
  /** records of the batch that is out */
  let underWay = 0;
  let closed = false;
  let givenUp = false;

  function ship(record: LogRecord): void | Promise<void> {
    if (closed) throw new Error("the OTLP shipper is closed: ship() must come before close()");
    const room = queue.push(record);
    sending ??= sendAll();
    return room;
  }

  /** One batch at a time: records keep their order, and a backend in trouble is not pressed harder. */
  async function sendAll(): Promise<void> {
    // Records that are shipped in one turn of the event loop leave together.
    await setImmediate();
    while (queue.length > 0) {
      const batch = queue.take();
      underWay = batch.length;
      const outcome = await backend.export(batch);
      underWay = 0;
      if (!givenUp) report(toBatchResult(outcome, batch.length));
    }
    sending = undefined;
  }

  function report(result: BatchResult): void {
    totals.exported += result.exported;
    totals.failed += result.failed;
    if (result.error !== undefined) totals.lastError = result.error;
    options.onResult?.(result);
  }

  async function flush(): Promise<ShipResult> {
    while (sending !== undefined && !givenUp) await sending;
    return { ...totals };
  }

  return {
    target: backend.target,
    ship,
    flush,
    async close({ timeoutMs = backend.timeoutMs } = {}) {
      closed = true;
      await waitAtMost(flush(), timeoutMs);
      if (sending !== undefined) {
        givenUp = true;
        const failed = underWay + queue.clear();
        report({ exported: 0, failed, error: `given up ${timeoutMs} ms after close; some may have arrived` });
      }
      backend.close();
      return { ...totals };
    },
  };
}

/** Nothing is sent again from here: what the SDK has retried in vain has failed. */
function toBatchResult(outcome: Outcome, sent: number): BatchResult {
  if (outcome.kind === "delivered") return { exported: sent, failed: 0 };
  if (outcome.kind !== "partial") return { exported: 0, failed: sent, error: outcome.reason };
  const { rejected, message } = outcome;
  return { exported: sent - rejected, failed: rejected, error: `rejected by the backend: ${message}` };
}
