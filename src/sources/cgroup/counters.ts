/** The counters of one memory cgroup, from its first sight to its last: reads them and says what is new. */
import { type MemoryCounters, parseMemoryCounters } from "../../../parsers/cgroup/memory-events.ts";
import { monotonicMs } from "../clock.ts";
import { type CounterFileNames, type CounterFiles, type CounterTexts, openCounterFiles } from "./counter-files.ts";
import type { CgroupDirectory } from "./tree.ts";

export interface CounterReading {
  /** as the kernel's log prints it */
  cgroup: string;
  /** CLOCK_MONOTONIC in milliseconds, right after the read */
  atMs: number;
  /** of processes in this very cgroup: v1 memory.oom_control, v2 memory.events.local (5.2 and later) */
  local?: MemoryCounters;
  /** of this cgroup and all below it: v2 memory.events; read after `local`, so that it may be ahead of it */
  tree?: MemoryCounters;
  /**
   * found: first sight; changed; removed: the last one, the cgroup or its memory controller is gone, and the values
   * are the last that could be read
   */
  why: "found" | "changed" | "removed";
  /** it came while we looked: its counters started at 0, and all that they count is news */
  fromZero: boolean;
  /** of the first: it was there before, and not watched for want of room (cgroup-tree.ts) */
  isLate?: boolean;
}

export interface CgroupCounters {
  readonly directory: string;
  /** the latest; undefined before the first and after the last */
  readonly latest: CounterReading | undefined;
  /**
   * @returns what is new; "gone" where the cgroup, or its memory controller, is no more: see remove()
   * @throws Error with `code` where the files cannot be opened or read
   */
  read(): CounterReading | "gone" | undefined;
  /** Closes the files. @returns the last reading, where there was any; read() starts anew if files come again */
  remove(): CounterReading | undefined;
}

export function createCgroupCounters(cgroup: CgroupDirectory, names: CounterFileNames): CgroupCounters {
  let files: CounterFiles | undefined;
  let texts: CounterTexts = {};
  let latest: CounterReading | undefined;
  /** the controller was not there at the first look: when it comes it counts from 0 */
  let wasWithout = cgroup.isNew;

  return {
    directory: cgroup.directory,
    get latest() {
      return latest;
    },
    read() {
      files ??= openCounterFiles(cgroup.directory, names);
      const now = files?.read();
      if (now === "gone") return "gone";
      if (now === undefined) wasWithout = true;
      if (now === undefined || (latest !== undefined && isSame(now, texts))) return undefined;
      texts = now;
      latest = {
        cgroup: cgroup.path,
        atMs: monotonicMs(),
        ...toCounters(now),
        why: latest === undefined ? "found" : "changed",
        fromZero: wasWithout,
        ...(latest === undefined && cgroup.isLate ? { isLate: true } : {}),
      };
      return latest;
    },
    remove() {
      files?.close();
      files = undefined;
      wasWithout = true;
      const last = latest;
      latest = undefined;
      return last === undefined ? undefined : { ...last, atMs: monotonicMs(), why: "removed" };
    },
  };
}

function isSame(one: CounterTexts, other: CounterTexts): boolean {
  return one.local === other.local && one.tree === other.tree;
}

function toCounters({ local, tree }: CounterTexts): Pick<CounterReading, "local" | "tree"> {
  return {
    ...(local === undefined ? {} : { local: parseMemoryCounters(local) }),
    ...(tree === undefined ? {} : { tree: parseMemoryCounters(tree) }),
  };
}
