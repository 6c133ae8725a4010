/** Kills by the hundred: a small program that takes memory until it is killed, started anew for each. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compileProgram } from "./c-program.ts";
import type { TestCgroup } from "./cgroup-v1.ts";

export interface Hogs {
  /** Starts a process in the cgroup that is killed there. @returns its pid @throws Error where it is not killed */
  kill(cgroup: TestCgroup, comm: string): Promise<number>;
  remove(): void;
}

const SOURCE = fileURLToPath(new URL("../captures/make/hog.c", import.meta.url));

/** Compiles the program: see whyNoCompiler(). */
export function openHogs(): Hogs {
  const program = compileProgram(SOURCE, "hog");
  return {
    async kill(cgroup, comm) {
      const name = Buffer.from(comm).toString("hex");
      const args = [join(cgroup.directory, "cgroup.procs"), name, "0", "0", "0"];
      const child = spawn(program.path, args, { stdio: "ignore" });
      const [status, signal] = await once(child, "exit");
      if (signal !== "SIGKILL") throw new Error(`not killed: status ${status}, signal ${signal}`);
      return child.pid as number;
    },
    remove: program.remove,
  };
}
