/**
 * How many cgroups are watched, and whose. What systemd, the kubelet and the container runtimes make comes first: slices,
 * pods, containers, units. All below a container or a unit is delegated: whoever runs in there may make cgroups without
 * end, so that each pod or unit has a share of its own, and all of them together half.
 */
import { parseCgroupPath } from "../../parsers/cgroup/path.ts";

/** Where a cgroup stands, by which it is counted. */
export interface CgroupPlace {
  /**
   * group: it only holds pods, containers and units, of whichever owner; pod; owner: a container or a unit;
   * delegated: below one of those
   */
  level: "group" | "pod" | "owner" | "delegated";
  /** the path of the container or unit that it is or is in; of a pod's own cgroup the pod's; of a group `/` */
  owner: string;
  /** the path of the pod, else the container or unit, that has the share */
  subtree: string;
  /** it is or is in a service of the system, which may hold pods and containers itself: containerd.service, /docker */
  isOpen?: boolean;
}

export interface CgroupBudgetOptions {
  maxCgroups: number;
  /** delegated ones of one subtree */
  maxInSubtree: number;
}

/** Which of the two bounds leaves no room. */
export type CgroupBound = "node" | "subtree";

export interface CgroupBudget {
  /** @returns undefined: there is room */
  boundFor(place: CgroupPlace): CgroupBound | undefined;
  add(place: CgroupPlace): void;
  remove(place: CgroupPlace): void;
}

export function createCgroupBudget({ maxCgroups, maxInSubtree }: CgroupBudgetOptions): CgroupBudget {
  /** delegated ones, by subtree */
  const counts = new Map<string, number>();
  const maxDelegated = Math.floor(maxCgroups / 2);
  let all = 0;
  let delegated = 0;

  function count(place: CgroupPlace, by: 1 | -1): void {
    all += by;
    if (place.level !== "delegated") return;
    delegated += by;
    const left = (counts.get(place.subtree) ?? 0) + by;
    if (left === 0) counts.delete(place.subtree);
    else counts.set(place.subtree, left);
  }

  return {
    boundFor({ level, subtree }) {
      if (all >= maxCgroups) return "node";
      if (level !== "delegated") return undefined;
      if ((counts.get(subtree) ?? 0) >= maxInSubtree) return "subtree";
      return delegated >= maxDelegated ? "node" : undefined;
    },
    add: (place) => count(place, 1),
    remove: (place) => count(place, -1),
  };
}

const GROUP: CgroupPlace = { level: "group", owner: "/", subtree: "/" };

/** @param above the place of the cgroup right above it; undefined: it is the topmost that can be seen */
export function placeOf(path: string, above: CgroupPlace | undefined): CgroupPlace {
  if (above === undefined) return GROUP;
  const below = placeBelow(above);
  if (below !== undefined) return below;
  const { kind, nested } = parseCgroupPath(path);
  if (above.level === "pod") {
    const isMadeByRuntime = kind === "container" || kind === "monitor";
    return isMadeByRuntime ? { ...above, level: "owner", owner: path } : { ...above, level: "delegated" };
  }
  const own: CgroupPlace = { level: "owner", owner: path, subtree: path };
  if (kind === "kubepods" || kind === "qos") return GROUP;
  if (kind === "pod") return { ...own, level: "pod" };
  if (kind === "container" && nested === undefined) return own;
  if (above.level !== "group") return { ...above, level: "delegated" };
  if (path.endsWith(".slice")) return GROUP;
  // A user's units hold what the user makes, whatever that is called.
  return kind === "user" ? own : { ...own, isOpen: true };
}

/** The place of whatever is in a cgroup, where that is the same for all of it. */
export function placeBelow(place: CgroupPlace): CgroupPlace | undefined {
  if (place.level === "group" || place.level === "pod" || place.isOpen) return undefined;
  return { ...place, level: "delegated" };
}
