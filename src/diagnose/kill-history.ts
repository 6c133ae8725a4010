/** What was watched before a kill, taken out of the node's memory history: of whose limit it was, and of who shared it. */
import { type CgroupIdentity, parseCgroupPath } from "../../parsers/cgroup/path.ts";
import type { Identify } from "../identify/identifier.ts";
import type { MemoryHistory, MemorySample } from "../sources/memory-samples.ts";
import type { CaseKill, KillHistory, Member } from "./case.ts";

/** The history of the node's cgroups. */
export interface Histories {
  of(path: string, untilMs: number): MemoryHistory | undefined;
  lastOf(path: string, untilMs: number): MemorySample | undefined;
  /** that itself or any below */
  containersIn(path: string): string[];
}

/** @param killMs when it was, CLOCK_MONOTONIC in milliseconds @returns undefined where nothing was watched */
export function historyOf(
  kill: CaseKill,
  killMs: number,
  histories: Histories,
  identify: Identify,
): KillHistory | undefined {
  const own = ownHistory(kill, killMs, histories);
  const shared = sharedCgroup(kill);
  const members =
    shared === undefined
      ? []
      : histories.containersIn(shared).flatMap((cgroup) => toMember(cgroup, killMs, histories, identify));
  if (own === undefined && members.length === 0) return undefined;
  return { killMs, ...(own === undefined ? {} : { own }), ...(members.length === 0 ? {} : { members }) };
}

const SHARED: readonly string[] = ["qos", "kubepods"] satisfies CgroupIdentity["kind"][];

/** Of the cgroup that ran out, else of the innermost one around the victim that is followed. */
function ownHistory(
  { limitCgroup, victimCgroup }: CaseKill,
  killMs: number,
  histories: Histories,
): MemoryHistory | undefined {
  const own = limitCgroup === undefined ? undefined : histories.of(limitCgroup, killMs);
  if (own !== undefined) return own;
  for (let path = victimCgroup ?? ""; path.length > 1; path = path.slice(0, path.lastIndexOf("/"))) {
    // How the node's pods moved together says nothing of one of them.
    if (SHARED.includes(parseCgroupPath(path).kind)) return undefined;
    const history = histories.of(path, killMs);
    if (history !== undefined) return history;
  }
  return undefined;
}

/** What others used up as well. */
function sharedCgroup({ scope, limitCgroup }: CaseKill): string | undefined {
  if (scope === "node") return "/";
  return scope === "pod" || scope === "kubepods" ? limitCgroup : undefined;
}

function toMember(cgroup: string, killMs: number, histories: Histories, identify: Identify): Member[] {
  const usage = histories.lastOf(cgroup, killMs)?.usage;
  if (usage === undefined) return [];
  const who = identify(parseCgroupPath(cgroup));
  return [{ cgroup, usage, ...(who === undefined ? {} : { who }) }];
}
