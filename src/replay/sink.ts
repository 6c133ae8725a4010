/** Who takes the records of a replay. */
import type { LogRecord } from "../record/log-record.ts";

/** What a sink cannot see in the records. */
export interface ReplayFacts {
  /** how many were read */
  captures: number;
  /** how many could not be */
  unreadable: number;
  /** records that had been seen before */
  duplicates: number;
}

export interface Sink {
  /** @returns a promise where it wants no more until that resolves */
  write(record: LogRecord): Promise<unknown> | undefined;
  /** No record comes any more. @returns false: some were not delivered, and it has said so */
  end(facts: ReplayFacts): Promise<boolean>;
  /** true: nobody takes its records any more */
  readonly broken: boolean;
}
