/** A program of the bench while it does nothing: when it was there, and what it holds. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { readCpuMs } from "../process.ts";

export interface Footprint {
  /** resident, bytes: all of it; without what others share; of that what is no file's */
  rss: number;
  pss: number;
  anonymous: number;
  /** of a core, 0 to 1, from when it was settled */
  cpu: number;
}

export interface Program {
  readonly pid: number | undefined;
  /** Milliseconds from its start to a line of its log that has this event. @throws Error where it ends before */
  untilEvent(event: string): Promise<number>;
  /** Milliseconds from its start until it answers there with 200. */
  untilOk(url: string): Promise<number>;
  /** @param settleMs what comes before is not counted */
  measure(settleMs: number, forMs: number): Promise<Footprint>;
  stop(): Promise<void>;
}

/** What else it says is passed over; warnings and errors are printed, as they make the figures worthless. */
export function startProgram([program, ...args]: readonly [string, ...string[]], env: NodeJS.ProcessEnv): Program {
  const startedMs = performance.now();
  const child = spawn(program, args, { env, stdio: ["ignore", "ignore", "pipe"] });
  const exited = once(child, "exit");
  const events = new Map<string, number>();
  const log = createInterface(child.stderr);
  log.on("line", (line) => {
    if (!line.includes('"level":"info"')) process.stderr.write(`${line}\n`);
    const event = /"event":"([^"]+)"/.exec(line)?.[1];
    if (event !== undefined && !events.has(event)) events.set(event, performance.now() - startedMs);
  });
  return {
    pid: child.pid,
    async untilEvent(event) {
      for (;;) {
        const atMs = events.get(event);
        if (atMs !== undefined) return atMs;
        assertRuns(child, event);
        await wait(1);
      }
    },
    async untilOk(url) {
      for (;;) {
        const status = await fetch(url).then(
          (response) => response.status,
          () => undefined,
        );
        if (status === 200) return performance.now() - startedMs;
        assertRuns(child, url);
        await wait(1);
      }
    },
    async measure(settleMs, forMs) {
      await wait(settleMs);
      const beforeMs = readCpuMs(child.pid);
      const fromMs = performance.now();
      await wait(forMs);
      const cpu = (readCpuMs(child.pid) - beforeMs) / (performance.now() - fromMs);
      return { ...readMemory(child.pid), cpu };
    },
    async stop() {
      child.kill();
      await exited;
    },
  };
}

function assertRuns(child: ChildProcess, awaited: string): void {
  if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the program ended before ${awaited}`);
}

/** https://docs.kernel.org/filesystems/proc.html: smaps_rollup, in kB */
function readMemory(pid: number | undefined): Omit<Footprint, "cpu"> {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const read = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(text)?.[1]) * 1024;
  return { rss: read("Rss"), pss: read("Pss"), anonymous: read("Pss_Anon") };
}
