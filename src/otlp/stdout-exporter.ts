/** `--stdout`: prints batches of records, one line of JSON each, in place of sending them. */
import type { Writable } from "node:stream";
import { toJson } from "../record/json.ts";
import type { LogRecord } from "../record/log-record.ts";
import type { Outcome } from "./export-result.ts";

export interface StdoutExport {
  readonly target: string;
  /** Resolves when the stream has taken the lines. Never rejects. */
  export(batch: readonly LogRecord[]): Promise<Outcome>;
  close(): void;
}

/** @param stream left open: it is the process's, not ours; its owner listens for its errors */
export function openStdoutExport(stream: Writable = process.stdout): StdoutExport {
  return {
    target: "stdout",
    export: (batch) =>
      new Promise((resolve) => {
        const lines = batch.map((record) => `${toJson(record)}\n`).join("");
        stream.write(lines, (error) => {
          resolve(error ? { kind: "blocked", reason: `standard output: ${error.message}` } : { kind: "delivered" });
        });
      }),
    close() {},
  };
}
