/**
 * The kernel's log, live: reads /dev/kmsg without ever waiting in the kernel and forwards every record and every gap.
 *
 * Node offers no poll(2) on the device, so it is polled: 2 ms after a record, then less and less often, every 50 ms, and
 * every 100 ms once nothing was printed for a while.
 */
import type { KernelRecord } from "../../../parsers/kernel-record.ts";
import { createKernelClock, type KernelClock } from "../clock.ts";
import { readBootId } from "../host.ts";
import { ACTIVE_POLL_MS, IDLE_POLL_MS, pollOnce, setPollRate } from "../poll-timer.ts";
import { type KmsgDevice, openKmsgDevice } from "./device.ts";
import { createSliceReader, type KmsgTrouble, type Slice, type TroubleDetail } from "./reader.ts";
import type { RecordReading, SequenceGap } from "./reading.ts";
import { createNewRecords } from "./start.ts";

/** Records that were overwritten before they were read. */
export interface KmsgGap extends SequenceGap {
  /** 32 hex digits */
  bootId?: string;
  /** when it was noticed, microseconds since the Unix epoch */
  noticedUs: number;
}

export interface KmsgOptions {
  /** default /dev/kmsg */
  path?: string;
  /** `boot`: from the oldest record that the kernel still has; `now`: only what is printed from now on */
  since: "boot" | "now";
  /** @param atMs when it was printed, CLOCK_MONOTONIC in milliseconds */
  onRecord(record: KernelRecord, atMs: number): void;
  /** Called before the record after the gap. */
  onGap(gap: KmsgGap, atMs: number): void;
  onTrouble(name: KmsgTrouble, detail: TroubleDetail): void;
  /** Everything that was printed until `nowMs` (CLOCK_MONOTONIC) has been handed on. Called at every wake. */
  onDrained?(nowMs: number): void;
  /** for tests: default is the device at `path` */
  device?: KmsgDevice;
  clock?: KernelClock;
}

export interface KmsgSource {
  /** 32 hex digits; undefined where /proc does not tell */
  readonly bootId: string | undefined;
  /** Hands nothing on until resume(): the kernel's own buffer holds what comes, as long as it can. */
  pause(): void;
  /** Asks every 2 ms for some time: what is said next is worth to be known at once. */
  hurry(): void;
  resume(): void;
  /** Hands on, at once, what is there: to be called before close() where the last record counts. */
  drain(): void;
  /** Stops at once; no callback is called any more. */
  close(): void;
}

/** After a record: the rest of its report follows within a few of these. */
const SHORTEST_POLL_MS = 2;
/** With nothing to read; what a kill may have to wait. */
const LONGEST_POLL_MS = ACTIVE_POLL_MS;
/** A storm's next kill comes sooner as a rule; so long at 2 ms takes some hundredths of a second of CPU. */
const HURRY_US = 500_000;
/** A report and what comes with it is over: the log is idle. */
const IDLE_AFTER_US = 500_000;
/** After a kill: it is reported, and the next one of a storm would have come. */
const IDLE_AFTER_KILL_US = 10_000_000;
/** After an errno that the device does not have. */
const FAILED_POLL_MS = 1000;
/** What drain() may take of a shutdown while somebody floods the log. */
const MAX_DRAIN_US = 200_000;
/** What the start of `since: now` may take. */
const MAX_SKIP_US = 1_000_000;

/**
 * Opens the kernel's log and starts to hand on its records at the next turn of the event loop. An open source keeps
 * the process running, as a server does.
 * @throws KmsgOpenError where it cannot be opened, with what to do in its message
 */
