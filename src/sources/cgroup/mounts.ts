/** Finds the hierarchy that has the memory controller (v1, v2 or hybrid), and how its paths read in the kernel's log. */
import { existsSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { Mount } from "../../../parsers/mountinfo.ts";
import { readMounts, readText } from "../host.ts";

export interface MemoryHierarchy {
  version: "v1" | "v2";
  /** the topmost cgroup that can be seen; under the host's root */
  directory: string;
  /** the path of `directory` as the kernel's log prints it; `/` as well where that cannot be known */
  path: string;
  /**
   * all: from the hierarchy's root down; part: below `path` only; relative: part of it, and no path agrees with the
   * kernel's log, since the mount belongs to a cgroup namespace of a container
   */
  seen: "all" | "part" | "relative";
  /** v2, mount option memory_localevents: memory.events is of the very cgroup, not of those below */
  localEvents: boolean;
}

/** There is no memory controller to be seen; the message says what to do. */
export class CgroupOpenError extends Error {
  override name = "CgroupOpenError";
}

/** include/linux/proc_ns.h, PROC_CGROUP_INIT_INO: the namespace in which paths are those of the kernel's log. */
const INIT_CGROUP_NAMESPACE = "cgroup:[4026531835]";

/**
 * @param hostRoot where the node's own file system is mounted: `/host`
 * @param isInitNamespace for tests: whether this process is in the node's own cgroup namespace
 * @throws CgroupOpenError
 */
export function findMemoryHierarchy(hostRoot = "/", isInitNamespace = readIsInitNamespace()): MemoryHierarchy {
  // Of several at one place the last is seen.
  const mounts = new Map(readMounts(hostRoot).map((mount) => [mount.mountPoint, mount]));
  const found = [...mounts.values(), ...CONVENTION]
    .map((mount) => toHierarchy(mount, hostRoot, isInitNamespace))
    .filter((hierarchy) => hierarchy !== undefined)
    // v1 before v2: on a hybrid node both are mounted, and what toHierarchy lets through as v1 has the controller.
    .sort((a, b) => a.version.localeCompare(b.version) || SEEN.indexOf(a.seen) - SEEN.indexOf(b.seen))[0];
  if (found !== undefined) return found;
  throw new CgroupOpenError(
    `no cgroup with the memory controller below ${join(hostRoot, "/sys/fs/cgroup")}: in a container mount the node's ` +
      "/sys/fs/cgroup and /proc (hostPath) below the host root; cgroup_disable=memory on the kernel's command line " +
      "switches the controller off",
  );
}

const SEEN = ["all", "part", "relative"];

/** Where to look in any case: the host's /proc may not be there, or tell the paths of another mount namespace. */
const CONVENTION: readonly Mount[] = [
  { root: "", mountPoint: "/sys/fs/cgroup/memory", type: "cgroup", options: ["memory"] },
  { root: "", mountPoint: "/sys/fs/cgroup", type: "cgroup2", options: [] },
  { root: "", mountPoint: "/sys/fs/cgroup/unified", type: "cgroup2", options: [] },
];

function toHierarchy(mount: Mount, hostRoot: string, isInitNamespace: boolean): MemoryHierarchy | undefined {
  const directory = join(hostRoot, mount.mountPoint);
  const version = readVersion(mount, directory);
  if (version === undefined) return undefined;
  const localEvents = version === "v2" && mount.options.includes("memory_localevents");
  if (isHierarchyRoot(directory, version)) return { version, directory, path: "/", seen: "all", localEvents };
  // A mount of another namespace's shows its root as seen from the reader: `/`, or upwards from there.
  const isKnown = isInitNamespace && mount.root.startsWith("/") && mount.root !== "/" && !mount.root.startsWith("/..");
  return isKnown
    ? { version, directory, path: mount.root, seen: "part", localEvents }
    : { version, directory, path: "/", seen: "relative", localEvents };
}

/** @returns undefined where it is not a cgroup's mount, or one without the memory controller */
function readVersion({ type, options }: Mount, directory: string): "v1" | "v2" | undefined {
  if (type === "cgroup" && options.includes("memory")) {
    return existsSync(join(directory, "memory.oom_control")) ? "v1" : undefined;
  }
  if (type !== "cgroup2") return undefined;
  const controllers = readText(join(directory, "cgroup.controllers"))?.trim().split(" ");
  return controllers?.includes("memory") ? "v2" : undefined;
}

/** v1 has release_agent at the root only (CFTYPE_ONLY_ON_ROOT), v2 cgroup.events everywhere else (kernel/cgroup). */
function isHierarchyRoot(directory: string, version: "v1" | "v2"): boolean {
  return version === "v1"
    ? existsSync(join(directory, "release_agent"))
    : !existsSync(join(directory, "cgroup.events"));
}

function readIsInitNamespace(): boolean {
  try {
    return readlinkSync("/proc/self/ns/cgroup") === INIT_CGROUP_NAMESPACE;
  } catch {
    return true; // before Linux 4.6 there are none
  }
}
