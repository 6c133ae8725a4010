/** What was watched before a kill, taken out of the node's memory history: of whose limit it was, and of who shared it. */

import type { CgroupIdentity } from "../../parsers/cgroup/identity.ts";
import { heldOf } from "../../parsers/cgroup/memory-stat.ts";
import { parseCgroupPath } from "../../parsers/cgroup/path.ts";
import type { Identify } from "../identify/identifier.ts";
import type { MemoryHistory, MemorySample } from "../sources/memory-history/sample.ts";
import type { CaseKill, KillHistory, Member } from "./input.ts";

/** The history of the node's cgroups. */
export interface Histories {
  of(path: string, untilMs: number): MemoryHistory | undefined;
  lastOf(path: string, untilMs: number): MemorySample | undefined;
  /** that itself or any below */
  containersIn(path: string): string[];
}

/** When it was, CLOCK_MONOTONIC in milliseconds. */
export interface KillTime {
  /** the victim lived then, and may have been dead at any time after it */
  aliveMs: number;
  /** by then it was killed */
  killMs: number;
}

/** @returns undefined where nothing was watched */
export function historyOf(
  kill: CaseKill,
  time: KillTime,
  histories: Histories,
  identify: Identify,
): KillHistory | undefined {
  const { killMs } = time;
  const own = ownHistory(kill, time, histories);
  const shared = sharedCgroup(kill);
  const members =
    shared === undefined
      ? []
      : histories.containersIn(shared).flatMap((cgroup) => toMember(cgroup, time, histories, identify));
  if (own === undefined && members.length === 0) return undefined;
  return { killMs, ...(own === undefined ? {} : { own }), ...(members.length === 0 ? {} : { members }) };
}

const SHARED: readonly string[] = ["qos", "kubepods"] satisfies CgroupIdentity["kind"][];

/** Of the cgroup that ran out, else of the innermost one around the victim that is followed. */
function ownHistory(
  { limitCgroup, victimCgroup }: CaseKill,
  { aliveMs, killMs }: KillTime,
  histories: Histories,
): MemoryHistory | undefined {
  const own = limitCgroup === undefined ? undefined : histories.of(limitCgroup, killMs);
  if (own !== undefined) return withoutAfterlife(own, aliveMs);
  for (let path = victimCgroup ?? ""; path.length > 1; path = path.slice(0, path.lastIndexOf("/"))) {
    // How the node's pods moved together says nothing of one of them.
    if (SHARED.includes(parseCgroupPath(path).kind)) return undefined;
    const history = histories.of(path, killMs);
    if (history !== undefined) return withoutAfterlife(history, aliveMs);
  }
  return undefined;
}

/**
 * A sample that was taken before the kill was known may be of what the victim has left behind. It was killed at its most:
 * what is lower and came after that is left out.
 */
function withoutAfterlife(history: MemoryHistory, aliveMs: number): MemoryHistory {
  const { samples } = history;
  const alive = samples.findLastIndex(({ atMs }) => atMs <= aliveMs);
  let most = Math.max(alive, 0);
  for (let at = most + 1; at < samples.length; at++) {
    const [sample, highest] = [samples[at], samples[most]];
    if (sample !== undefined && highest !== undefined && heldOf(sample) >= heldOf(highest)) most = at;
  }
  return most + 1 === samples.length ? history : { ...history, samples: samples.slice(0, most + 1) };
}

/** What others used up as well. */
function sharedCgroup({ scope, limitCgroup }: CaseKill): string | undefined {
  if (scope === "node") return "/";
  return scope === "pod" || scope === "kubepods" ? limitCgroup : undefined;
}

function toMember(cgroup: string, { aliveMs, killMs }: KillTime, histories: Histories, identify: Identify): Member[] {
  const usage = (histories.lastOf(cgroup, aliveMs) ?? histories.lastOf(cgroup, killMs))?.usage;
  if (usage === undefined) return [];
  const who = identify(parseCgroupPath(cgroup));
  return [{ cgroup, usage, ...(who === undefined ? {} : { who }) }];
}
