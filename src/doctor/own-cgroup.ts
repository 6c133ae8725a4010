/** This process's own memory cgroup, and how much room is left in it and in those above. */
import { dirname, join } from "node:path";
import { parseProcCgroup } from "../../parsers/cgroup/proc-cgroup.ts";
import { readDirectories } from "../sources/cgroup/directories.ts";
import type { MemoryHierarchy } from "../sources/cgroup/mounts.ts";
import { readText } from "../sources/host.ts";

export interface OwnCgroup {
  /** as the hierarchy names it, `/` at its top */
  path: string;
  directory: string;
}

/** The narrowest limit that this process stands under. */
export interface Room {
  /** the cgroup that has the limit */
  directory: string;
  /** how far above this process's own cgroup that is: 0 its own, 1 its pod's as a rule */
  levelsUp: number;
  /** bytes */
  limit: number;
  /** bytes, without what the kernel would give up at once (inactive file pages), as the kubelet counts it */
  used: number;
}

/** What is looked at where /proc does not tell the place, in a cgroup namespace. */
const MAX_CGROUPS = 10_000;

/** @param pid for tests. @returns undefined where it is in none that can be seen */
export function findOwnCgroup(hierarchy: MemoryHierarchy, pid = process.pid): OwnCgroup | undefined {
  const told = parseProcCgroup(readText("/proc/self/cgroup") ?? "")?.path;
  const below = told === undefined ? undefined : belowTop(told, hierarchy.path);
  const guess = below === undefined ? undefined : toOwn(hierarchy, below);
  if (guess !== undefined && holds(guess.directory, pid)) return guess;
  return search(hierarchy, pid);
}

/** @returns undefined where nothing above has a limit */
export function readRoom(hierarchy: MemoryHierarchy, { directory }: OwnCgroup): Room | undefined {
  let narrowest: Room | undefined;
  for (let at = directory, levelsUp = 0; ; at = dirname(at), levelsUp++) {
    const own = readOwnRoom(hierarchy.version, at);
    if (own !== undefined && (narrowest === undefined || leftOf(own) < leftOf(narrowest))) {
      narrowest = { ...own, levelsUp };
    }
    if (at === hierarchy.directory || at === dirname(at)) return narrowest;
  }
}

/** Bytes that may still be taken. */
export function leftOf({ limit, used }: Pick<Room, "limit" | "used">): number {
  return Math.max(limit - used, 0);
}

function belowTop(path: string, top: string): string | undefined {
  if (top === "/") return path;
  return path === top || path.startsWith(`${top}/`) ? path.slice(top.length) : undefined;
}

function toOwn({ directory, path }: MemoryHierarchy, below: string): OwnCgroup {
  const whole = join(path, below);
  return { path: whole === "/" ? "/" : whole.replace(/\/$/, ""), directory: join(directory, below).replace(/\/$/, "") };
}

function holds(directory: string, pid: number): boolean {
  return (readText(join(directory, "cgroup.procs")) ?? "").split("\n").includes(String(pid));
}

/** cgroup.procs has pids of the reader's own pid namespace, whatever cgroup namespace it is in. */
function search(hierarchy: MemoryHierarchy, pid: number): OwnCgroup | undefined {
  const waiting = [""];
  for (let looked = 0; waiting.length > 0 && looked < MAX_CGROUPS; looked++) {
    const below = waiting.shift() ?? "";
    const own = toOwn(hierarchy, below);
    if (holds(own.directory, pid)) return own;
    waiting.push(...readDirectories(own.directory).map((name) => `${below}/${name}`));
  }
  return undefined;
}

/** Documentation/admin-guide/cgroup-v1/memory.rst, cgroup-v2.rst; of v1's statistics `total_…` holds what is below. */
const FILES = {
  v1: { limit: "memory.limit_in_bytes", usage: "memory.usage_in_bytes", inactive: /^total_inactive_file (\d+)$/m },
  v2: { limit: "memory.max", usage: "memory.current", inactive: /^inactive_file (\d+)$/m },
} as const;
/** v1 writes PAGE_COUNTER_MAX where there is no limit, v2 `max`. */
const NO_LIMIT = 2 ** 60;

function readOwnRoom(version: "v1" | "v2", directory: string): Omit<Room, "levelsUp"> | undefined {
  const files = FILES[version];
  const limit = Number(readText(join(directory, files.limit)));
  const usage = Number(readText(join(directory, files.usage)));
  if (!(limit > 0) || limit >= NO_LIMIT || Number.isNaN(usage)) return undefined;
  const inactive = Number(files.inactive.exec(readText(join(directory, "memory.stat")) ?? "")?.[1] ?? 0);
  return { directory, limit, used: Math.max(usage - inactive, 0) };
}
