/** Kills by the hundred: a small program that takes memory until it is killed, started anew for each. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestCgroup } from "./cgroup-v1.ts";

export interface Hogs {
  /** Starts a process in the cgroup that is killed there. @returns its pid @throws Error where it is not killed */
  kill(cgroup: TestCgroup, comm: string): Promise<number>;
  remove(): void;
}

/** Why there can be none here; undefined: there can. */
export function whyNoHogs(): string | undefined {
  try {
    execFileSync("gcc", ["--version"], { stdio: "ignore" });
    return undefined;
  } catch {
    return "gcc is missing: apt-get install gcc libc6-dev";
  }
}

const SOURCE = fileURLToPath(new URL("../captures/make/hog.c", import.meta.url));

/** Compiles the program: a process of Node takes too long to start for a storm. */
export function openHogs(): Hogs {
  const directory = mkdtempSync(join(tmpdir(), "oomscribe-hogs-"));
  const program = join(directory, "hog");
  execFileSync("gcc", ["-O2", "-o", program, SOURCE]);
  return {
    async kill(cgroup, comm) {
      const name = Buffer.from(comm).toString("hex");
      const child = spawn(program, [join(cgroup.directory, "cgroup.procs"), name, "0", "0", "0"], { stdio: "ignore" });
      const [status, signal] = await once(child, "exit");
      if (signal !== "SIGKILL") throw new Error(`not killed: status ${status}, signal ${signal}`);
      return child.pid as number;
    },
    remove: () => rmSync(directory, { recursive: true }),
  };
}
