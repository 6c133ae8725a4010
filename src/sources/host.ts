/** What a process learns of its node: small files of the kernel, mounts, the boot, pages, pids. */
import { readFileSync, readlinkSync, readSync } from "node:fs";
import { join } from "node:path";
import { type Mount, parseMountinfo } from "../../parsers/mountinfo.ts";

/** @returns undefined where it cannot be read */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** @param hostRoot where the node's own file system is mounted: `/host` */
export function readMounts(hostRoot: string): Mount[] {
  const path = hostRoot === "/" ? "/proc/self/mountinfo" : join(hostRoot, "proc/1/mountinfo");
  return parseMountinfo(readText(path) ?? "");
}

/** 32 hex digits, another one after each boot; undefined where /proc does not tell. */
export function readBootId(): string | undefined {
  return readText("/proc/sys/kernel/random/boot_id")?.trim().replaceAll("-", "");
}

/** The size of a memory page, in which reports count tasks and the node's memory. @returns bytes; undefined where /proc does not say */
export function readPageSize(): number | undefined {
  return parsePageSize(readText("/proc/self/smaps") ?? "");
}

/** proc_pid_smaps(5), `KernelPageSize:        4 kB`: the first mapping is the program's own, never of huge pages. */
export function parsePageSize(smaps: string): number | undefined {
  const kb = /^KernelPageSize:\s+(\d+) kB$/m.exec(smaps)?.[1];
  return kb === undefined ? undefined : Number(kb) * 1024;
}

/** include/linux/proc_ns.h, PROC_PID_INIT_INO. */
const INIT_PID_NAMESPACE = "pid:[4026531836]";
let isInit: boolean | undefined;

/** Whether pids in the kernel's log mean the same processes here: the log has those of the node's own namespace. */
export function isInitPidNamespace(): boolean {
  isInit ??= readLink("/proc/self/ns/pid") === INIT_PID_NAMESPACE;
  return isInit;
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/**
 * read(2) of a file that was opened with O_NONBLOCK: the kernel's log and its traces. Most reads find nothing, and a third
 * of such an error's cost is its stack, which nobody reads: it has none.
 * @returns how many bytes were read into the buffer
 * @throws Error with `code`, EAGAIN where there is nothing to read
 */
export function readNow(fd: number, into: Buffer): number {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return readSync(fd, into, 0, into.length, null);
  } finally {
    Error.stackTraceLimit = limit;
  }
}
