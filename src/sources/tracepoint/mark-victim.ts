/**
 * The tracepoint oom:mark_victim, live: which processes the kernel marked as victims, told before the log tells.
 *
 * trace_pipe is asked again and again, as /dev/kmsg is (kmsg.ts), and for the same reasons.
 */
import { createMarkVictimReader, type MarkVictim } from "../../../parsers/oom/mark-victim.ts";
import { pollEvery } from "../poll-timer.ts";
import { openTracefsInstance, type TracefsInstance } from "./instance.ts";
import { TracefsUnavailable } from "./tracefs.ts";

export type MarkVictimTrouble =
  /** there is no such trace to be had here, for a reason that is told */
  | "mark_victim_unavailable"
  /** the kernel dropped entries before they were read */
  | "mark_victim_lost"
  /** read(2) failed: it is not read any more */
  | "mark_victim_read_failed";

export interface MarkVictimOptions {
  /** where the node's own file system is mounted, default "/" */
  hostRoot?: string;
  /** @param atMs when it was marked, CLOCK_MONOTONIC in milliseconds */
  onVictim(victim: MarkVictim, atMs: number): void;
  onTrouble(name: MarkVictimTrouble, detail: Readonly<Record<string, string | number>>): void;
  /** for tests: default is one of this node's tracefs */
  instance?: Pick<TracefsInstance, "read" | "close">;
}

export interface MarkVictimSource {
  /** Hands on, at once, what is there: to be called when a kill line arrives. */
  read(): void;
  /** Stops at once; no callback is called any more. */
  close(): void;
}

/** The kernel keeps entries meanwhile; who wants them at once calls read(). */
const POLL_MS = 100;
const QUIET_POLL_MS = 500;
/** One read gives a page or two at most. */
const BUFFER_BYTES = 65_536;
/** Of reads in a row; what is more waits for the next look. */
const MAX_READS = 256;

/** @returns undefined where there is no such trace, which onTrouble is told */
export function openMarkVictim(options: MarkVictimOptions): MarkVictimSource | undefined {
  const { hostRoot = "/", onVictim, onTrouble } = options;
  const instance = options.instance ?? openInstance(hostRoot, onTrouble);
  if (instance === undefined) return undefined;
  const buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  const entries = createMarkVictimReader();
  let isOpen = true;
  let lost = 0;

  function read(): void {
    for (let count = 0; isOpen && count < MAX_READS; count++) {
      const bytes = readBytes();
      handOn(bytes === "" ? entries.flush() : entries.push(bytes));
      if (bytes === "") return;
    }
  }

  /** @returns a byte string, empty where there is nothing more */
  function readBytes(): string {
    try {
      return buffer.toString("latin1", 0, instance?.read(buffer));
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? String(error);
      if (code === "EAGAIN" || code === "EINTR") return "";
      onTrouble("mark_victim_read_failed", { code });
      close();
      return "";
    }
  }

  function handOn(victims: readonly MarkVictim[]): void {
    if (entries.lost > lost) onTrouble("mark_victim_lost", { lost: entries.lost - lost });
    lost = entries.lost;
    for (const victim of victims) if (isOpen) onVictim(victim, victim.atUs / 1000);
  }

  function close(): void {
    if (!isOpen) return;
    isOpen = false;
    stopReading();
    instance?.close();
  }

  const stopReading = pollEvery(POLL_MS, read, QUIET_POLL_MS);
  return { read, close };
}

function openInstance(hostRoot: string, onTrouble: MarkVictimOptions["onTrouble"]): TracefsInstance | undefined {
  try {
    return openTracefsInstance(hostRoot, "oom/mark_victim");
  } catch (error) {
    if (!(error instanceof TracefsUnavailable)) throw error;
    onTrouble("mark_victim_unavailable", { reason: error.message });
    return undefined;
  }
}
