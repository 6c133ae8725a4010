/** When the agent is to stop: at a signal, or when somebody in the process says so. */

/** The process's exit status. */
export type ExitStatus = 0 | 1;

export interface Stop {
  /** resolves once, with why and the exit status that it means */
  readonly stopped: Promise<{ reason: string; status: ExitStatus }>;
  now(reason: string, status: ExitStatus): void;
  /** Gives the signals back. */
  release(): void;
}

/** @param signal in place of SIGTERM and SIGINT */
export function watchForStop(signal: AbortSignal | undefined): Stop {
  const { promise, resolve } = Promise.withResolvers<{ reason: string; status: ExitStatus }>();
  const onSignal = (name: string): void => resolve({ reason: name, status: 0 });
  if (signal === undefined) process.on("SIGTERM", onSignal).on("SIGINT", onSignal);
  else if (signal.aborted) onSignal("told to stop");
  else signal.addEventListener("abort", () => onSignal("told to stop"), { once: true });
  return {
    stopped: promise,
    now: (reason, status) => resolve({ reason, status }),
    release() {
      process.off("SIGTERM", onSignal).off("SIGINT", onSignal);
    },
  };
}
