/**
 * Who lives in the cgroups that are at their limit or have just had a kill: the next victims, each seen in its cgroup
 * before it dies. Their kill lines say no cgroup, and /proc/<pid> tells none any more by the time they are read.
 */
import { readPids } from "./cgroup-procs.ts";

export interface Living {
  /** Looks at those in this cgroup, now: it is at its limit, and one of them may be killed in a moment. */
  see(cgroup: string, directory: string, nowMs: number): void;
  /** Looks at those in this cgroup, now and from now on: it has had a kill. */
  watch(cgroup: string, directory: string, nowMs: number): void;
  look(nowMs: number): void;
  /** @returns where it was last seen, a moment ago */
  cgroupOf(pid: number, nowMs: number): string | undefined;
}

/** A storm's next kill comes within so long of the last one. */
const WATCHED_MS = 10_000;
/** To look at one takes some 15 µs. */
const MAX_WATCHED = 64;
/** A pid is not another process's so soon: the kernel gives all others away first. */
const FRESH_MS = 2000;

export function createLiving(): Living {
  const watched = new Map<string, { directory: string; untilMs: number }>();
  const seen = new Map<number, { cgroup: string; atMs: number }>();

  function lookAt(cgroup: string, directory: string, atMs: number): void {
    for (const pid of readPids(directory)) {
      // In the order of their last sight, so that the oldest are found first.
      seen.delete(pid);
      seen.set(pid, { cgroup, atMs });
    }
  }

  function forget(nowMs: number): void {
    for (const [cgroup, { untilMs }] of watched) if (untilMs < nowMs) watched.delete(cgroup);
    for (const [pid, { atMs }] of seen) {
      if (nowMs - atMs <= FRESH_MS) break;
      seen.delete(pid);
    }
  }

  return {
    see: lookAt,
    watch(cgroup, directory, nowMs) {
      watched.delete(cgroup);
      watched.set(cgroup, { directory, untilMs: nowMs + WATCHED_MS });
      const oldest = watched.size > MAX_WATCHED ? watched.keys().next().value : undefined;
      if (oldest !== undefined) watched.delete(oldest);
      lookAt(cgroup, directory, nowMs);
    },
    look(nowMs) {
      if (watched.size === 0 && seen.size === 0) return;
      forget(nowMs);
      for (const [cgroup, { directory }] of watched) lookAt(cgroup, directory, nowMs);
    },
    cgroupOf(pid, nowMs) {
      const last = seen.get(pid);
      return last === undefined || nowMs - last.atMs > FRESH_MS ? undefined : last.cgroup;
    },
  };
}
