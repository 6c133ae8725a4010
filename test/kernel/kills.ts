/** Makes real OOM kills and tells the truth about them: what the kernel's log has to agree with. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { TestCgroup } from "./cgroup-v1.ts";
import type { Stage, VictimPlan } from "./victim.ts";

export interface VictimOptions {
  /** COMM: bytes, or text that is taken as UTF-8 */
  comm?: string | Uint8Array;
  uid?: number;
  scoreAdj?: number;
  /** what it holds over time before it takes all that it can get */
  course?: readonly Stage[];
}

/** A process that waits in its cgroup to be told to take more memory than there is. */
export interface Victim {
  readonly pid: number;
  readonly cgroup: TestCgroup;
  /** Lets it take memory. @throws Error unless it is killed by SIGKILL */
  kill(): Promise<void>;
}

/** More than any limit that a test may set. */
const AT_MOST = 256 * 1024 * 1024;
const PROGRAM = fileURLToPath(new URL("victim.ts", import.meta.url));

/** Starts a victim and waits until it is in its cgroup and has its name. */
export async function startVictim(cgroup: TestCgroup, options: VictimOptions = {}): Promise<Victim> {
  const child = startProgram(planOf(cgroup, options));
  await readLine(child);
  return {
    pid: child.pid as number,
    cgroup,
    async kill() {
      child.stdin?.write("\n");
      const [status, signal] = await once(child, "exit");
      if (signal !== "SIGKILL") throw new Error(`not killed: status ${status}, signal ${signal}`);
    },
  };
}

export async function killOne(cgroup: TestCgroup, options?: VictimOptions): Promise<Victim> {
  const victim = await startVictim(cgroup, options);
  await victim.kill();
  return victim;
}

/** Kills a child in the cgroup while its parent, in the same one, lives on. */
export async function killChild(
  cgroup: TestCgroup,
  options: VictimOptions,
): Promise<{ pid: number; parentPid: number }> {
  const parent = startProgram({ ...planOf(cgroup, {}), parentOf: planOf(cgroup, options) });
  const pid = Number((await readLine(parent)).split(" ")[1]);
  parent.stdin?.write("\n");
  const signal = (await readLine(parent)).trim();
  parent.stdin?.end();
  const [status] = await once(parent, "exit");
  if (signal !== "SIGKILL" || status !== 0) throw new Error(`child: ${signal}; its parent: status ${status}`);
  return { pid, parentPid: parent.pid as number };
}

function planOf(cgroup: TestCgroup, { comm, uid, scoreAdj, course }: VictimOptions): VictimPlan {
  return {
    directory: cgroup.directory,
    atMost: AT_MOST,
    ...(comm === undefined ? {} : { commHex: Buffer.from(comm as Uint8Array).toString("hex") }),
    ...(uid === undefined ? {} : { uid }),
    ...(scoreAdj === undefined ? {} : { scoreAdj }),
    ...(course === undefined ? {} : { course }),
  };
}

function startProgram(plan: VictimPlan): ChildProcess {
  return spawn(process.execPath, [PROGRAM, JSON.stringify(plan)], { stdio: ["pipe", "pipe", "inherit"] });
}

async function readLine({ stdout }: ChildProcess): Promise<string> {
  const [data] = await once(stdout as NonNullable<typeof stdout>, "data", { signal: AbortSignal.timeout(20_000) });
  return String(data);
}
