/**
 * /proc/<pid>/cgroup → where the process stands in the hierarchy that has the memory controller.
 * Spec: cgroups(7); source: kernel/cgroup/cgroup.c, proc_cgroup_show.
 */

export interface ProcCgroup {
  /** of the hierarchy that has the memory controller; a hybrid node's is v1 */
  version: "v1" | "v2";
  /**
   * As the kernel's log prints it, where the reader is in the node's own cgroup namespace. Absent where the file does
   * not tell: `/` (v1 says so of every process that is ending, whatever cgroup it was killed in) and paths out of the
   * reader's cgroup namespace (`/../..`).
   */
  path?: string;
  /** v2: the cgroup is gone, the process is a zombie of it */
  deleted?: true;
}

/** v2 only; on v1 it is part of a name. */
const DELETED = " (deleted)";

/** @returns undefined where no line is of a hierarchy that can have the memory controller */
export function parseProcCgroup(text: string): ProcCgroup | undefined {
  let unified: string | undefined;
  for (const line of text.split("\n")) {
    const controllersAt = line.indexOf(":") + 1;
    const pathAt = line.indexOf(":", controllersAt) + 1;
    if (controllersAt === 0 || pathAt === 0) continue;
    const controllers = line.slice(controllersAt, pathAt - 1);
    const path = line.slice(pathAt);
    // Bound to a v1 hierarchy the controller cannot be in v2's.
    if (controllers.split(",").includes("memory")) return { version: "v1", ...placeOf(path) };
    if (controllers === "" && line.startsWith("0:")) unified = path;
  }
  if (unified === undefined) return undefined;
  const isDeleted = unified.endsWith(DELETED);
  const place = placeOf(isDeleted ? unified.slice(0, -DELETED.length) : unified);
  return isDeleted ? { version: "v2", ...place, deleted: true } : { version: "v2", ...place };
}

function placeOf(path: string): { path?: string } {
  const isKnown = path.startsWith("/") && path !== "/" && path !== "/.." && !path.startsWith("/../");
  return isKnown ? { path } : {};
}
