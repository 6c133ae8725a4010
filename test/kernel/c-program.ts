/** Programs in C that tests start: a process of Node takes too long to start, or cannot call what is to be called. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface CProgram {
  readonly path: string;
  remove(): void;
}

/** Why there can be none here; undefined: there can. */
export function whyNoCompiler(): string | undefined {
  try {
    execFileSync("gcc", ["--version"], { stdio: "ignore" });
    return undefined;
  } catch {
    return "gcc is missing: apt-get install gcc libc6-dev";
  }
}

/** @param source path of its only file @param name its COMM */
export function compileProgram(source: string, name: string): CProgram {
  const directory = mkdtempSync(join(tmpdir(), `oomscribe-${name}-`));
  const path = join(directory, name);
  execFileSync("gcc", ["-O2", "-Wall", "-o", path, source]);
  return { path, remove: () => rmSync(directory, { recursive: true }) };
}
