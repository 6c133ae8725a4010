/** Commands that show what holds the memory: inside the container, or on the node. */
import type { Case } from "../case.ts";
import { overRequests } from "../causes/node.ts";
import { cgroupFile, UNSAFE_NAME } from "./cgroup-file.ts";
import { isPasteable, toCommand, toInstruction } from "./shell.ts";
import { toQuantity } from "./sizes.ts";
import { isObjectName, nodeOf, type Workload, workloadOf } from "./target.ts";

/** tmpfs: which one is full, and a size for the volume of the pod that has none. */
export function lookIntoTmpfs(one: Case): string[] {
  const workload = workloadOf(one.who);
  if (workload === undefined) return [toCommand("df", "-h", "-t", "tmpfs")];
  return [inContainer(workload, "df", "-h", "-t", "tmpfs"), ...boundVolumes(one, workload)];
}

/** Of the limit, for a volume without a size: the program needs room beside it. */
const VOLUME_SHARE = 0.5;
const MIB = 1024 ** 2;

function boundVolumes({ who, use }: Case, { template, namespace, container }: Workload): string[] {
  const unbound = (who?.podFacts?.memoryVolumes ?? []).filter(
    ({ sizeLimit, containers }) =>
      sizeLimit === undefined && (container === undefined || containers.includes(container)),
  );
  const bytes = Math.floor(((use.whole ?? 0) * VOLUME_SHARE) / MIB) * MIB;
  // kubectl merges volumes by their names; that of a CronJob's Jobs lies deeper and is seldom in memory.
  if (unbound.length === 0 || bytes === 0 || template === undefined || template.startsWith("cronjob/")) return [];
  const volumes = unbound.map(({ name }) => ({ name, emptyDir: { medium: "Memory", sizeLimit: toQuantity(bytes) } }));
  const patch = JSON.stringify({ spec: { template: { spec: { volumes } } } });
  return [toCommand("kubectl", "patch", template, "-n", namespace, "-p", patch)];
}

/** What a cgroup's memory is, line by line. */
export function lookIntoCgroup({ who, kill }: Case): string[] {
  const workload = workloadOf(who);
  const isV1 = kill.report.memsw !== undefined;
  // Within the container its own cgroup is mounted there.
  const cgroup = workload === undefined ? kill.limitCgroup : "/";
  const path = cgroup === undefined ? undefined : cgroupFile(cgroup, "memory.stat", isV1);
  if (path === undefined) return [];
  if (workload !== undefined) return [inContainer(workload, "cat", path)];
  if (!isPasteable(path)) return [toInstruction(`Read memory.stat of the cgroup by hand: ${UNSAFE_NAME}`)];
  return [toCommand("cat", path)];
}

export function lookIntoSlab(one: Case): string[] {
  return [...lookIntoCgroup(one), toCommand("slabtop", "-o", "-s", "c")];
}

/** Who of a pod uses what. */
export function lookIntoPod({ who }: Case): string[] {
  const workload = workloadOf(who);
  if (workload === undefined) return [];
  return [toCommand("kubectl", "top", "pod", workload.pod, "-n", workload.namespace, "--containers")];
}

/** Where it can add no replicas, the load of each grows, and each of its replicas may run out as this one did. */
export function lookIntoAutoscaler({ who, autoscaler }: Case): string[] {
  const namespace = who?.namespace;
  if (autoscaler?.isAtMaximum !== true || !isObjectName(namespace)) return [];
  return [toCommand("kubectl", "describe", `hpa/${autoscaler.name}`, "-n", namespace)];
}

/** NUMA: what is left where. */
export function lookIntoMemoryNodes(): string[] {
  return [toCommand("numastat", "-m"), toCommand("numactl", "--hardware")];
}

/** Of a node: what has been promised on it, and a request for who used more than it had asked for. */
export function relieveNode({ who, history }: Case): string[] {
  const node = nodeOf(who);
  const [worst] = overRequests(history?.members ?? []);
  return [
    ...(worst === undefined ? [] : raiseRequest(workloadOf(worst.member.who), worst.request + worst.over)),
    node === undefined
      ? toCommand("ps", "-eo", "pid,rss,oom_score_adj,cgroup,comm", "--sort=-rss")
      : toCommand("kubectl", "describe", "node", node),
    ...(node === undefined ? [] : [toCommand("kubectl", "top", "pods", "-A", "--sort-by=memory")]),
  ];
}

const REQUEST_STEP = 32 * MIB;

function raiseRequest(workload: Workload | undefined, used: number): string[] {
  if (workload?.template === undefined || workload.container === undefined) return [];
  const { template, namespace, container } = workload;
  const memory = toQuantity(Math.ceil(used / REQUEST_STEP) * REQUEST_STEP);
  return [
    toCommand("kubectl", "set", "resources", template, "-n", namespace, "-c", container, `--requests=memory=${memory}`),
  ];
}

function inContainer({ pod, namespace, container }: Workload, ...words: string[]): string {
  const where = container === undefined ? [] : ["-c", container];
  return toCommand("kubectl", "exec", pod, "-n", namespace, ...where, "--", ...words);
}
