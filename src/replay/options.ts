/** What a replay is asked to do. */
import type { OtlpProtocol } from "../otlp/backends.ts";
import type { SelectionOptions } from "./select.ts";
import type { TableOptions } from "./table/table.ts";

/** `lines`: of a log that is followed, what is said of each kill */
export type OutputFormat = "table" | "json" | "ndjson" | "lines";

export interface ReplayOptions {
  /** paths; `-` is standard input */
  files: readonly string[];
  /** undefined: nothing is printed */
  output: OutputFormat | undefined;
  /** go on with the one file as it grows */
  follow: boolean;
  /** path of a list of pods, to name them by */
  k8s: string | undefined;
  /** path of a page to write */
  html: string | undefined;
  /** endpoint that records are sent to */
  otlp: string | undefined;
  protocol: OtlpProtocol | undefined;
  /** say what would be sent, and send nothing */
  dryRun: boolean;
  /** of stamps that have none */
  year: number | undefined;
  /** IANA name or `±HH:MM`, of stamps that have none */
  timezone: string | undefined;
  /** bytes */
  pageSize: number | undefined;
  /** name of the node that the logs are of */
  node: string | undefined;
  selection: SelectionOptions;
  table: TableOptions;
  env: Readonly<Record<string, string | undefined>>;
}
