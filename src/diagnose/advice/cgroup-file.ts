/** Files of a cgroup on the node, for commands; the cgroup's name is anybody's. */

/** Ends a sentence that stands for a command. */
export const UNSAFE_NAME = "its name holds characters that are unsafe to paste";

/**
 * @param cgroup as the kernel prints it
 * @returns undefined: it is no path below the root of the hierarchy, as of a cgroup namespace of another
 */
export function cgroupFile(cgroup: string, file: string, isV1: boolean): string | undefined {
  const isBelowRoot = cgroup.startsWith("/") && !cgroup.split("/").includes("..");
  const root = isV1 ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup";
  return isBelowRoot ? `${root}${cgroup === "/" ? "" : cgroup}/${file}` : undefined;
}
