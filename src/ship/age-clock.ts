/**
 * The clock by which the outbox counts how long a record has waited: milliseconds that the node has been up since the
 * outbox was made. Pure: what the node's clocks say is passed in.
 *
 * The wall clock does not do: a node starts before NTP has set its clock, which then jumps by years, and all that waits
 * would be too old at once. CLOCK_BOOTTIME does not jump and counts a suspended node too; it begins anew with each boot,
 * where the count goes on from what was saved last. The time between two boots is not counted: nothing measures it, and
 * to keep a record for longer than it had to be loses nothing.
 */

/** What is saved, in the transaction of the records. */
export interface AgeClockState {
  /** empty: not known */
  bootId: string;
  /** CLOCK_BOOTTIME in milliseconds … */
  upMs: number;
  /** … when this clock was at */
  atMs: number;
}

export interface AgeClock {
  nowMs(): number;
  state(): AgeClockState;
}

export interface AgeClockOptions {
  /** undefined: not known; then each start counts as a boot */
  bootId: string | undefined;
  /** CLOCK_BOOTTIME in milliseconds */
  upMs(): number;
  restored: AgeClockState | undefined;
}

/** A century: what is beyond it is damaged, and would make all that waits too old. */
const MAX_MS = 100 * 365 * 86_400_000;

export function createAgeClock({ bootId = "", upMs, ...options }: AgeClockOptions): AgeClock {
  const restored = options.restored !== undefined && isUsable(options.restored) ? options.restored : undefined;
  const startMs = upMs();
  const baseMs = restored === undefined ? -startMs : baseOf(restored);
  let lastMs = baseMs + startMs;

  function baseOf(saved: AgeClockState): number {
    const isSameBoot = bootId !== "" && saved.bootId === bootId && saved.upMs <= startMs;
    if (isSameBoot) return saved.atMs - saved.upMs;
    // Of another boot: the whole of this one has passed since. Of an unknown one nothing is known to have.
    return bootId === "" || saved.bootId === bootId ? saved.atMs - startMs : saved.atMs;
  }

  function nowMs(): number {
    lastMs = Math.max(lastMs, Math.round(baseMs + upMs()));
    return lastMs;
  }

  return { nowMs, state: () => ({ bootId, upMs: Math.round(upMs()), atMs: nowMs() }) };
}

function isUsable({ upMs, atMs }: AgeClockState): boolean {
  return [upMs, atMs].every((ms) => ms >= 0 && ms <= MAX_MS);
}
