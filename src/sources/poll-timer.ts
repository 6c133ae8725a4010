/**
 * One timer for all that is looked at in turn. A wake-up of Node costs more than most looks (0.1 ms of CPU on a VM, the
 * node's vmstat 0.02 ms), so they share it: twenty wake-ups a second where four timers of their own took forty, and
 * four where something else tells at once that there is news.
 */

/** Milliseconds. */
export const BEAT_MS = 50;
/** While it is quiet; a multiple of it. */
export const QUIET_BEAT_MS = 250;

/** quick: news is found by looking; quiet: there is none, and the first will be told at once */
export type Pace = "quick" | "quiet";

interface Listener {
  readonly everyMs: number;
  readonly quietMs: number;
  readonly callback: () => void;
  dueMs: number;
}

const listeners = new Set<Listener>();
let timer: NodeJS.Timeout | undefined;
let pace: Pace = "quick";
/** counted by beats, not by a clock: nobody misses a turn because a timer was late */
let atMs = 0;

/**
 * Calls back every so often, as setInterval does: it keeps the process running, and what is thrown is thrown there.
 * @param everyMs a multiple of BEAT_MS; those with the same are called in one turn, in the order in which they came
 * @param quietMs the same while it is quiet, a multiple of QUIET_BEAT_MS
 * @returns stops it, at once
 */
export function onBeat(everyMs: number, callback: () => void, quietMs = everyMs): () => void {
  const listener = { everyMs, quietMs, callback, dueMs: 0 };
  // All of one period in one turn.
  listener.dueMs = nextMultiple(periodOf(listener));
  listeners.add(listener);
  timer ??= startTimer();
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** Calls back at the next beat, while it is quiet at the next multiple of that; once. @returns takes that back */
export function onNextBeat(callback: () => void, quietMs = BEAT_MS): () => void {
  const stop = onBeat(
    BEAT_MS,
    () => {
      stop();
      callback();
    },
    quietMs,
  );
  return stop;
}

/** From now on. Who has to be called sooner than before is called as soon as that says. */
export function setPace(next: Pace): void {
  if (next === pace) return;
  pace = next;
  if (timer === undefined) return;
  clearInterval(timer);
  timer = startTimer();
  for (const listener of listeners) listener.dueMs = nextMultiple(periodOf(listener));
}

function startTimer(): NodeJS.Timeout {
  return setInterval(beat, beatMs());
}

function beatMs(): number {
  return pace === "quiet" ? QUIET_BEAT_MS : BEAT_MS;
}

function periodOf({ everyMs, quietMs }: Listener): number {
  return Math.max(beatMs(), pace === "quiet" ? quietMs : everyMs);
}

function nextMultiple(periodMs: number): number {
  return (Math.floor(atMs / periodMs) + 1) * periodMs;
}

function beat(): void {
  atMs += beatMs();
  // Of a copy: one that comes meanwhile has its turn at the next beat.
  for (const listener of [...listeners]) {
    if (atMs < listener.dueMs || !listeners.has(listener)) continue;
    listener.dueMs = nextMultiple(periodOf(listener));
    listener.callback();
  }
}
