/** Cgroups as the kubelet and the runtimes make them on cgroup v2, with either of the kubelet's drivers. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const MOUNT = "/sys/fs/cgroup";

export type Driver = "systemd" | "cgroupfs";
export type Qos = "burstable" | "besteffort" | "guaranteed";

export interface Limits {
  /** memory.max */
  memory?: number;
  /** memory.swap.max; a container has none by default, as the kubelet's default is */
  swap?: number;
  /** memory.oom.group; the kubelet sets it by default since 1.28 */
  group?: boolean;
}

export interface Cgroup {
  /** as the kernel prints it */
  readonly path: string;
  readonly directory: string;
}

export interface ContainerCgroup extends Cgroup {
  readonly containerId: string;
  readonly pod: PodCgroup;
}

export interface PodCgroup extends Cgroup {
  readonly uid: string;
  container(limits?: Limits): ContainerCgroup;
}

let pods = 0;
let containers = 0;

export function makePod(driver: Driver, qos: Qos, limits: Limits = {}): PodCgroup {
  const uid = `8f7d2a4e-1c3b-4d5e-9f60-${(++pods).toString(16).padStart(12, "0")}`;
  const pod = makeCgroup(podPath(driver, qos, uid), limits);
  return {
    ...pod,
    uid,
    container(containerLimits = {}) {
      const containerId = (++containers).toString(16).padStart(4, "0").repeat(16);
      const name = driver === "systemd" ? `cri-containerd-${containerId}.scope` : containerId;
      return { ...makeCgroup(`${pod.path}/${name}`, { swap: 0, ...containerLimits }), containerId, pod: this };
    },
  };
}

/** Every cgroup's counters that are not all zero, by path. */
export function readCounters(file: "memory.events" | "memory.events.local"): Record<string, Record<string, number>> {
  const counters: Record<string, Record<string, number>> = {};
  for (const entry of readdirSync(MOUNT, { recursive: true, encoding: "utf8" })) {
    if (!entry.endsWith(`/${file}`)) continue;
    const events = parseEvents(readFileSync(join(MOUNT, entry), "latin1"));
    const { low: _, high: __, max: ___, ...oom } = events;
    if (Object.values(oom).some((count) => count > 0)) counters[`/${entry.slice(0, -file.length - 1)}`] = events;
  }
  return counters;
}

/** `name count`, one a line or one before each `;`. */
export function parseEvents(text: string): Record<string, number> {
  const events: Record<string, number> = {};
  for (const [, name = "", count] of text.matchAll(/(\w+) (\d+)/g)) events[name] = Number(count);
  return events;
}

function podPath(driver: Driver, qos: Qos, uid: string): string {
  if (driver === "cgroupfs") return `/kubepods${qos === "guaranteed" ? "" : `/${qos}`}/pod${uid}`;
  const prefix = qos === "guaranteed" ? "kubepods" : `kubepods-${qos}`;
  const level = qos === "guaranteed" ? "" : `/${prefix}.slice`;
  return `/kubepods.slice${level}/${prefix}-pod${uid.replaceAll("-", "_")}.slice`;
}

/** Makes it and those above it, each with the memory controller. */
function makeCgroup(path: string, { memory, swap, group }: Limits): Cgroup {
  let directory = MOUNT;
  for (const name of path.slice(1).split("/")) {
    writeFileSync(join(directory, "cgroup.subtree_control"), "+memory +pids");
    directory = join(directory, name);
    mkdirSync(directory, { recursive: true });
  }
  if (memory !== undefined) writeFileSync(join(directory, "memory.max"), String(memory));
  if (swap !== undefined) writeFileSync(join(directory, "memory.swap.max"), String(swap));
  if (group !== undefined) writeFileSync(join(directory, "memory.oom.group"), group ? "1" : "0");
  return { path, directory };
}
