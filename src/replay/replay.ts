/** `oomscribe replay`: captured logs in, one after another; their records, each once, out to whoever wants them. */

import type { Identify } from "../identify/identifier.ts";
import { createPipeline } from "../pipeline.ts";
import type { LogRecord } from "../ship/log-record.ts";
import type { OtlpProtocol } from "../ship/otlp-settings.ts";
import { readResourceEnv } from "../ship/resource-env.ts";
import { type CaptureFacts, countOf, describeCaptures, isStrange } from "./captures.ts";
import { followLog } from "./follow/follow.ts";
import { type Input, InputError, openInput } from "./inputs.ts";
import { openPodList } from "./pod-list.ts";
import { openProgress } from "./progress.ts";
import { readCapture } from "./read-capture.ts";
import { createSeen } from "./seen.ts";
import { createSelection, type SelectionOptions } from "./select.ts";
import { openSinks } from "./sinks.ts";
import { keepHeapSmall } from "./small-heap.ts";
import type { TableOptions } from "./table/table.ts";
import { plainLine } from "./table/text.ts";

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

/**
 * Reads the files and hands on what is found. Kills or none is the same success.
 * @returns the process's exit status: 0; 1: records were not delivered; 2: input or a setting cannot be used. What is
 * wrong is said on standard error.
 */
export async function runReplay(options: ReplayOptions): Promise<0 | 1 | 2> {
  const heap = keepHeapSmall();
  const context = { resource: readResource(options), ...(options.pageSize && { pageSize: options.pageSize }) };
  const identify = await openNames(options);
  if (identify === undefined) return 2;
  const sinks = await openSinks(options, warn);
  if (sinks === undefined) return 2;
  const seen = createSeen();
  const selection = createSelection(options.selection);
  const progress = openProgress(options.output);
  const captures: CaptureFacts[] = [];
  let kills = 0;
  let duplicates = 0;
  let unreadable = 0;
  /** the sinks' wish to wait, heeded between two pieces of input */
  let room: Promise<unknown> | undefined;

  function emit(record: LogRecord): void {
    if (!selection.wants(record)) return;
    if (!seen.add(record)) {
      duplicates++;
      return;
    }
    if (record.eventName === "oom.kill") kills++;
    const waits = sinks?.write(record);
    if (waits !== undefined) room = room === undefined ? waits : Promise.all([room, waits]);
  }

  async function replay(input: Input): Promise<void> {
    progress.begin(input.name, input.size);
    const warning = await readCapture(input, {
      context,
      identify,
      year: options.year,
      timezone: options.timezone,
      heap,
      emit,
      takeRoom,
      onRead(bytes) {
        progress.advance(bytes, kills);
        return sinks?.broken === true;
      },
      onEnd(facts) {
        progress.clear();
        captures.push(facts);
      },
    });
    if (warning !== undefined) warn(`${input.name}: ${warning}`);
  }

  function takeRoom(): Promise<unknown> | undefined {
    const taken = room;
    room = undefined;
    return taken;
  }

  async function follow(path: string): Promise<void> {
    const stop = new AbortController();
    const end = (): void => stop.abort();
    process.once("SIGINT", end).once("SIGTERM", end);
    const pipeline = createPipeline({ context, identify, emit });
    const onPiece = (): Promise<unknown> | undefined => {
      if (sinks?.broken === true) end();
      return takeRoom();
    };
    await followLog({ path, context: options, pipeline, signal: stop.signal, onPiece });
    await takeRoom();
  }

  for (const file of options.files) {
    try {
      await (options.follow ? follow(file) : replay(await openInput(file)));
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      unreadable++;
      warn(error.message);
    }
    if (sinks.broken) break;
  }
  if (selection.untimed > 0) warn(untimedSentence(selection.untimed, options.selection));
  const delivered = await sinks.end({ captures: captures.length, unreadable, duplicates });
  if (!sinks.broken && kills === 0 && captures.length > 0) {
    if (options.output === "table" || captures.every(isStrange)) process.stderr.write(describeCaptures(captures));
  }
  if (unreadable > 0) return 2;
  return delivered ? 0 : 1;
}

/** @returns undefined where the list of pods cannot be read, which has been said */
async function openNames({ k8s }: ReplayOptions): Promise<Identify | undefined> {
  if (k8s === undefined) return () => undefined;
  try {
    return await openPodList(k8s);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    warn(error.message);
    return undefined;
  }
}

function untimedSentence(count: number, { since, until }: SelectionOptions): string {
  const isWall = [since, until].some((moment) => moment !== undefined && "wallUs" in moment);
  const what = isWall
    ? "no time of day, only one since boot: compare with that, such as --since 3753.8"
    : "no time since boot: compare with the time of day, such as --since 2026-03-01T12:00";
  return `left out by --since and --until: ${countOf(count, "record")} with ${what}`;
}

/** A name given to it is the node's, as for the agent; a host that the log names itself stands above host.name. */
function readResource({ env, node }: ReplayOptions): LogRecord["resource"] {
  const resource = readResourceEnv(env, warn);
  return node === undefined ? resource : { ...resource, "host.name": node, "k8s.node.name": node };
}

function warn(message: string): void {
  process.stderr.write(`oomscribe replay: ${plainLine(message)}\n`);
}
