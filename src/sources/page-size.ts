/** How large a page of memory is on this kernel: the OOM report counts tasks and the node's memory in pages. */
import { readText } from "./host.ts";

/** @returns bytes; undefined where /proc does not tell */
export function readPageSize(): number | undefined {
  return parsePageSize(readText("/proc/self/smaps") ?? "");
}

/** proc_pid_smaps(5), `KernelPageSize:        4 kB`: the first mapping is the program's own, never of huge pages. */
export function parsePageSize(smaps: string): number | undefined {
  const kb = /^KernelPageSize:\s+(\d+) kB$/m.exec(smaps)?.[1];
  return kb === undefined ? undefined : Number(kb) * 1024;
}
