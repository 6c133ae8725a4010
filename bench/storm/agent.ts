/** The agent, as it is shipped, beside a storm: what it told, and what it took. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { buildProgram } from "../../scripts/build.ts";
import { readCpuMs } from "../process.ts";

export interface Told {
  pid: number | undefined;
  cgroup: string | undefined;
  uid: string;
}

export interface StormAgent {
  /** CPU that it has taken since it was ready, milliseconds */
  cpuMs(): number;
  /** Waits for what it has not told yet and ends it. @returns its kills of those cgroups and pids */
  stop(cgroups: readonly string[], pids: readonly number[]): Promise<Told[]>;
}

/** A kill is told within two seconds, one that only a counter tells within four. */
const TELL_MS = 5000;

export async function startStormAgent(args: readonly string[]): Promise<StormAgent> {
  const directory = mkdtempSync(join(tmpdir(), "oomscribe-storm-"));
  const program = join(directory, "oomscribe.mjs");
  await buildProgram(program);
  const child = spawn(process.execPath, [program, "agent", "--stdout", "--since", "now", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: string[] = [];
  createInterface(child.stdout).on("line", (line) => lines.push(line));
  const log = createInterface(child.stderr);
  await new Promise<void>((resolve) => log.on("line", (line) => line.includes('"agent_started"') && resolve()));
  const beforeMs = readCpuMs(child.pid);

  return {
    cpuMs: () => readCpuMs(child.pid) - beforeMs,
    async stop(cgroups, pids) {
      await wait(TELL_MS);
      child.kill();
      await once(child, "exit");
      rmSync(directory, { recursive: true });
      return lines.flatMap((line) => readKill(line, new Set(cgroups), new Set(pids)));
    },
  };
}

function readKill(line: string, cgroups: ReadonlySet<string>, pids: ReadonlySet<number>): Told[] {
  const { eventName, attributes } = JSON.parse(line);
  const pid: number | undefined = attributes["process.pid"];
  const cgroup: string | undefined = attributes["oom.victim.cgroup"];
  if (eventName !== "oom.kill" || !(cgroups.has(cgroup ?? "") || pids.has(pid ?? -1))) return [];
  return [{ pid, cgroup, uid: attributes["log.record.uid"] }];
}
