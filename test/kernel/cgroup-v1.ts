/** Memory cgroups (v1) of a test's own, below the one that the test runs in, with limits that are really enforced. */
import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface TestCgroup {
  /** as the kernel prints it in its log */
  readonly path: string;
  readonly directory: string;
  /** Makes a cgroup below. @param limitBytes absent: none of its own */
  child(name: string, limitBytes?: number): TestCgroup;
  /** kills in this very cgroup, by the kernel's own count */
  oomKills(): number;
}

export interface TestCgroups {
  /** `oomscribe-test-<pid>`, the parent of every cgroup that a test makes; without a limit */
  readonly root: TestCgroup;
  /** Removes every cgroup that was made; kills what still runs in them. To be called whatever happened. */
  remove(): Promise<void>;
}

/** Why no kills can be made here; undefined: they can. */
export function whyNoKills(): string | undefined {
  if (process.platform !== "linux") return "kills need Linux";
  const own = findOwnCgroup();
  if (own === undefined) return "no cgroup v1 with the memory controller here";
  try {
    accessSync("/dev/kmsg", constants.R_OK | constants.W_OK);
    readFileSync(join(own.directory, "memory.limit_in_bytes"));
    const probe = join(own.directory, `oomscribe-test-${process.pid}-probe`);
    mkdirSync(probe);
    rmdirSync(probe);
  } catch (error) {
    return `this user may not use /dev/kmsg, or make cgroups in ${own.directory}: ${(error as Error).message}`;
  }
  if (!/^oom_kill_disable 0$/m.test(readFileSync(join(own.directory, "memory.oom_control"), "latin1"))) {
    return `${own.directory} has its OOM killer switched off`;
  }
  return undefined;
}

/** The limits that tests may set: room for a Node process's own memory at most, never near the machine's. */
const MAX_LIMIT = 64 * 1024 * 1024;

export function openTestCgroups(): TestCgroups {
  const own = findOwnCgroup();
  if (own === undefined) throw new Error("no cgroup v1 with the memory controller here; see whyNoKills()");
  const made: TestCgroup[] = [];

  function make(parent: { path: string; directory: string }, name: string, limitBytes?: number): TestCgroup {
    const cgroup: TestCgroup = {
      path: `${parent.path === "/" ? "" : parent.path}/${name}`,
      directory: join(parent.directory, name),
      child: (childName, childLimit) => make(cgroup, childName, childLimit),
      oomKills: () => readOomKills(cgroup.directory),
    };
    mkdirSync(cgroup.directory);
    made.push(cgroup);
    if (limitBytes !== undefined) setLimit(cgroup.directory, limitBytes);
    return cgroup;
  }

  return {
    root: make(own, `oomscribe-test-${process.pid}`),
    async remove() {
      // Children before parents.
      for (const { directory } of made.splice(0).reverse()) await removeCgroup(directory);
    },
  };
}

/** This process's own memory cgroup: its path and where that is mounted. */
function findOwnCgroup(): { path: string; directory: string } | undefined {
  const path = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.+)$/m.exec(readFile("/proc/self/cgroup"))?.[1];
  if (path === undefined) return undefined;
  // proc_pid_mountinfo(5): ID, parent, device, root, mount point, options, optional fields, "-", type, source, options
  for (const line of readFile("/proc/self/mountinfo").split("\n")) {
    const [fields = "", file = ""] = line.split(" - ");
    const [, , , root = "", mountPoint = ""] = fields.split(" ");
    if (!/^cgroup .*\bmemory\b/.test(file)) continue;
    const below = root === "/" ? path : path.startsWith(root) ? path.slice(root.length) : undefined;
    if (below !== undefined) return { path, directory: join(mountPoint, below) };
  }
  return undefined;
}

function setLimit(directory: string, limitBytes: number): void {
  if (limitBytes > MAX_LIMIT) throw new Error(`a limit of ${limitBytes} bytes: at most ${MAX_LIMIT} in tests`);
  writeFileSync(join(directory, "memory.limit_in_bytes"), String(limitBytes));
  // With swap the limit would only move memory there. The file is missing where the kernel does not count swap.
  const memsw = join(directory, "memory.memsw.limit_in_bytes");
  if (existsSync(memsw)) writeFileSync(memsw, String(limitBytes));
  const set = Number(readFileSync(join(directory, "memory.limit_in_bytes"), "latin1"));
  if (set !== limitBytes) throw new Error(`${directory}: the limit is ${set} bytes and not ${limitBytes}`);
}

/** Since Linux 4.13. */
function readOomKills(directory: string): number {
  const control = readFileSync(join(directory, "memory.oom_control"), "latin1");
  return Number(/^oom_kill (\d+)$/m.exec(control)?.[1]);
}

/** A dying process leaves its cgroup a little after its parent has seen it die. */
async function removeCgroup(directory: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    for (const pid of readFile(join(directory, "cgroup.procs")).split("\n")) if (pid !== "") killProcess(Number(pid));
    try {
      rmdirSync(directory);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return; // the test has removed it
      if (tries === 100) throw error;
      await sleep(20);
    }
  }
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it has ended by itself
  }
}

function readFile(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
