/** Builds what runs in the VM: the agent as it is shipped, a guest program in TypeScript, and the C programs. */
import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { buildProgram } from "../../scripts/build.ts";

/** The whole agent, of the sources as they are now. @param directory for the file */
export async function buildAgent(directory: string): Promise<Uint8Array> {
  const output = join(directory, "oomscribe.mjs");
  await buildProgram(output);
  return await readFile(output);
}

/** A TypeScript program and all that it imports, as one ES module. */
export async function bundle(entry: string): Promise<Uint8Array> {
  const {
    outputFiles: [file],
  } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    target: "node24",
  });
  if (file === undefined) throw new Error(`esbuild has made nothing of ${entry}`);
  return file.contents;
}

/** Compiles test/vm/guest/NAME.c; static, since it has to start fast where there is no library. */
export async function compile(name: string, directory: string): Promise<Uint8Array> {
  const source = fileURLToPath(new URL(`guest/${name}.c`, import.meta.url));
  const output = join(directory, name);
  execFileSync("gcc", ["-O2", "-static", "-Wall", "-Wextra", "-Werror", "-o", output, source]);
  return await readFile(output);
}
