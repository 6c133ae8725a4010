/** What became of one batch that was sent, in the terms of OTLP's rules for sending again. */

export type Outcome =
  | { kind: "delivered" }
  /** The backend took the batch without `rejected` of its records and does not say which: nothing is sent again. */
  | { kind: "partial"; rejected: number; message: string }
  /** The backend or the network is in trouble: to be sent again, after `afterMs` milliseconds where it asks for that. */
  | { kind: "retry"; reason: string; afterMs?: number }
  /**
   * The server failed at this batch: it may be in trouble for now, or one of these records is what it fails at. To be
   * sent again, in smaller batches and for a limited time.
   */
  | { kind: "server_error"; reason: string; afterMs?: number }
  /** No batch will get through until somebody mends a setting, here or there: to be kept, and tried again slowly. */
  | { kind: "blocked"; reason: string }
  /** The backend does not want this batch, now or later. */
  | { kind: "rejected"; reason: string };
