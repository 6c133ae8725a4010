/** The body of a kill's record: one sentence that says who was killed, where, and whose memory ran out. */
import type { MemcgUsage, OomReport, Victim } from "../../parsers/oom/report.ts";
import type { Kill } from "../correlate/kill.ts";
import type { Who } from "../identify/who.ts";
import { readableName, readablePath, readableSize } from "./readable.ts";

/**
 * `java (pid 1234) in container 7c1d0b9f3a5e of pod 1f3c9d1e-… was OOM-killed: the container's 48 MiB limit was
 * reached (46.8 MiB anon)`; with names `in container app of pod shop/web-0`. Names in it are escaped, so it is always
 * one line.
 * @param pageSize bytes
 */
export function killSentence(kill: Kill, pageSize: number, who?: Who): string {
  const { victim } = kill;
  const process = processOf(victim.comm, victim.pid);
  if (kill.attribution === "unverified") {
    return `the kernel's log says that ${process}${wherePart(kill, who)} was OOM-killed, but no counter of the kernel confirms it: the line may be forged`;
  }
  const group = victim.groupKill ? " with its whole cgroup (memory.oom.group)" : "";
  return `${process}${wherePart(kill, who)} was OOM-killed${group}: ${whyPart(kill, pageSize)}${sizePart(victim)}`;
}

/** A process, for people. */
export function processOf(comm: string | undefined, pid: number): string {
  if (comm === undefined) return `the process with pid ${pid}`;
  return `${comm === "" ? "a process without a name" : readableName(comm)} (pid ${pid})`;
}

function wherePart(kill: Kill, who: Who | undefined): string {
  const place = placeOf(kill, who);
  if (place === undefined) return "";
  return kill.attribution === "inferred" ? `, probably in ${place},` : ` in ${place}`;
}

/** Where a victim was, for people; undefined where that is not known. */
export function placeOf(
  { identity, victimCgroup }: Pick<Kill, "identity" | "victimCgroup">,
  who: Who | undefined,
): string | undefined {
  const pod = podOf(identity, who);
  const container = containerOf(identity, who);
  if (container !== undefined) return pod === undefined ? container : `${container} of ${pod}`;
  if (pod !== undefined) return pod;
  if (identity?.unit !== undefined) return readablePath(identity.unit);
  return victimCgroup === undefined ? undefined : `cgroup ${readablePath(victimCgroup)}`;
}

function podOf(identity: Kill["identity"], who: Who | undefined): string | undefined {
  const isStatic = identity?.staticPod === true || who?.configHash !== undefined;
  const kind = isStatic ? "static pod" : "pod";
  if (who?.pod !== undefined) {
    const namespace = who.namespace === undefined ? "" : `${readableName(who.namespace)}/`;
    return `${kind} ${namespace}${readableName(who.pod)}`;
  }
  return identity?.podUid === undefined ? undefined : `${kind} ${identity.podUid}`;
}

function containerOf(identity: Kill["identity"], who: Who | undefined): string | undefined {
  if (who?.containerKind === "sandbox") return "the sandbox";
  if (who?.container !== undefined) {
    const kind = who.containerKind === undefined || who.containerKind === "container" ? "" : `${who.containerKind} `;
    return `${kind}container ${readableName(who.container)}`;
  }
  // The first twelve digits are what container tools show and take.
  return identity?.containerId === undefined ? undefined : `container ${identity.containerId.slice(0, 12)}`;
}

function whyPart(kill: Kill, pageSize: number): string {
  const { report } = kill;
  const limit = limitPart(report);
  const limitCgroup = kill.limitCgroup === undefined ? undefined : readablePath(kill.limitCgroup);
  switch (kill.scope) {
    case "container":
      return `the container's ${limit} was reached`;
    case "pod":
      return `the pod's ${limit} was reached`;
    case "kubepods":
      return `the ${limit} of the node's pods${limitCgroup === undefined ? "" : ` (${limitCgroup})`} was reached`;
    case "cgroup":
      return `the ${limit} of ${limitCgroup ?? "its cgroup"} was reached`;
    case "node":
      return nodePart(report, pageSize);
    case "unknown":
      return "the kernel's log does not say whose memory ran out";
  }
}

/** `48 MiB limit`, or which other counter was the full one: on cgroup v1 memory and swap together have a limit. */
function limitPart(report: OomReport): string {
  let fullest = "";
  let fill = filling(report.memory);
  let limitKb = report.memory?.limitKb;
  for (const [name, usage] of [
    ["memory and swap ", report.memsw],
    ["kernel memory ", report.kmem],
  ] as const) {
    if (filling(usage) > fill) {
      fullest = name;
      fill = filling(usage);
      limitKb = usage?.limitKb;
    }
  }
  return limitKb === undefined ? "memory limit" : `${readableSize(limitKb * 1024)} ${fullest}limit`;
}

function filling(usage: MemcgUsage | undefined): number {
  return usage?.limitKb === undefined || usage.limitKb === 0 ? 0 : usage.usageKb / usage.limitKb;
}

function nodePart(report: OomReport, pageSize: number): string {
  if (report.trigger?.order === -1) return "SysRq-f asked for it, the node need not be short of memory";
  if (report.constraint === "cpuset") return "the memory nodes of its cpuset ran out";
  if (report.constraint === "memory_policy") return "the memory nodes of its memory policy ran out";
  const free = report.nodeMemory?.pages["free"];
  const total = report.nodeMemory?.totalPages;
  if (free === undefined || total === undefined) return "the node ran out of memory";
  return `the node ran out of memory, with ${readableSize(free * pageSize)} of ${readableSize(total * pageSize)} free`;
}

/** ` (46.8 MiB anon)`: the largest part of what the victim held. */
function sizePart({ anonRssKb, fileRssKb, shmemRssKb }: Victim): string {
  if (anonRssKb === undefined) return "";
  let name = "anon";
  let largest = anonRssKb;
  if (fileRssKb !== undefined && fileRssKb > largest) {
    name = "file";
    largest = fileRssKb;
  }
  if (shmemRssKb !== undefined && shmemRssKb > largest) {
    name = "shmem";
    largest = shmemRssKb;
  }
  return ` (${readableSize(largest * 1024)} ${name})`;
}
