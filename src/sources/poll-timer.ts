/**
 * One timer for everything that is polled. Waking Node costs more than most reads (0.1 ms of CPU on a VM; the node's
 * vmstat takes 0.02 ms), so all polls share it: 20 wake-ups a second, and 10 while the node is idle.
 */

/** Milliseconds. */
export const ACTIVE_POLL_MS = 50;
/** While the kernel's log is idle; a multiple of it. */
export const IDLE_POLL_MS = 100;

/** `idle`: nothing was printed into the kernel's log for a while */
export type PollRate = "active" | "idle";

interface Listener {
  readonly everyMs: number;
  readonly idleMs: number;
  readonly callback: () => void;
  dueMs: number;
}

const listeners = new Set<Listener>();
let timer: NodeJS.Timeout | undefined;
let rate: PollRate = "active";
/** counted by timer ticks, not by a clock: no poll misses its turn because the timer was late */
let atMs = 0;

/**
 * Calls back periodically, as setInterval does: it keeps the process running, and what is thrown is thrown there.
 * @param everyMs a multiple of ACTIVE_POLL_MS; callbacks of one period are called in one turn, in the order of their calls
 * @param idleMs the period while the log is idle, a multiple of IDLE_POLL_MS
 * @returns stops it, at once
 */
export function pollEvery(everyMs: number, callback: () => void, idleMs = everyMs): () => void {
  const listener = { everyMs, idleMs, callback, dueMs: 0 };
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

/** Calls back once, at the next tick; while the log is idle at the next multiple of `idleMs`. @returns cancels it */
export function pollOnce(callback: () => void, idleMs = ACTIVE_POLL_MS): () => void {
  const stop = pollEvery(
    ACTIVE_POLL_MS,
    () => {
      stop();
      callback();
    },
    idleMs,
  );
  return stop;
}

/** Sets the rate from now on; polls that are due sooner than before are called as soon as that. */
export function setPollRate(next: PollRate): void {
  if (next === rate) return;
  rate = next;
  if (timer === undefined) return;
  clearInterval(timer);
  timer = startTimer();
  for (const listener of listeners) listener.dueMs = nextMultiple(periodOf(listener));
}

function startTimer(): NodeJS.Timeout {
  return setInterval(tick, tickMs());
}

function tickMs(): number {
  return rate === "idle" ? IDLE_POLL_MS : ACTIVE_POLL_MS;
}

function periodOf({ everyMs, idleMs }: Listener): number {
  return Math.max(tickMs(), rate === "idle" ? idleMs : everyMs);
}

function nextMultiple(periodMs: number): number {
  return (Math.floor(atMs / periodMs) + 1) * periodMs;
}

function tick(): void {
  atMs += tickMs();
  // A copy: a poll that is added meanwhile has its turn at the next tick.
  for (const listener of [...listeners]) {
    if (atMs < listener.dueMs || !listeners.has(listener)) continue;
    listener.dueMs = nextMultiple(periodOf(listener));
    listener.callback();
  }
}
