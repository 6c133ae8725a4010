/** Another program as the benches see it: how long it takes, and how much memory it holds at most. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";

/** Seconds until it has ended. @param output `null`: to /dev/null; `pipe`: to this process, which throws it away */
export async function timeProcess(
  [program, ...args]: readonly [string, ...string[]],
  output: "null" | "pipe",
): Promise<number> {
  const started = performance.now();
  const child = spawn(program, args, { stdio: ["ignore", output === "null" ? "ignore" : "pipe", "inherit"] });
  child.stdout?.resume();
  await succeed(child, program);
  return (performance.now() - started) / 1000;
}

/** @throws where the program says that it failed */
export async function succeed(child: ChildProcess, name: string): Promise<void> {
  const [status] = await once(child, "close");
  if (status !== 0) throw new Error(`${name} ended with status ${status}`);
}

/** Milliseconds between two looks; the kernel keeps the peak, so only what comes after the last look is missed. */
const LOOK_MS = 5;

/** The largest resident set of a process in bytes, watched until it ends. */
export async function watchPeakMemory(child: ChildProcess): Promise<number> {
  let peak = 0;
  while (child.exitCode === null && child.signalCode === null) {
    peak = Math.max(peak, readPeakMemory(child.pid));
    await wait(LOOK_MS);
  }
  return peak;
}

/** sysconf(_SC_CLK_TCK), as on every Linux that Node runs on. */
const TICK_MS = 10;

/** utime and stime of proc_pid_stat(5), in milliseconds. @throws where the process is gone */
export function readCpuMs(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** A process that does nothing, in a cgroup. @param directory of the cgroup */
export function startSleeper(directory: string): ChildProcess {
  return spawn("sh", ["-c", `echo $$ > ${directory}/cgroup.procs && exec sleep 10000`], { stdio: "ignore" });
}

/** VmHWM. @returns 0 where the process is gone */
function readPeakMemory(pid: number | undefined): number {
  try {
    return Number(/^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
