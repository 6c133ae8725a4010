/** Whether the pids of the kernel's log mean here what they mean there. */
import { readlinkSync } from "node:fs";

/** include/linux/proc_ns.h, PROC_PID_INIT_INO. */
const INIT_PID_NAMESPACE = "pid:[4026531836]";
let isInit: boolean | undefined;

/** The kernel's log has pids of the node's own namespace; in a container's they are other processes. */
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
