/** Runs kubectl and helm where they need no cluster: those of test/deploy/prepare, or the machine's own. */
import { execFile } from "node:child_process";
import { constants, readFileSync } from "node:fs";
import { access } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

export type Program = "kubectl" | "helm";

/** Of the package that test/deploy/prepare gets both from: it has a folder for each version. */
const VERSION = /^version=(.+)$/m.exec(readFileSync(new URL("prepare", import.meta.url), "utf8"))?.[1] ?? "";
const CACHE = join(process.env["OOMSCRIBE_DEPLOY_CACHE"] ?? join(homedir(), ".cache/oomscribe-deploy"), VERSION);
/** A rendering takes half a second; this is for a program that waits for something. */
const TIMEOUT_MS = 20_000;
const run = promisify(execFile);

const paths: Readonly<Record<Program, string | undefined>> = {
  kubectl: await findProgram("kubectl"),
  helm: await findProgram("helm"),
};

/** undefined: both are there */
export function whyNoPrograms(): string | undefined {
  const missing = (Object.keys(paths) as Program[]).filter((program) => paths[program] === undefined);
  return missing.length === 0 ? undefined : `there is no ${missing.join(" and no ")}: run test/deploy/prepare`;
}

/**
 * @returns what it prints
 * @throws with what it says on standard error, where it fails or is not there
 */
export async function runProgram(program: Program, args: readonly string[]): Promise<string> {
  const path = paths[program];
  if (path === undefined) throw new Error(whyNoPrograms());
  // Nothing of the caller's clusters, plugins or repositories: it is to render files, the same everywhere.
  const env = { PATH: "/usr/bin:/bin", HOME: "/nonexistent", KUBECONFIG: "/dev/null", HELM_NO_PLUGINS: "1" };
  const { stdout } = await run(path, [...args], { env, timeout: TIMEOUT_MS, maxBuffer: 16 * 1024 * 1024 });
  return stdout;
}

async function findProgram(program: Program): Promise<string | undefined> {
  for (const folder of [CACHE, ...(process.env["PATH"] ?? "").split(delimiter)]) {
    const path = join(folder, program);
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
