/**
 * A process that is to be killed: joins a cgroup, takes a name, and on a byte of its standard input takes memory until
 * it is killed. It needs nothing but Node, and gives up at four times the limit, so that a limit that does not work
 * harms nobody. Exit status 3: it was not killed.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

export interface VictimPlan {
  /** the cgroup's directory */
  directory: string;
  /** bytes of COMM, in hex; absent: what the kernel made of the program's name */
  commHex?: string;
  uid?: number;
  scoreAdj?: number;
  /** bytes to take, at most */
  atMost: number;
  /** what it holds over time, before it takes all that it can get */
  course?: readonly Stage[];
  /** is the parent of the victim, and lives */
  parentOf?: VictimPlan;
}

/** Evenly to so much, in that time. */
export interface Stage {
  /** bytes */
  until: number;
  seconds: number;
}

const STEP = 1024 * 1024;
/** Memory is taken a step at a time, and the time goes by in looks. */
const LOOK_MS = 20;

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
  for (const stage of plan.course ?? []) await follow(stage, taken);
  while (taken.length * STEP < plan.atMost) taken.push(Buffer.alloc(STEP, 1));
  process.exit(3);
}

async function follow({ until, seconds }: Stage, taken: Buffer[]): Promise<void> {
  const from = taken.length;
  const steps = Math.round(until / STEP) - from;
  const started = performance.now();
  for (let share = 0; share < 1; ) {
    share = seconds === 0 ? 1 : Math.min(1, (performance.now() - started) / 1000 / seconds);
    while (taken.length - from < Math.floor(share * steps)) taken.push(Buffer.alloc(STEP, 1));
    if (share < 1) await sleep(LOOK_MS);
  }
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
