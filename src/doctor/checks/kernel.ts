/** The kernel: its version, its boot, and what of it the agent relies on. */
import { release } from "node:os";
import { join } from "node:path";
import { parseNodeOomKills } from "../../../parsers/cgroup/memory-events.ts";
import { readBootId, readPageSize, readText } from "../../sources/host.ts";
import type { CheckContext, Finding } from "../check.ts";

export interface KernelFacts {
  platform: string;
  release: string;
  arch: string;
  bootId: string | undefined;
  /** whether /proc/vmstat has `oom_kill` */
  countsKills: boolean;
  /** bytes; undefined where /proc does not tell */
  pageSize: number | undefined;
}

export function checkKernel({ hostRoot }: Pick<CheckContext, "hostRoot">): Finding {
  return judgeKernel({
    platform: process.platform,
    release: release(),
    arch: process.arch,
    bootId: readBootId(),
    countsKills: readCounts([join(hostRoot, "proc/vmstat"), "/proc/vmstat"]),
    pageSize: readPageSize(),
  });
}

/** What came with which kernel, and what the agent does without. Distributions bring some of it back to older ones. */
const SINCE: readonly { version: readonly [number, number]; brings: string; without: string }[] = [
  { version: [5, 0], brings: "the line oom-kill:", without: "the cgroups are read from the line `Task in …`" },
  {
    version: [5, 2],
    brings: "memory.events.local (cgroup v2)",
    without: "a cgroup's count holds those of the cgroups below it as well, and is told apart by them",
  },
  {
    version: [5, 17],
    brings: "a group's first victim counted once",
    without: "its second count is known for what it is and left out",
  },
];

export function judgeKernel(facts: KernelFacts): Finding {
  const { platform, release: name, arch, countsKills } = facts;
  if (platform !== "linux") {
    return {
      status: "failed",
      says: `this is ${platform}: the agent reads the log of a Linux kernel`,
      advice: "run it on the node; a saved log is read anywhere by `oomscribe replay`",
    };
  }
  const missing = SINCE.filter(({ version }) => isOlder(name, version));
  const lacks = missing.map(({ version, brings, without }) => `${brings} (${version.join(".")}): ${without}`);
  const { platform: _, ...detail } = facts;
  const base = { detail: { ...detail, lacks } };
  const kernel = `Linux ${name} on ${arch}`;
  if (!countsKills) {
    return {
      ...base,
      status: "warning",
      says: `${kernel} does not count its OOM kills in /proc/vmstat, as Linux does from 4.13 on`,
      advice: "nothing needs to be done; but kills whose report or line the log has dropped are not told of",
    };
  }
  const without =
    missing.length === 0
      ? "it has all that the agent uses"
      : `by its version it has not ${missing.map(({ brings }) => brings).join(", ")}; the agent does without`;
  return { ...base, status: "ok", says: `${kernel}; ${without}` };
}

/** `5.4.0-150-generic`; a name that is no version counts as new. */
function isOlder(name: string, [major, minor]: readonly [number, number]): boolean {
  const [, own = "", ownMinor = "0"] = /^(\d+)\.(\d+)/.exec(name) ?? [];
  if (own === "") return false;
  return Number(own) < major || (Number(own) === major && Number(ownMinor) < minor);
}

function readCounts(paths: readonly string[]): boolean {
  return paths.some((path) => parseNodeOomKills(readText(path) ?? "") !== undefined);
}
