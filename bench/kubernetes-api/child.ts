/** Processes of the bench: each answers questions one by one. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface Child {
  /** @returns what it answers */
  ask<T>(question: string, detail?: unknown): Promise<T>;
  end(): void;
}

interface Question {
  question: string;
  detail: unknown;
}

/** @param file beside this one */
export function startChild(file: string, args: readonly string[] = [], execArgv: readonly string[] = []): Child {
  const child: ChildProcess = fork(fileURLToPath(new URL(file, import.meta.url)), args, { execArgv: [...execArgv] });
  let last: Promise<unknown> = Promise.resolve();

  async function ask(question: string, detail: unknown): Promise<unknown> {
    child.send({ question, detail } satisfies Question);
    const [answer] = await once(child, "message");
    return answer;
  }

  return {
    ask<T>(question: string, detail?: unknown) {
      const asked = last.then(() => ask(question, detail));
      last = asked;
      return asked as Promise<T>;
    },
    end: () => void child.kill(),
  };
}

/** @param answers by question */
export function answerParent(answers: Readonly<Record<string, (detail: never) => unknown>>): void {
  process.on("message", async ({ question, detail }: Question) => {
    process.send?.((await answers[question]?.(detail as never)) ?? null);
  });
}
