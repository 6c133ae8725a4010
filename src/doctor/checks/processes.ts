/** /proc of the node: whether the pids of the kernel's log can be looked up here. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { isInitPidNamespace } from "../../sources/host.ts";
import type { CheckContext, Finding } from "../check.ts";

/** @param isInit for tests: whether this process is in the node's own pid namespace */
export function checkProcesses({ hostRoot }: Pick<CheckContext, "hostRoot">, isInit = isInitPidNamespace()): Finding {
  const proc = join(hostRoot, "proc");
  const detail = { proc, isInitPidNamespace: isInit };
  if (hostRoot === "/" && !isInit) {
    return {
      status: "warning",
      says: "this is a pid namespace of a container: the pids of the kernel's log cannot be looked up",
      advice:
        "set hostPID: true, or mount the node's /proc (hostPath) below --host-root; without it oom.container.pid1 is not known",
      detail,
    };
  }
  if (!existsSync(join(proc, "1/cgroup"))) {
    return {
      status: "warning",
      says: `${proc} is not the node's /proc: the pids of the kernel's log cannot be looked up`,
      advice: `mount the node's /proc (hostPath) at ${proc}`,
      detail,
    };
  }
  const where = isInit ? "in the node's pid namespace" : "in a pid namespace of its own, with the node's /proc";
  return { status: "ok", says: `${proc} tells of victims; this process is ${where}`, detail };
}
