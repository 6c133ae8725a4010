/** What the kernel's log still holds, a record a line: how many kills it names the cgroup of. */
import { readKernelLog } from "../../test/kernel/kernel-log.ts";

export function readKernelLines(): string[] {
  return readKernelLog().map((record) => record.split("\n")[0] ?? "");
}
