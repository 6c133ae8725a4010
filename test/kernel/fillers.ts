/** Processes that fill a cgroup with something else than their private memory, until they are killed for it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compileProgram } from "./c-program.ts";
import type { TestCgroup } from "./cgroup-v1.ts";

/** What filler.c says that they are. */
export type Filling = "tmpfs" | "memfd" | "pipes" | "mlock";

export interface Fillers {
  /** @param bytesPerSecond absent: as fast as it can @returns its pid, and whether it was killed by SIGKILL */
  fill(cgroup: TestCgroup, filling: Filling, bytesPerSecond?: number): Promise<{ pid: number; isKilled: boolean }>;
  remove(): void;
}

const SOURCE = fileURLToPath(new URL("filler.c", import.meta.url));
/** Of a file system on a disk: /tmp may be none. */
const DISK = "/var/tmp";

/** Compiles the program: see whyNoCompiler(). */
export function openFillers(): Fillers {
  const program = compileProgram(SOURCE, "filler");
  const directory = mkdtempSync(join(DISK, "oomscribe-filler-"));
  return {
    async fill(cgroup, filling, bytesPerSecond = 0) {
      const args = [join(cgroup.directory, "cgroup.procs"), filling, directory, String(bytesPerSecond / 1024)];
      const child = spawn(program.path, args, { stdio: ["ignore", "ignore", "inherit"] });
      const [status, signal] = await once(child, "exit");
      if (status !== null && status !== 3) throw new Error(`filler ${filling} ended with status ${status}`);
      return { pid: child.pid as number, isKilled: signal === "SIGKILL" };
    },
    remove() {
      program.remove();
      rmSync(directory, { recursive: true });
    },
  };
}
