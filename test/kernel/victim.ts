/**
 * A process that is to be killed: joins a cgroup, takes a name, and on a byte of its standard input takes memory until
 * it is killed. It needs nothing but Node, and gives up at four times the limit, so that a limit that does not work
 * harms nobody. Exit status 3: it was not killed.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";

export interface VictimPlan {
  /** the cgroup's directory */
  directory: string;
  /** bytes of COMM, in hex; absent: what the kernel made of the program's name */
  commHex?: string;
  uid?: number;
  scoreAdj?: number;
  /** bytes to take, at most */
  atMost: number;
  /** is the parent of the victim, and lives */
  parentOf?: VictimPlan;
}

const STEP = 1024 * 1024;

if (process.argv[1] === import.meta.filename) await run(JSON.parse(process.argv[2] ?? "") as VictimPlan);

async function run(plan: VictimPlan): Promise<void> {
  // After Node's own start, whose memory stays with the cgroup that it was started in.
  writeFileSync(`${plan.directory}/cgroup.procs`, String(process.pid));
  if (plan.scoreAdj !== undefined) writeFileSync("/proc/self/oom_score_adj", String(plan.scoreAdj));
  if (plan.commHex !== undefined) setComm(Buffer.from(plan.commHex, "hex"));
  if (plan.uid !== undefined) process.setuid?.(plan.uid);
  if (plan.parentOf !== undefined) {
    await outlive(plan.parentOf);
    return;
  }
  process.stdout.write("ready\n");
  await once(process.stdin, "data");
  const taken: Buffer[] = [];
  while (taken.length * STEP < plan.atMost) taken.push(Buffer.alloc(STEP, 1));
  process.exit(3);
}

/** A write cuts the name to 15 bytes; an empty one takes a byte of zero. */
function setComm(bytes: Buffer): void {
  writeFileSync("/proc/self/comm", bytes.length === 0 ? Buffer.alloc(1) : bytes);
}

/** Starts the victim, says how it ended and its pid, and ends when its standard input does. */
async function outlive(plan: VictimPlan): Promise<void> {
  const child = spawn(process.execPath, [import.meta.filename, JSON.stringify(plan)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  process.stdout.write(`ready ${child.pid}\n`);
  await once(process.stdin, "data");
  child.stdin.write("\n");
  const [, signal] = await once(child, "exit");
  process.stdout.write(`${signal}\n`);
  await once(process.stdin, "end");
}
