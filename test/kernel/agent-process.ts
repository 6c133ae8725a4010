/** `oomscribe agent` as a process of its own, its log, and how it ends. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { vi } from "vitest";

/** A line of the agent's own log. */
export type LogLine = { event: string; level: string; message: string } & Record<string, unknown>;

export interface AgentProcess {
  readonly child: ChildProcess;
  readonly log: readonly LogLine[];
  /** what it printed on standard output, a record a line */
  readonly printed: readonly string[];
  /** Waits for an event in its log. @throws Error where the process ends without */
  logged(event: string): Promise<LogLine>;
  /** how it ended */
  readonly ended: Promise<{ status: number | null; signal: NodeJS.Signals | null }>;
  /** Tells it to stop, and waits for that. */
  stop(signal?: NodeJS.Signals): Promise<{ status: number | null; signal: NodeJS.Signals | null }>;
}

/** A record as the agent prints it. */
export interface PrintedRecord {
  eventName: string;
  timestamp: string;
  body: string;
  attributes: Record<string, unknown>;
}

/** Waits for a record. @throws Error where it does not come */
export function printedRecord(agent: AgentProcess, isIt: (record: PrintedRecord) => boolean): Promise<PrintedRecord> {
  return vi.waitFor(
    () => {
      const found = agent.printed.map((line) => JSON.parse(line) as PrintedRecord).find(isIt);
      if (found === undefined) throw new Error("it was not told");
      return found;
    },
    { timeout: 15_000, interval: 100 },
  );
}

const CLI = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** @param prefix a program that runs it, with that program's arguments */
export function startAgent(args: string[], env: Record<string, string> = {}, prefix: string[] = []): AgentProcess {
  const [program = process.execPath, ...more] = [...prefix, process.execPath, CLI, "agent", ...args];
  const child = spawn(program, more, { env: { PATH: process.env["PATH"], ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const log: LogLine[] = [];
  const printed: string[] = [];
  let changed = Promise.withResolvers<void>();

  createInterface(child.stderr).on("line", (line) => {
    log.push(line.startsWith("{") ? JSON.parse(line) : { event: "text", level: "error", message: line });
    changed.resolve();
    changed = Promise.withResolvers();
  });
  createInterface(child.stdout).on("line", (line) => printed.push(line));
  const ended = once(child, "close").then(([status, signal]) => {
    changed.resolve();
    return { status, signal };
  });

  return {
    child,
    log,
    printed,
    ended,
    async logged(event) {
      for (;;) {
        const line = log.find((one) => one.event === event);
        if (line !== undefined) return line;
        if (child.exitCode !== null || child.signalCode !== null) {
          throw new Error(`the agent ended without ${event}: ${JSON.stringify(log)}`);
        }
        await changed.promise;
      }
    },
    stop(signal = "SIGTERM") {
      child.kill(signal);
      return ended;
    },
  };
}
