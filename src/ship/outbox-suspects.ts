/**
 * Records that the server failed at when they were sent alone: when each is sent again, and whether that is over. Pure:
 * the clock is passed in.
 *
 * One that fails while the backend takes others is what it fails at; one that fails with all the others says nothing.
 */

export interface SuspectOptions {
  /** milliseconds that it is sent again for, once the backend has taken others; default 1 hour */
  patienceMs?: number;
  /** milliseconds until it is sent again, default 1 minute; doubles with each failure … */
  firstMs?: number;
  /** … up to this, default 15 minutes */
  maxMs?: number;
  /** milliseconds of a clock that does not go back */
  now?: () => number;
  /** 0 up to but not 1 */
  random?: () => number;
}

export interface Suspects {
  has(id: number): boolean;
  /** It failed alone, once more or for the first time. @param afterMs what the server asked for */
  add(id: number, afterMs?: number): void;
  /** It is delivered, set aside or dropped. */
  remove(id: number): void;
  /** Whether the backend has taken others for long enough, and this one fails again. */
  isOverdue(id: number): boolean;
  /** The backend has taken other records: those that failed with all the others are due at once. */
  onOthersDelivered(): void;
  /** All are due: something has changed. */
  makeDue(): void;
  /** One that is due, but not twice in a row: others have their turn in between. */
  takeDue(): number | undefined;
  /** milliseconds until one is due; undefined: there are none */
  readonly dueInMs: number | undefined;
}

interface Suspect {
  failures: number;
  dueMs: number;
  /** since when others have been taken; undefined: none have been since it failed first */
  othersSinceMs: number | undefined;
}

const HOUR_MS = 3_600_000;

export function createSuspects(options: SuspectOptions = {}): Suspects {
  const { patienceMs = HOUR_MS, firstMs = 60_000, maxMs = 900_000 } = options;
  const { now = () => performance.now(), random = Math.random } = options;
  /** of records in the outbox, whose bounds are these' */
  const suspects = new Map<number, Suspect>();
  /** of them those that have failed since the backend last took anything */
  const unproven = new Set<Suspect>();
  let wasTaken = false;

  return {
    has: (id) => suspects.has(id),
    add(id, afterMs = 0) {
      const suspect = suspects.get(id) ?? { failures: 0, dueMs: 0, othersSinceMs: undefined };
      const waitMs = Math.min(firstMs * 2 ** suspect.failures, maxMs) * (0.5 + random() / 2);
      suspect.failures++;
      suspect.dueMs = now() + Math.max(waitMs, Math.min(afterMs, HOUR_MS));
      suspects.set(id, suspect);
      if (suspect.othersSinceMs === undefined) unproven.add(suspect);
    },
    remove(id) {
      const suspect = suspects.get(id);
      if (suspect === undefined) return;
      suspects.delete(id);
      unproven.delete(suspect);
    },
    isOverdue(id) {
      const since = suspects.get(id)?.othersSinceMs;
      return since !== undefined && now() - since >= patienceMs;
    },
    onOthersDelivered() {
      for (const suspect of unproven) {
        suspect.othersSinceMs = now();
        suspect.failures = 0;
        suspect.dueMs = now();
      }
      unproven.clear();
    },
    makeDue() {
      for (const suspect of suspects.values()) suspect.dueMs = now();
    },
    takeDue() {
      if (wasTaken || suspects.size === 0) {
        wasTaken = false;
        return undefined;
      }
      for (const [id, { dueMs }] of suspects) {
        if (dueMs > now()) continue;
        wasTaken = true;
        return id;
      }
      return undefined;
    },
    get dueInMs() {
      if (suspects.size === 0) return undefined;
      let earliest = Number.POSITIVE_INFINITY;
      for (const { dueMs } of suspects.values()) earliest = Math.min(earliest, dueMs);
      return Math.max(earliest - now(), 0);
    },
  };
}
