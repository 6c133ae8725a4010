/** The process that is killed: Node itself, which joins the cgroup, takes its name, and takes memory when it is told to. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { TEST_COMM } from "../../record/test-kill.ts";
import type { TestCgroup } from "./test-cgroup.ts";

export interface Hog {
  /** in this pid namespace */
  readonly pid: number;
  /** Lets it take memory. @returns how it ended: undefined where it still runs after `timeoutMs` */
  kill(timeoutMs: number): Promise<{ status: number | null; signal: NodeJS.Signals | null } | undefined>;
  close(): void;
}

/**
 * In one text, as the program is one file and has no other to start. After Node's own start, whose memory stays with
 * the cgroup that it was started in. It ends when its parent does, and gives up (3) at four times the limit: a limit
 * that does not work harms nobody.
 */
const PROGRAM = `
const { writeFileSync } = require("node:fs");
const [, directory, comm, atMost] = process.argv;
writeFileSync("/proc/self/oom_score_adj", "1000");
writeFileSync(directory + "/cgroup.procs", "0");
writeFileSync("/proc/self/comm", comm);
process.stdin.once("end", () => process.exit(4));
process.stdin.once("data", () => {
  const taken = [];
  while (taken.length * 1048576 < Number(atMost)) taken.push(Buffer.alloc(1048576, 1));
  process.exit(3);
});
process.stdout.write("ready");
`;

const READY_MS = 20_000;

/** @throws Error where it cannot be started there */
export async function startHog({ directory, limit }: TestCgroup): Promise<Hog> {
  const args = ["-e", PROGRAM, "--", directory, TEST_COMM, String(limit * 4)];
  const child = spawn(process.execPath, args, { env: {}, stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  child.stderr.on("data", (data) => {
    said = `${said}${data}`.slice(0, MAX_SAID);
  });
  // Written to when it has gone already.
  child.stdin.on("error", () => {});
  const ended = once(child, "exit").then(([status, signal]) => ({ status, signal }));
  ended.catch(() => {});
  const ready = once(child.stdout, "data", { signal: AbortSignal.timeout(READY_MS) }).then(() => true);
  const isReady = await Promise.race([ready, ended.then(() => false)]).catch(() => false);
  if (!isReady) {
    child.kill("SIGKILL");
    throw new Error(`the process to be killed does not start: ${/Error: .*/.exec(said)?.[0] ?? "no reason given"}`);
  }
  return {
    pid: child.pid ?? 0,
    async kill(timeoutMs) {
      child.stdin.write("\n");
      const { promise, resolve } = Promise.withResolvers<undefined>();
      const timer = setTimeout(() => resolve(undefined), timeoutMs);
      const how = await Promise.race([ended, promise]);
      clearTimeout(timer);
      return how;
    },
    close: () => void child.kill("SIGKILL"),
  };
}

const MAX_SAID = 4000;
