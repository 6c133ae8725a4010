/** Where records go, whatever it is: an OTLP endpoint or standard output. */
import type { LogRecord } from "./log-record.ts";

/** What became of records: each one that was taken is in one of the two counts. */
export interface ShipResult {
  exported: number;
  /** records that did not arrive, or may not have */
  failed: number;
  /** why the last of them failed */
  lastError?: string;
}

export interface Shipper {
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
