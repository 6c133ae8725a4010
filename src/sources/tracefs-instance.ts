/**
 * A trace buffer of our own in tracefs: what others trace is left alone, and they do not take our entries.
 * Spec: Documentation/trace/ftrace.rst, Instances.
 *
 * Read from the kernel's source, and to be known: an instance is made with 1.4 MB a CPU and shrunk after that
 * (kernel/trace/trace.c, TRACE_BUF_SIZE_DEFAULT), so that a node without that much to spare does without; and names
 * of tasks are recorded (record-cmd), which cannot be switched off for one instance alone.
 */
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseMountinfo } from "../../parsers/mountinfo.ts";

export interface TracefsInstance {
  readonly directory: string;
  /** One read(2) of trace_pipe: whole entries. @throws Error with `code`, EAGAIN where there is nothing to read */
  read(into: Buffer): number;
  /** Takes the instance away, and what was traced with it. */
  close(): void;
}

/** There is no such trace on this node: a plain fact as a rule; the message says why, and what would change it. */
export class TracefsUnavailable extends Error {
  override name = "TracefsUnavailable";
}

const NAME = "oomscribe-";
/** A CPU. A hundred entries and more, of which a storm on the same CPU makes some dozen between two looks. */
const BUFFER_KB = 32;
const CREATED_KB_PER_CPU = 1408;
/** Of the memory that is available, at most the eighth part. */
const SPARE = 8;

/**
 * Makes the instance, with one event enabled and stamps of CLOCK_MONOTONIC; takes away what dead agents have left.
 * @param event `oom/mark_victim`
 * @throws TracefsUnavailable
 */
export function openTracefsInstance(hostRoot: string, event: string): TracefsInstance {
  const tracefs = findTracefs(hostRoot);
  const instances = join(tracefs, "instances");
  checkMemory();
  let directory: string | undefined;
  try {
    if (!existsSync(join(tracefs, "events", event))) {
      throw new TracefsUnavailable(`the kernel has no event ${event}: Linux 4.13 or later has it`);
    }
    removeLeftovers(instances);
    directory = makeDirectory(instances);
    writeFileSync(join(directory, "buffer_size_kb"), String(BUFFER_KB));
    writeFileSync(join(directory, "trace_clock"), "mono");
    const fd = openSync(join(directory, "trace_pipe"), constants.O_RDONLY | constants.O_NONBLOCK);
    return enable(directory, event, fd);
  } catch (error) {
    if (directory !== undefined) removeInstance(directory);
    if (error instanceof TracefsUnavailable) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new TracefsUnavailable(`${directory ?? instances} cannot be used (${code ?? error}): ${advice(code)}`, {
      cause: error,
    });
  }
}

function enable(directory: string, event: string, fd: number): TracefsInstance {
  const close = (): void => {
    closeSync(fd);
    removeInstance(directory);
  };
  try {
    writeFileSync(join(directory, "events", event, "enable"), "1");
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { directory, read: (into) => readSync(fd, into, 0, into.length, null), close };
}

function findTracefs(hostRoot: string): string {
  const mountinfo = hostRoot === "/" ? "/proc/self/mountinfo" : join(hostRoot, "proc/1/mountinfo");
  const mounted = parseMountinfo(readText(mountinfo)).filter(({ type }) => type === "tracefs");
  const candidates = [...mounted.map(({ mountPoint }) => mountPoint), ...CONVENTION];
  const found = candidates.map((path) => join(hostRoot, path)).find((path) => existsSync(join(path, "instances")));
  if (found !== undefined) return found;
  throw new TracefsUnavailable(
    `tracefs is not mounted at ${join(hostRoot, CONVENTION[0])}: \`mount -t tracefs nodev /sys/kernel/tracing\` on the ` +
      "node, and in a container mount it (hostPath) below the host root; it is not needed, the counters tell as much",
  );
}

const CONVENTION = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"] as const;

function checkMemory(): void {
  const availableKb = Number(/^MemAvailable:\s+(\d+) kB$/m.exec(readText("/proc/meminfo"))?.[1]);
  const neededKb = cpus().length * CREATED_KB_PER_CPU * SPARE;
  if (!(availableKb < neededKb)) return;
  throw new TracefsUnavailable(`only ${availableKb} kB of memory are available: with ${neededKb} kB a trace is made`);
}

/**
 * An instance whose trace_pipe is open cannot be taken away (EBUSY): what can is a dead agent's. A living one's is not
 * told by its pid, which in a container is the same as that of others.
 */
function removeLeftovers(instances: string): void {
  for (const name of readdirSync(instances)) if (name.startsWith(NAME)) removeInstance(join(instances, name));
}

function removeInstance(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // in use, or gone
  }
}

/** Another agent, in another container, may have the same pid. */
function makeDirectory(instances: string): string {
  for (let count = 1; ; count++) {
    const directory = join(instances, `${NAME}${process.pid}${count === 1 ? "" : `-${count}`}`);
    try {
      mkdirSync(directory);
      return directory;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST" || count === MAX_AGENTS) throw error;
    }
  }
}

const MAX_AGENTS = 8;

function advice(code: string | undefined): string {
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

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