export function openKmsg(options: KmsgOptions): KmsgSource {
  const device = options.device ?? openKmsgDevice(options.path ?? "/dev/kmsg");
  const clock = options.clock ?? createKernelClock();
  const bootId = readBootId();
  const slices = createSliceReader(device, clock, options.onTrouble);
  /** read, and not handed on yet */
  let waiting: RecordReading[] = [];
  let pollMs = SHORTEST_POLL_MS;
  let paused = false;
  let closed = false;
  let hurryUntilUs = 0;
  let idleFromUs = 0;
  let timer: NodeJS.Timeout | undefined;
  let stopPolling: (() => void) | undefined;
  let turn: NodeJS.Immediate | undefined;

  /** Reads on, unless something still waits. */
  function readSlice(): Slice["end"] {
    if (waiting.length > 0) return "full";
    const { readings, end } = slices.read();
    waiting = readings;
    if (readings.length > 0) stayActive(IDLE_AFTER_US);
    return end;
  }

  function stayActive(forUs: number): void {
    idleFromUs = Math.max(idleFromUs, clock.monotonicUs() + forUs);
    setPollRate("active");
  }

  function handOn(evenIfPaused = false): void {
    let done = 0;
    for (const { record, gap } of waiting) {
      if (closed || (paused && !evenIfPaused)) break;
      done++;
      const monotonicUs = clock.toMonotonicUs(record.monotonicUs ?? 0);
      if (gap !== undefined) handOnGap(gap, monotonicUs / 1000);
      record.bootId = bootId;
      record.wallTimeUs = clock.toRealtimeUs(monotonicUs);
      options.onRecord(record, monotonicUs / 1000);
    }
    waiting = done === waiting.length ? [] : waiting.slice(done);
  }

  function handOnGap(gap: SequenceGap, atMs: number): void {
    const noticedUs = clock.toRealtimeUs(clock.monotonicUs());
    options.onGap({ ...gap, ...(bootId === undefined ? {} : { bootId }), noticedUs }, atMs);
  }

  function wake(): void {
    pollMs = clock.monotonicUs() < hurryUntilUs ? SHORTEST_POLL_MS : Math.min(pollMs * 2, LONGEST_POLL_MS);
    work();
  }

  /** One turn of the event loop's worth. */
  function work(): void {
    clock.measure();
    const end = readSlice();
    if (waiting.length > 0) pollMs = SHORTEST_POLL_MS;
    handOn();
    if (closed || paused) return;
    if (end === "full") {
      turn = setImmediate(work);
      return;
    }
    if (end === "empty") options.onDrained?.((slices.emptyAtUs ?? 0) / 1000);
    if (closed) return;
    if (end === "empty" && clock.monotonicUs() >= idleFromUs) setPollRate("idle");
    if (end !== "failed" && pollMs === LONGEST_POLL_MS) stopPolling = pollOnce(wake, IDLE_POLL_MS);
    else timer = setTimeout(wake, end === "failed" ? FAILED_POLL_MS : pollMs);
  }

  function skipOldRecords(): void {
    const startUs = clock.monotonicUs();
    const fresh = createNewRecords(startUs);
    let nowUs = startUs;
    let end: Slice["end"] = "full";
    while (end === "full" && !fresh.full && nowUs - startUs < MAX_SKIP_US) {
      const slice = slices.read();
      end = slice.end;
      nowUs = clock.monotonicUs();
      for (const reading of slice.readings) fresh.push(reading, nowUs);
      if (slice.readings.length > 0) stayActive(IDLE_AFTER_US);
    }
    waiting = fresh.take();
  }

  if (options.since === "now") skipOldRecords();
  turn = setImmediate(wake);

  return {
    bootId,
    pause() {
      paused = true;
    },
    hurry() {
      hurryUntilUs = clock.monotonicUs() + HURRY_US;
      stayActive(IDLE_AFTER_KILL_US);
    },
    resume() {
      if (!paused || closed) return;
      paused = false;
      stopWaiting();
      turn = setImmediate(wake);
    },
    drain() {
      const untilUs = clock.monotonicUs() + MAX_DRAIN_US;
      let end: Slice["end"] = "full";
      while (!closed && end === "full" && clock.monotonicUs() < untilUs) {
        end = readSlice();
        handOn(true);
      }
    },
    close() {
      if (closed) return;
      closed = true;
      stopWaiting();
      setPollRate("active");
      device.close();
    },
  };

  function stopWaiting(): void {
    clearTimeout(timer);
    stopPolling?.();
    clearImmediate(turn);
  }
}
