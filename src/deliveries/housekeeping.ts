/**
 * What an endpoint's directory wants now and then, beside the records: its status for `oomscribe outbox`, and records
 * that were set aside and are asked for again.
 */
import { createSeldom } from "../seldom.ts";
import type { Outbox } from "../ship/outbox.ts";
import type { Sender } from "../ship/outbox-sender.ts";
import { listRetries, readRetry, removeRetry, requestRetry } from "../ship/set-aside-files.ts";
import type { EventDetail, EventName } from "../telemetry/events.ts";
import { type EndpointStatus, writeStatusFile } from "./status-file.ts";

export interface HousekeepingOptions {
  directory: string;
  /** without credentials */
  target(): string;
  outbox: Pick<Outbox<unknown>, "addAgain" | "size" | "oldestMs">;
  sender: Pick<Sender, "lastError" | "wake">;
  onTrouble(name: EventName, detail: EventDetail): void;
  /** Lines that hold no record, before their file is removed. */
  onBadLine(line: string): void;
}

export interface Housekeeping {
  /** Does what is due, every ten seconds at most. Never throws. */
  tick(nowMs: number): void;
  close(): void;
}

/** Begins with the records that the last run set aside since the backend failed at them: it may be well again. */
export function openHousekeeping(options: HousekeepingOptions): Housekeeping {
  const { directory, target, outbox, sender, onTrouble, onBadLine } = options;
  const isDue = createSeldom();
  let lastStatus = "";
  let lastProblem = "";

  attempt("asking for failed records again", () => requestRetry(directory, ["failed"]));

  function attempt(what: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      const problem = `${what}: ${error instanceof Error ? error.message : String(error)}`;
      if (problem !== lastProblem) onTrouble("outbox_files_failed", { error: problem, path: directory });
      lastProblem = problem;
    }
  }

  function addRetries(): void {
    for (const path of listRetries(directory)) {
      const { records, bad } = readRetry(path);
      if (!outbox.addAgain(records)) return;
      for (const line of bad) onBadLine(line);
      // After that a crash adds them once more: they may arrive twice, under the same log.record.uid.
      removeRetry(path);
      if (records.length > 0) onTrouble("set_aside_retried", { records: records.length });
      if (bad.length > 0) onTrouble("set_aside_unreadable", { lines: bad.length });
      sender.wake();
    }
  }

  function writeStatus(): void {
    const { oldestMs } = outbox;
    const { lastError } = sender;
    const status: Omit<EndpointStatus, "atMs"> = {
      target: target(),
      waiting: outbox.size,
      ...(oldestMs === undefined ? {} : { oldestMs }),
      ...(lastError === undefined ? {} : { lastError }),
    };
    const json = JSON.stringify(status);
    if (json === lastStatus) return;
    writeStatusFile(directory, { atMs: Date.now(), ...status });
    lastStatus = json;
  }

  return {
    tick(nowMs) {
      if (!isDue(nowMs)) return;
      attempt("sending records again that were set aside", addRetries);
      attempt("writing the status", writeStatus);
    },
    close() {
      attempt("writing the status", writeStatus);
    },
  };
}
