/**
 * Which process is each container's own: PID 1 of the pid namespace in it, found while it lives. Of a victim whose /proc
 * is gone by the time that its kill line is read it still tells whether the container went with it.
 */
import { join } from "node:path";
import { parseCgroupPath } from "../../parsers/cgroup/path.ts";
import { createSeldom } from "../seldom.ts";
import { readPids } from "./cgroup-procs.ts";
import type { CgroupDirectory } from "./cgroup-tree.ts";
import { readText } from "./host-files.ts";
import { innermostPid } from "./victim-proc.ts";

export interface OwnProcesses {
  found(cgroup: CgroupDirectory, nowMs: number): void;
  gone(path: string, nowMs: number): void;
  /** Looks into those that are due. */
  look(nowMs: number): void;
  /** @returns its pid on the node; undefined: not found, or none: containers may share a pod's or the node's namespace */
  of(container: string): number | undefined;
}

/** After a cgroup was found: the runtime puts the process there first and then starts what it is to be. */
const LOOKS_MS: readonly number[] = [500, 3000, 30_000];
/** A look takes some 100 µs. */
const LOOKS_A_TICK = 50;
/** The first that were put there; of a container that was there before us its own process is among the oldest. */
const MAX_PIDS = 16;
/** Of a container that is gone: its kill is told two seconds after it, in a storm later. */
const KEEP_MS = 60_000;
const MAX_CONTAINERS = 2000;
/** … beyond which none is added that a user of the node has made: there may be any number of those. */
const MAX_DELEGATED = MAX_CONTAINERS / 2;

interface Container {
  directory: string;
  sinceMs: number;
  /** how many looks have been taken */
  looks: number;
  pid?: number;
  goneMs?: number;
}

/** @param hostRoot where the node's own file system is mounted */
export function createOwnProcesses(hostRoot: string): OwnProcesses {
  const containers = new Map<string, Container>();
  /** of them, those that are still looked for */
  const sought = new Set<string>();
  /** of them, those whose cgroup is gone, in that order: the first makes room for one that lives */
  const gone = new Set<string>();
  const isTimeToForget = createSeldom();

  function forget(path: string): void {
    containers.delete(path);
    gone.delete(path);
  }

  function isDue({ sinceMs, looks }: Container, nowMs: number): boolean {
    return nowMs - sinceMs >= (LOOKS_MS[looks] ?? Number.POSITIVE_INFINITY);
  }

  function lookInto(path: string, container: Container): void {
    container.looks++;
    const pid = findOwn(readPids(container.directory), hostRoot);
    if (pid !== undefined) container.pid = pid;
    if (pid !== undefined || container.looks >= LOOKS_MS.length) sought.delete(path);
  }

  return {
    found({ path, directory, delegatedTo }, nowMs) {
      const { kind, nested } = parseCgroupPath(path);
      if (kind !== "container" || nested !== undefined) return;
      const [first] = gone;
      if (containers.size >= MAX_CONTAINERS && first !== undefined) forget(first);
      if (containers.size >= (delegatedTo === undefined ? MAX_CONTAINERS : MAX_DELEGATED)) return;
      gone.delete(path);
      containers.set(path, { directory, sinceMs: nowMs, looks: 0 });
      sought.add(path);
    },
    gone(path, nowMs) {
      const container = containers.get(path);
      sought.delete(path);
      if (container === undefined) return;
      container.goneMs = nowMs;
      gone.delete(path);
      gone.add(path);
    },
    look(nowMs) {
      let room = LOOKS_A_TICK;
      for (const path of sought) {
        const container = containers.get(path);
        if (container === undefined || !isDue(container, nowMs)) continue;
        if (room-- === 0) break;
        lookInto(path, container);
      }
      if (!isTimeToForget(nowMs)) return;
      for (const path of gone) {
        if (nowMs - (containers.get(path)?.goneMs ?? 0) <= KEEP_MS) break;
        forget(path);
      }
    },
    of: (container) => containers.get(container)?.pid,
  };
}

function findOwn(pids: readonly number[], hostRoot: string): number | undefined {
  return pids
    .slice(0, MAX_PIDS)
    .find((pid) => innermostPid(readText(join(hostRoot, "proc", String(pid), "status")) ?? "") === 1);
}
