/** /proc/<pid>/mountinfo: what is mounted where. Spec: proc_pid_mountinfo(5). */

export interface Mount {
  /** of the file system, what the mount shows; a cgroup's is seen from the reader's cgroup namespace */
  root: string;
  mountPoint: string;
  /** `cgroup2` */
  type: string;
  /** of the file system, not of the mount: `rw`, `memory`, `memory_localevents` … */
  options: readonly string[];
}

/** Reads every line; what is no such line is passed over. A later mount hides an earlier one at the same place. */
export function parseMountinfo(text: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split("\n")) {
    // ID, parent, device, root, mount point, options, optional fields, "-", type, source, file system's options
    const separator = line.indexOf(" - ");
    if (separator === -1) continue;
    const [, , , root, mountPoint] = line.slice(0, separator).split(" ");
    const [type, , options = ""] = line.slice(separator + 3).split(" ");
    if (root === undefined || mountPoint === undefined || type === undefined) continue;
    mounts.push({ root: undoEscapes(root), mountPoint: undoEscapes(mountPoint), type, options: options.split(",") });
  }
  return mounts;
}

const ESCAPE = /\\([0-7]{3})/g;

/** Blank, tab, newline and backslash stand as three octal digits: fs/proc_namespace.c, mangle. */
function undoEscapes(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(ESCAPE, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
