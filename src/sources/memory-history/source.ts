/**
 * The memory of the node's containers, pods and units over time: looked at as often as each may need, within a budget
 * that no number of cgroups exceeds, and kept for a while after a cgroup is gone, since its kill is told after that.
 */
import { parseCgroupPath } from "../../../parsers/cgroup/path.ts";
import type { CgroupDirectory } from "../cgroup/tree.ts";
import { monotonicMs } from "../clock.ts";
import { pollEvery } from "../poll-timer.ts";
import { type MemoryFiles, type MemoryLimits, openMemoryFiles, readMemoryLimits } from "./files.ts";
import { createMemoryRing, type MemoryRing } from "./ring-buffer.ts";
import type { MemoryHistory, MemorySample } from "./sample.ts";
import { nextLookMs } from "./schedule.ts";

export type MemoryHistoryTrouble =
  /** there are more than are followed; said once */
  | "memory_history_limit_reached"
  /** the memory of a cgroup could not be read: tried again */
  | "memory_history_unreadable";

export interface MemoryHistoryOptions {
  version: "v1" | "v2";
  /** A sample was taken. */
  onSample?(cgroup: string, sample: MemorySample, limit: number | undefined): void;
  onTrouble(name: MemoryHistoryTrouble, detail: Readonly<Record<string, string | number>>): void;
  maxCgroups?: number;
}

export interface MemoryHistorySource {
  found(cgroup: CgroupDirectory): void;
  gone(path: string): void;
  /** @param untilMs CLOCK_MONOTONIC in milliseconds: what came later is left out @returns undefined: nothing is known */
  of(path: string, untilMs: number): MemoryHistory | undefined;
  /** The last sample until then. */
  lastOf(path: string, untilMs: number): MemorySample | undefined;
  /** Containers in a cgroup, that itself or any below, also those that went a moment ago. */
  containersIn(path: string): string[];
  /** how many are followed */
  readonly size: number;
  close(): void;
}

/** The finest time between two looks. */
const TICK_MS = 250;
/**
 * Looks a tick: one takes 35 to 60 µs (bench/history), so that 25 in a quarter of a second are half a percent of a core
 * whatever happens. Those that are due longest come first.
 */
const LOOKS_A_TICK = 25;
/** Of them, for what is not followed yet, however many are: a new container must not wait for those at their limit. */
const LOOKS_AT_NEW = 15;
/** See inOneTurn(). */
const TURN_MS = 1000;
/** A resize in place, and a limit that was set after the cgroup was made. */
const LIMIT_MS = 30_000;
const FIRST_LIMIT_MS = 1000;
/** Of a cgroup that is gone: a kill is told two seconds after it, in a storm later. */
const KEEP_MS = 60_000;
const MAX_GONE = 256;
/**
 * Ten kilobytes and four open files each. Half of them at most for delegated cgroups, of which whoever runs in a
 * container or unit may make any number, and a tenth for those of one.
 */
const MAX_CGROUPS = 1000;

interface Followed {
  readonly path: string;
  readonly directory: string;
  /** when it came; −Infinity: before we looked */
  readonly sinceMs: number;
  /** followed without a limit too, for what it uses of the node */
  readonly isContainer: boolean;
  /** made by whoever runs in a container or unit: below whose cgroup */
  readonly owner: string | undefined;
  limits: MemoryLimits;
  limitDueMs: number;
  dueMs: number;
  files: MemoryFiles | undefined;
  ring: MemoryRing | undefined;
  before: MemorySample | undefined;
  goneMs: number;
}

