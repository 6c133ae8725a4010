/**
 * What /proc still says of a process that is being killed: to be read at once when its kill line arrives.
 *
 * A race that is often lost: measured, /proc/<pid> is gone 12–94 ms after the line, and on v1 its cgroup reads `/`
 * within 2 ms of the kill, as soon as the process begins to end (kernel/cgroup/cgroup.c, proc_cgroup_show); v2 tells
 * the cgroup until its parent has waited for it.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { decodeBytes } from "../../../parsers/bytes.ts";
import { parseProcCgroup } from "../../../parsers/cgroup/proc-cgroup.ts";
import { isInitPidNamespace } from "../host.ts";

/** Compare `comm` with the kill line's: the pid may be another process's by now. */
export interface VictimProc {
  /** in the hierarchy of the memory controller, as the kernel's log prints it */
  cgroup?: string;
  /** where it was seen a moment before, alive (living.ts) */
  seenCgroup?: string;
  comm?: string;
  /**
   * whether it is PID 1 of its innermost pid namespace: the container's own process. False says less: containers that
   * share the node's or the pod's pid namespace have no PID 1 of their own
   */
  pid1?: boolean;
}

export interface VictimProcOptions {
  /** where the node's own file system is mounted, default "/" */
  hostRoot?: string;
}

/** Takes about 50 µs. Never throws. @returns undefined where nothing of the process is left, or can be seen from here */
export function readVictimProc(pid: number, { hostRoot = "/" }: VictimProcOptions = {}): VictimProc | undefined {
  if (hostRoot === "/" && !isInitPidNamespace()) return undefined;
  const directory = join(hostRoot, "proc", String(pid));
  // In the order in which it goes.
  const cgroup = parseProcCgroup(readText(join(directory, "cgroup")) ?? "")?.path;
  const comm = readText(join(directory, "comm"));
  const innermost = innermostPid(readText(join(directory, "status")) ?? "");
  if (cgroup === undefined && comm === undefined && innermost === undefined) return undefined;
  return {
    ...(cgroup === undefined ? {} : { cgroup: decodeBytes(cgroup) }),
    ...(comm === undefined ? {} : { comm: decodeBytes(comm.replace(/\n$/, "")) }),
    ...(innermost === undefined ? {} : { pid1: innermost === 1 }),
  };
}

/**
 * `NSpid:\t8104\t1`, since Linux 4.1: its pids from the outermost namespace to the innermost. A zombie has it as well.
 * @param status all of /proc/<pid>/status
 */
export function innermostPid(status: string): number | undefined {
  const innermost = /^NSpid:(?:\t\d+)*?\t(\d+)$/m.exec(status)?.[1];
  return innermost === undefined ? undefined : Number(innermost);
}

const buffer = Buffer.allocUnsafe(8192);

/** @returns a byte string */
function readText(path: string): string | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, "r");
    return buffer.toString("latin1", 0, readSync(fd, buffer, 0, buffer.length, 0));
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
