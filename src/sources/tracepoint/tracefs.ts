/** Where the node's tracefs is, whether there is room for a trace, and what to do where there is none. */
import { existsSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { readMounts, readText } from "../host.ts";

/** There is no such trace on this node: a plain fact as a rule; the message says why, and what would change it. */
export class TracefsUnavailable extends Error {
  override name = "TracefsUnavailable";
}

const CREATED_KB_PER_CPU = 1408;
/** Of the memory that is available, at most the eighth part. */
const SPARE = 8;

/** @throws TracefsUnavailable */
export function findTracefs(hostRoot: string): string {
  const mounted = readMounts(hostRoot).filter(({ type }) => type === "tracefs");
  const candidates = [...mounted.map(({ mountPoint }) => mountPoint), ...CONVENTION];
  const found = candidates.map((path) => join(hostRoot, path)).find((path) => existsSync(join(path, "instances")));
  if (found !== undefined) return found;
  throw new TracefsUnavailable(
    `tracefs is not mounted at ${join(hostRoot, CONVENTION[0])}: \`mount -t tracefs nodev /sys/kernel/tracing\` on the ` +
      "node, and in a container mount it (hostPath) below the host root; it is not needed, the counters tell as much",
  );
}

const CONVENTION = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"] as const;

/** @throws TracefsUnavailable where the node has not enough memory to make an instance */
export function checkMemory(): void {
  const availableKb = Number(/^MemAvailable:\s+(\d+) kB$/m.exec(readText("/proc/meminfo") ?? "")?.[1]);
  const neededKb = cpus().length * CREATED_KB_PER_CPU * SPARE;
  if (!(availableKb < neededKb)) return;
  throw new TracefsUnavailable(`only ${availableKb} kB of memory are available: with ${neededKb} kB a trace is made`);
}

export function tracefsAdvice(code: string | undefined): string {
  switch (code) {
    case "EACCES":
      return "run as root";
    case "EPERM":
      return "the kernel is locked down (secure boot, confidentiality), or the container may not: run it privileged";
    case "EROFS":
      return "mount it for reading and writing";
    case "ENOMEM":
      return "the node has not enough memory for it";
    case "EINVAL":
      return "the kernel is too old for it";
    default:
      return "see Documentation/trace/ftrace.rst";
  }
}
