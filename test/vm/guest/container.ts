/** A container that overruns its limit, run by test/vm/guest/container.c, and the truth about who died in it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { type ContainerCgroup, parseEvents } from "./cgroups.ts";

/** See container.c for what each of them does. */
export interface ContainerOptions {
  comm: string;
  uid?: number;
  scoreAdj?: number;
  fillKib?: number;
  /** what it holds over time, before that */
  course?: readonly { kib: number; ms: number }[];
  tmpfs?: boolean;
  restless?: boolean;
  turns?: number;
  /** milliseconds before each of them, and that it lives before it takes memory */
  pause?: number;
  together?: number;
  hold?: boolean;
  remove?: boolean;
}

export interface Death {
  /** in the host's pid namespace */
  pid: number;
  isPid1: boolean;
  /** CLOCK_MONOTONIC, when its parent had seen it */
  endedUs?: number;
}

export interface Container {
  readonly cgroup: ContainerCgroup;
  readonly options: ContainerOptions;
  /** who was killed so far, by SIGKILL and not by stop() */
  readonly deaths: readonly Death[];
  /** memory.events after the death of PID 1, before the cgroup was removed */
  readonly lastEvents: Record<string, number> | undefined;
  /** how often the cgroup could not be removed yet */
  readonly busy: number | undefined;
  /** Waits until so many processes have all the memory that they are to take. */
  full(count: number): Promise<void>;
  /** Lets one that holds go on. */
  go(): void;
  /** Waits until children have been killed, by number. */
  killed(count: number): Promise<void>;
  /** Waits until PID 1 is dead. */
  readonly ended: Promise<void>;
  /** Ends it from outside, as no kill for memory, unless it has ended by itself. */
  stop(): Promise<void>;
}

const SIGKILL = 9;

export function startContainer(cgroup: ContainerCgroup, options: ContainerOptions): Container {
  const child = spawn("/container", [cgroup.directory, ...toArguments(options)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.on("error", () => {});
  const hostPids = new Map<number, number>();
  const deaths: Death[] = [];
  let lastEvents: Record<string, number> | undefined;
  let busy: number | undefined;
  let pid1: number | undefined;
  let full = 0;
  let stopped = false;
  let ended = false;
  let changed = Promise.withResolvers<void>();

  createInterface(child.stdout).on("line", (text) => {
    const line = JSON.parse(text);
    if (line.pid1 !== undefined) pid1 = line.pid1;
    if (line.started !== undefined) hostPids.set(line.nsPid, line.started);
    if (line.full !== undefined) full++;
    if (line.ended !== undefined) onEnd(line.ended, line.signal, line.atUs);
    if (line.events !== undefined) lastEvents = parseEvents(line.events);
    if (line.removed !== undefined) busy = line.busy;
    changed.resolve();
    changed = Promise.withResolvers();
  });

  function onEnd(nsPid: number, signal: number, endedUs: number): void {
    const pid = hostPids.get(nsPid);
    if (nsPid !== 1) {
      if (signal !== SIGKILL || pid === undefined) throw new Error(`a child of ${cgroup.path} ended by itself`);
      deaths.push({ pid, isPid1: false, endedUs });
      return;
    }
    if (signal !== SIGKILL || stopped) return;
    // Without memory.oom.group a PID 1 that has started others at once is not made here.
    for (const [one, hostPid] of hostPids) {
      if (one === 1) deaths.push({ pid: hostPid, isPid1: true, endedUs });
      else if (options.together !== undefined) deaths.push({ pid: hostPid, isPid1: false });
    }
  }

  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (ended) throw new Error(`${cgroup.path} ended before what was waited for`);
      await changed.promise;
    }
  }

  const end = once(child, "close").then(([status]) => {
    ended = true;
    changed.resolve();
    if (status !== 0) throw new Error(`/container of ${cgroup.path} ended with status ${status}`);
  });
  return {
    cgroup,
    options,
    deaths,
    get lastEvents() {
      return lastEvents;
    },
    get busy() {
      return busy;
    },
    full: (count) => until(() => full >= count),
    go: () => void child.stdin.write("\n"),
    killed: (count) => until(() => deaths.length >= count),
    ended: end,
    async stop() {
      if (ended) return;
      stopped = true;
      await until(() => pid1 !== undefined);
      process.kill(pid1 as number, "SIGKILL");
      await end;
    },
  };
}

function toArguments({
  comm,
  uid,
  scoreAdj,
  fillKib,
  course,
  tmpfs,
  restless,
  turns,
  pause,
  together,
  hold,
  remove,
}: ContainerOptions): string[] {
  const values = {
    comm: Buffer.from(comm).toString("hex"),
    uid,
    adj: scoreAdj,
    fill: fillKib,
    course: course?.map(({ kib, ms }) => `${kib}:${ms}`).join(","),
    tmpfs: tmpfs ? 1 : undefined,
    restless: restless ? 1 : undefined,
    turns,
    pause,
    together,
    hold: hold ? 1 : undefined,
    remove: remove ? 1 : undefined,
  };
  return Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]));
}
