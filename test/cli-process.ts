/** `oomscribe …` as a process of its own: what it prints, and how it ends. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

export interface CliResult {
  stdout: string;
  stderr: string;
  status: number | null;
}

export interface CliOptions {
  /** pieces of its standard input */
  input?: Iterable<Buffer | string>;
  /** beside PATH; nothing else of this process's environment is there */
  env?: Record<string, string>;
  cwd?: string;
  /** default: src/cli/main.ts */
  program?: string;
  /** default: this process's own */
  uid?: number;
  onStart?(child: ChildProcess): void;
}

const CLI = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url));
const CAPTURES = new URL("captures/", import.meta.url);

export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return runProgram([process.execPath, options.program ?? CLI, ...args], options);
}

export async function runProgram(
  [program, ...args]: readonly [string, ...string[]],
  options: Omit<CliOptions, "program"> = {},
): Promise<CliResult> {
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { PATH: process.env["PATH"], ...options.env },
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  options.onStart?.(child);
  child.stdin.on("error", () => {});
  for (const piece of options.input ?? []) child.stdin.write(piece);
  child.stdin.end();
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { stdout, stderr, status };
}

/** Path of a file below test/captures. */
export function capture(name: string): string {
  return fileURLToPath(new URL(name, CAPTURES));
}
