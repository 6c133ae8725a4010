/** Builds what runs in the VM: the agent, a guest program in TypeScript, and the C programs. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/**
 * The agent as one file: as it is shipped, where the project can build that.
 * Under emulation a bundle starts in a fraction of the time that the sources need as they are.
 */
export async function buildAgent(): Promise<Uint8Array> {
  const script = join(ROOT, "scripts/build.ts");
  if (!existsSync(script)) return await bundle(join(ROOT, "test/vm/guest/agent-main.ts"));
  execFileSync(process.execPath, [script], { cwd: ROOT, stdio: ["ignore", "ignore", "inherit"] });
  return await readFile(join(ROOT, "dist/oomscribe.mjs"));
}

/** A TypeScript program and all that it imports, as one ES module. */
export async function bundle(entry: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    target: "node24",
    // Packages in CommonJS ask for Node's modules by require().
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  });
  return outputFiles[0].contents;
}

/** Compiles test/vm/guest/NAME.c; static, since it has to start fast where there is no library. */
export async function compile(name: string, directory: string): Promise<Uint8Array> {
  const source = fileURLToPath(new URL(`guest/${name}.c`, import.meta.url));
  const output = join(directory, name);
  execFileSync("gcc", ["-O2", "-static", "-Wall", "-Wextra", "-Werror", "-o", output, source]);
  return await readFile(output);
}
