/** The place at which a cgroup can be written to, where the one at which it is seen is mounted read-only. */
import { accessSync, constants, statSync } from "node:fs";
import { join } from "node:path";
import { type Mount, parseMountinfo } from "../../../parsers/mountinfo.ts";
import { readText } from "../../sources/host.ts";

/**
 * The DaemonSet mounts the node's cgroups read-only below the host root, and a privileged container has them once
 * more, writable, at its own /sys/fs/cgroup: on v1 its own cgroup alone, on v2 all of them where it has no cgroup
 * namespace. containerd's CRI plugin gives it none: "cgroupns is not used when running in cgroup v1 mode or in
 * privileged".
 * @param path of the cgroup, as its hierarchy names it
 * @param mounts for tests, default this process's own
 * @returns a directory that is the same cgroup; `directory` itself where none can be written to
 */
export function findWritable(directory: string, path: string, mounts = readOwnMounts()): string {
  if (isWritable(directory)) return directory;
  const others = mounts.flatMap((mount) => toPlace(mount, path));
  return others.find((other) => isSame(directory, other) && isWritable(other)) ?? directory;
}

function readOwnMounts(): readonly Mount[] {
  return parseMountinfo(readText("/proc/self/mountinfo") ?? "");
}

function toPlace({ root, mountPoint, type }: Mount, path: string): string[] {
  if (type !== "cgroup" && type !== "cgroup2") return [];
  const top = root === "/" ? "" : root;
  return path === top || path.startsWith(`${top}/`) ? [join(mountPoint, path.slice(top.length))] : [];
}

/** A hierarchy is one file system, wherever it is mounted. */
function isSame(one: string, other: string): boolean {
  const [a, b] = [one, other].map((path) => statSync(path, { bigint: true, throwIfNoEntry: false }));
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
