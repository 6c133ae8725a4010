/**
 * One timer for all that is looked at in turn. A wake-up of Node costs more than most looks (0.1 ms of CPU on a VM, the
 * node's vmstat 0.02 ms), so they share it: twenty wake-ups a second where four timers of their own took forty.
 */

/** Milliseconds. */
export const BEAT_MS = 50;

interface Listener {
  /** beats from one call to the next */
  readonly every: number;
  readonly callback: () => void;
}

const listeners = new Set<Listener>();
let timer: NodeJS.Timeout | undefined;
let count = 0;

/**
 * Calls back every so often, as setInterval does: it keeps the process running, and what is thrown is thrown there.
 * @param everyMs a multiple of BEAT_MS; those with the same are called in one turn, in the order in which they came
 * @returns stops it, at once
 */
export function onBeat(everyMs: number, callback: () => void): () => void {
  const listener = { every: Math.max(1, Math.round(everyMs / BEAT_MS)), callback };
  listeners.add(listener);
  timer ??= setInterval(beat, BEAT_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** Calls back at the next beat, once. @returns takes that back */
export function onNextBeat(callback: () => void): () => void {
  const stop = onBeat(BEAT_MS, () => {
    stop();
    callback();
  });
  return stop;
}

function beat(): void {
  count++;
  // Of a copy: one that comes meanwhile has its turn at the next beat.
  for (const listener of [...listeners]) {
    if (count % listener.every === 0 && listeners.has(listener)) listener.callback();
  }
}