export function openMemoryHistory(options: MemoryHistoryOptions): MemoryHistorySource {
  const { version, onTrouble, maxCgroups = MAX_CGROUPS } = options;
  const candidates = new Map<string, Followed>();
  const gone = new Map<string, Followed>();
  let size = 0;
  /** of them, delegated ones: by owner, and all */
  const delegated = new Map<string, number>();
  let allDelegated = 0;
  let refused = 0;
  let nextDueMs = 0;

  function look(one: Followed, nowMs: number): void {
    if (nowMs >= one.limitDueMs) readLimits(one, nowMs);
    if (!one.isContainer && one.limits.limit === undefined && one.ring === undefined) {
      one.dueMs = one.limitDueMs;
      return;
    }
    if (one.ring === undefined && !admit(one)) {
      one.dueMs = nowMs + LIMIT_MS;
      return;
    }
    takeSample(one, nowMs);
  }

  function readLimits(one: Followed, nowMs: number): void {
    const isFirst = one.limitDueMs === 0;
    one.limits = readMemoryLimits(one.directory, version);
    const inMs = isFirst ? FIRST_LIMIT_MS : LIMIT_MS;
    one.limitDueMs = inOneTurn(nowMs + inMs, inMs);
  }

  function admit(one: Followed): boolean {
    const limit = limitFor(one);
    if (limit !== undefined) {
      if (refused++ === 0) onTrouble("memory_history_limit_reached", { limit, cgroup: one.path });
      return false;
    }
    count(one, 1);
    one.ring = createMemoryRing();
    return true;
  }

  /** Which of the bounds leaves no room. */
  function limitFor({ owner }: Followed): number | undefined {
    if (size >= maxCgroups) return maxCgroups;
    if (owner === undefined) return undefined;
    if (allDelegated >= maxCgroups / 2) return maxCgroups / 2;
    return (delegated.get(owner) ?? 0) >= maxCgroups / 10 ? maxCgroups / 10 : undefined;
  }

  function count({ owner }: Followed, by: 1 | -1): void {
    size += by;
    if (owner === undefined) return;
    allDelegated += by;
    const left = (delegated.get(owner) ?? 0) + by;
    if (left === 0) delegated.delete(owner);
    else delegated.set(owner, left);
  }

  function takeSample(one: Followed, nowMs: number): void {
    one.dueMs = nowMs + LIMIT_MS;
    try {
      one.files ??= openMemoryFiles(one.directory, version);
      const sample = one.files?.read(monotonicMs());
      if (sample === undefined || sample === "gone" || one.ring === undefined) return;
      const nextMs = nextLookMs(sample, one.before, limitAround(one), nowMs - one.sinceMs);
      one.dueMs = Math.min(one.limitDueMs, inOneTurn(nowMs + nextMs, nextMs));
      one.before = sample;
      one.ring.push(sample);
      options.onSample?.(one.path, sample, one.limits.limit);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? String(error);
      onTrouble("memory_history_unreadable", { code, cgroup: one.path });
    }
  }

  /** A container without a limit of its own may use up its pod's: who used how much of that is asked at the kill. */
  function limitAround({ path, isContainer, limits }: Followed): number | undefined {
    if (limits.limit !== undefined || !isContainer) return limits.limit;
    return candidates.get(path.slice(0, path.lastIndexOf("/")))?.limits.limit;
  }

  function tick(): void {
    const nowMs = monotonicMs();
    if (nowMs >= nextDueMs) lookAtDue(nowMs);
    for (const [path, { goneMs }] of gone) {
      // In the order in which they went.
      if (nowMs - goneMs <= KEEP_MS && gone.size <= MAX_GONE) break;
      gone.delete(path);
    }
  }

  function lookAtDue(nowMs: number): void {
    const due: Followed[] = [];
    for (const one of candidates.values()) if (one.dueMs <= nowMs) due.push(one);
    for (const one of chooseDue(due)) look(one, nowMs);
    nextDueMs = Number.POSITIVE_INFINITY;
    for (const { dueMs } of candidates.values()) nextDueMs = Math.min(nextDueMs, dueMs);
  }

  /** What was read of it stays for a while. */
  function retire(path: string): void {
    const one = candidates.get(path);
    if (one === undefined) return;
    candidates.delete(path);
    one.files?.close();
    one.files = undefined;
    if (one.ring === undefined) return;
    count(one, -1);
    one.goneMs = monotonicMs();
    gone.delete(path);
    gone.set(path, one);
  }

  const stopTicks = pollEvery(TICK_MS, tick);

  return {
    found({ path, directory, isNew, delegatedTo }) {
      const { kind, nested } = parseCgroupPath(path);
      if (kind === "root") return;
      retire(path);
      const isContainer = kind === "container" && nested === undefined;
      const rest = {
        limits: {},
        limitDueMs: 0,
        dueMs: 0,
        files: undefined,
        ring: undefined,
        before: undefined,
        goneMs: 0,
      };
      const sinceMs = isNew ? monotonicMs() : Number.NEGATIVE_INFINITY;
      nextDueMs = 0;
      candidates.set(path, { path, directory, sinceMs, isContainer, owner: delegatedTo, ...rest });
    },
    gone: retire,
    of(path, untilMs) {
      // A unit that has started again has the path of the one that was killed.
      for (const one of [candidates.get(path), gone.get(path)]) {
        const history = one === undefined ? undefined : toHistory(one, untilMs);
        if (history !== undefined) return history;
      }
      return undefined;
    },
    lastOf: (path, untilMs) =>
      candidates.get(path)?.ring?.lastUntil(untilMs) ?? gone.get(path)?.ring?.lastUntil(untilMs),
    containersIn(path) {
      const below = path === "/" ? "/" : `${path}/`;
      const isIn = ({ path: own, isContainer, ring }: Followed): boolean =>
        isContainer && ring !== undefined && (own === path || own.startsWith(below));
      return [...new Set([...candidates.values(), ...gone.values()].filter(isIn).map((one) => one.path))];
    },
    get size() {
      return size;
    },
    close() {
      stopTicks();
      for (const one of candidates.values()) one.files?.close();
      candidates.clear();
      delegated.clear();
      gone.clear();
    },
  };
}

/** Those that have time are looked at with others: one after another costs less than as many turns. */
function inOneTurn(dueMs: number, inMs: number): number {
  return inMs < 2 * TURN_MS ? dueMs : Math.floor(dueMs / TURN_MS) * TURN_MS;
}

function chooseDue(due: Followed[]): Followed[] {
  // Whoever makes cgroups without end waits for the others.
  due.sort((a, b) => Number(a.owner !== undefined) - Number(b.owner !== undefined) || a.dueMs - b.dueMs);
  const followed = due.filter(({ ring }) => ring !== undefined);
  const others = due.filter(({ ring }) => ring === undefined);
  const room = Math.max(LOOKS_AT_NEW, LOOKS_A_TICK - followed.length);
  const chosen = others.slice(0, room);
  return [...chosen, ...followed.slice(0, LOOKS_A_TICK - chosen.length)];
}

function toHistory({ path, limits, sinceMs, ring }: Followed, untilMs: number): MemoryHistory | undefined {
  const samples = ring?.samples().filter(({ atMs }) => atMs <= untilMs) ?? [];
  if (ring === undefined || samples.length === 0) return undefined;
  return { cgroup: path, ...limits, isFromStart: Number.isFinite(sinceMs), samples, peak: ring.peak };
}
