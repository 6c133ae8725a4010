/**
 * A trace buffer of our own in tracefs: what others trace is left alone, and they do not take our entries.
 * Spec: Documentation/trace/ftrace.rst, Instances.
 *
 * Read from the kernel's source, and to be known: an instance is made with 1.4 MB a CPU and shrunk after that
 * (kernel/trace/trace.c, TRACE_BUF_SIZE_DEFAULT), so that a node without that much to spare does without; and names
 * of tasks are recorded (record-cmd), which cannot be switched off for one instance alone.
 */
import { closeSync, constants, existsSync, mkdirSync, openSync, readdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readNow } from "../host.ts";
import { checkMemory, findTracefs, TracefsUnavailable, tracefsAdvice } from "./tracefs.ts";

export interface TracefsInstance {
  readonly directory: string;
  /** One read(2) of trace_pipe: whole entries. @throws Error with `code`, EAGAIN where there is nothing to read */
  read(into: Buffer): number;
  /** Takes the instance away, and what was traced with it. */
  close(): void;
}

const NAME = "oomscribe-";
/** A CPU. A hundred entries and more, of which a storm on the same CPU makes some dozen between two looks. */
const BUFFER_KB = 32;

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
    const where = directory ?? instances;
    throw new TracefsUnavailable(`${where} cannot be used (${code ?? error}): ${tracefsAdvice(code)}`, {
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
  return { directory, read: (into) => readNow(fd, into), close };
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
