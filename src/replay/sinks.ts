/** Where a replay's records go: to standard output in one of the formats, to an OTLP endpoint, or both. */
import type { LogRecord } from "../ship/log-record.ts";
import { openOutput } from "./output.ts";
import type { ReplayOptions } from "./replay.ts";

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

/**
 * Opens what the options ask for, loading only that.
 * @returns one sink for all; undefined where a setting cannot be used, which has been said
 */
export async function openSinks(options: ReplayOptions, warn: (message: string) => void): Promise<Sink | undefined> {
  const sinks: Sink[] = [];
  if (options.otlp !== undefined) {
    try {
      sinks.push(await openSender({ ...options, otlp: options.otlp }, warn));
    } catch (error) {
      warn(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }
  if (options.html !== undefined) sinks.push(await (await import("./html/report.ts")).openReport(options.html, warn));
  if (options.output !== undefined) sinks.push(await openPrinter(options.output, options));
  return allOf(sinks);
}

async function openSender(options: ReplayOptions & { otlp: string }, warn: (message: string) => void): Promise<Sink> {
  const settings = { env: options.env, endpoint: options.otlp, protocol: options.protocol };
  if (options.dryRun) return (await import("./rehearsal.ts")).openRehearsal(settings, warn);
  const [{ openDelivery }, { VERSION }] = await Promise.all([import("./delivery.ts"), import("../version.ts")]);
  return openDelivery({ ...settings, version: VERSION }, warn);
}

async function openPrinter(format: NonNullable<ReplayOptions["output"]>, { table }: ReplayOptions): Promise<Sink> {
  const output = openOutput(process.stdout);
  if (table.explain !== undefined) return (await import("./explain/explain.ts")).openExplain(output, table.explain);
  if (format === "lines") return (await import("./follow/kill-lines.ts")).openKillLines(output);
  if (format === "table") return (await import("./table/table.ts")).openTable(output, table);
  return (await import("./json.ts")).openJson(output, format);
}

function allOf(sinks: readonly Sink[]): Sink {
  return {
    write(record) {
      const waits = sinks.map((sink) => sink.write(record)).filter((one) => one !== undefined);
      return waits.length === 0 ? undefined : Promise.all(waits);
    },
    async end(facts) {
      let delivered = true;
      for (const sink of sinks) if (!(await sink.end(facts))) delivered = false;
      return delivered;
    },
    get broken() {
      return sinks.every((sink) => sink.broken);
    },
  };
}
