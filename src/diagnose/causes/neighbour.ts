/** A shared limit, a pod's or all pods', that was used up by another than the one that was killed for it. */
import type { Case, Member } from "../input.ts";
import { type Finding, isLimitHit } from "./cause.ts";

/** The victim's container had less of it than that, and another more than the victim's. */
const OWN_SHARE = 0.5;
/** Of one process against the whole, where only the report tells: the others of its container may have held more. */
const OWN_PROCESS_SHARE = 1 / 3;

export function weighNeighbour(one: Case): Finding | undefined {
  const { scope } = one.kill;
  if (!isLimitHit(one) || (scope !== "pod" && scope !== "kubepods")) return undefined;
  // Members of a group are killed whatever they hold.
  if (one.kill.victim.groupKill) return undefined;
  return (one.history?.members?.length ?? 0) > 1 ? weighMembers(one) : weighTasks(one);
}

/** Whether the containers that share the limit were watched, and another than the victim's had most of it. */
export function isUsedByAnother(one: Case): boolean {
  return (one.history?.members?.length ?? 0) > 1 && weighNeighbour(one) !== undefined;
}

function weighMembers({ kill, history }: Case): Finding | undefined {
  const members = [...(history?.members ?? [])].sort((a, b) => b.usage - a.usage);
  const [largest] = members;
  const own = members.find(({ cgroup }) => isIn(kill.victimCgroup, cgroup));
  const total = members.reduce((sum, member) => sum + member.usage, 0);
  if (largest === undefined || own === undefined || largest === own || total === 0) return undefined;
  const share = own.usage / total;
  if (share >= OWN_SHARE) return undefined;
  return {
    score: share < OWN_SHARE / 2 ? 0.85 : 0.7,
    facts: [
      {
        says: "the victim's container used {own} ({percent}); {other} used {used}",
        figures: {
          own: { bytes: own.usage },
          percent: { percent: share * 100 },
          other: { name: nameOf(largest) },
          used: { bytes: largest.usage },
        },
        source: "history",
      },
    ],
  };
}

function weighTasks({ kill, use, victimRss, tasks }: Case): Finding | undefined {
  const largest = tasks.find(({ pid }) => pid !== kill.victim.pid);
  if (victimRss === undefined || use.used === undefined || use.used === 0 || largest === undefined) return undefined;
  const share = victimRss / use.used;
  if (share >= OWN_PROCESS_SHARE || largest.rss <= victimRss) return undefined;
  return {
    score: 0.55,
    facts: [
      {
        says: "the victim held {own} ({percent} of what was used), less than {other} with {used}",
        figures: {
          own: { bytes: victimRss },
          percent: { percent: share * 100 },
          other: { name: largest.comm },
          used: { bytes: largest.rss },
        },
        source: "report",
      },
    ],
  };
}

/** What a member is called: as `namespace/pod/container`, else by its cgroup. */
export function nameOf({ who, cgroup }: Member): string {
  const names = [who?.namespace, who?.pod, who?.container].filter((name) => name !== undefined);
  return names.length > 0 ? names.join("/") : cgroup;
}

export function isIn(cgroup: string | undefined, above: string): boolean {
  return cgroup === above || cgroup?.startsWith(`${above}/`) === true;
}
