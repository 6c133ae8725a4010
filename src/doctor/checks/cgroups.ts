/** The cgroups with their counters of kills: which version, how much of the node is seen, and whether all can be read. */
import { parseCgroupPath } from "../../../parsers/cgroup/path.ts";
import { countOf } from "../../replay/captures.ts";
import { CgroupOpenError, findMemoryHierarchy, type MemoryHierarchy } from "../../sources/cgroup-mounts.ts";
import { readMounts } from "../../sources/host-files.ts";
import { type CounterReading, openMemoryCounters } from "../../sources/memory-counters.ts";
import type { CheckContext, Finding } from "../check.ts";

export function checkCgroups({ hostRoot }: Pick<CheckContext, "hostRoot">): Finding {
  let hierarchy: MemoryHierarchy;
  try {
    hierarchy = findMemoryHierarchy(hostRoot);
  } catch (error) {
    if (!(error instanceof CgroupOpenError)) throw error;
    return splitMessage(error.message);
  }
  const counts = readCounts(hostRoot, hierarchy);
  const kind = kindOf(hostRoot, hierarchy);
  const { directory, path, seen, localEvents } = hierarchy;
  const detail = { kind, directory, path, seen, localEvents, ...counts };
  const { driver, containers, pods, cgroups } = counts;
  const drivers = driver.length === 0 ? "" : `, driver ${driver.join(" and ")}`;
  const all = `${kind}${drivers}: ${countOf(cgroups, "cgroup")}, ${countOf(containers, "container")} in ${countOf(pods, "pod")}`;
  if (seen === "relative") {
    return {
      status: "failed",
      says: `${directory} is of a cgroup namespace: its paths are not those of the kernel's log, so its counters are not read`,
      advice:
        "run in the node's cgroup namespace (privileged), or mount the node's /sys/fs/cgroup and /proc (hostPath) below --host-root",
      detail,
    };
  }
  if (counts.unreadable !== undefined) {
    return {
      status: "failed",
      says: `${all}; counters cannot be read (${counts.unreadable})`,
      advice: "run as root; the agent reads memory.oom_control (v1) and memory.events (v2) of every cgroup",
      detail,
    };
  }
  if (seen === "part") {
    return {
      status: "warning",
      says: `${all}; nothing outside of ${path} is seen`,
      advice: "mount the node's whole /sys/fs/cgroup (hostPath) below --host-root: a kill elsewhere has no counter",
      detail,
    };
  }
  if (counts.isLimited) {
    return {
      status: "warning",
      says: `${all}; there are more, which are not followed`,
      advice: "find out what makes so many cgroups; a kill in one that is not followed may be missed",
      detail,
    };
  }
  const [first] = counts.unwatched;
  if (first !== undefined) {
    return {
      status: "warning",
      says: `${all}; ${first[1]} more below ${first[0]} are not watched`,
      advice: "find out what makes so many cgroups there; kills in them are counted by the cgroups above or the node",
      detail,
    };
  }
  return { status: "ok", says: all, detail };
}

interface Counts {
  cgroups: number;
  containers: number;
  pods: number;
  /** by the layout of the paths; of both where somebody made cgroups of his own */
  driver: string[];
  /** kills that they have counted */
  kills: number;
  /** why some cannot be read */
  unreadable: string | undefined;
  isLimited: boolean;
  /** how many there is no room for, by the container or unit that they are in */
  unwatched: ReadonlyMap<string, number>;
}

/** As the agent does it, for a moment. */
function readCounts(hostRoot: string, hierarchy: MemoryHierarchy): Counts {
  let unreadable: string | undefined;
  let isLimited = false;
  const source = openMemoryCounters({
    hostRoot,
    hierarchy,
    onReading() {},
    onTrouble(name, { code }) {
      if (name === "memory_counters_unreadable") unreadable = String(code);
      if (name === "cgroup_limit_reached") isLimited = true;
    },
  });
  try {
    return { ...count(source.known), unreadable, isLimited, unwatched: source.unwatched };
  } finally {
    source.close();
  }
}

function count(known: ReadonlyMap<string, CounterReading>): Omit<Counts, "unreadable" | "isLimited" | "unwatched"> {
  const containers = new Set<string>();
  const pods = new Set<string>();
  const driver = new Set<string>();
  let kills = 0;
  for (const [path, { local, tree }] of known) {
    const identity = parseCgroupPath(path);
    if (identity.containerId !== undefined) containers.add(identity.containerId);
    if (identity.podUid !== undefined) pods.add(identity.podUid);
    if (identity.podUid !== undefined && identity.driver !== undefined) driver.add(identity.driver);
    // `tree` would count a kill once for each level.
    kills += (local ?? (tree === undefined ? undefined : { oomKill: 0 }))?.oomKill ?? 0;
  }
  return { cgroups: known.size, containers: containers.size, pods: pods.size, driver: [...driver].toSorted(), kills };
}

/** hybrid: the memory controller is on v1, and v2 is mounted beside it. */
function kindOf(hostRoot: string, { version }: MemoryHierarchy): string {
  const hasV2 = readMounts(hostRoot).some(({ type }) => type === "cgroup2");
  return version === "v1" && hasV2 ? "cgroup v1 (hybrid)" : `cgroup ${version}`;
}

function splitMessage(message: string): Finding {
  const at = message.indexOf(": ");
  return { status: "failed", says: message.slice(0, at), advice: message.slice(at + 2) };
}
