/** Commands that give what ran out more memory. */
import type { Case, CaseKill } from "../case.ts";
import type { Cause } from "../diagnosis.ts";
import { cgroupFile, UNSAFE_NAME } from "./cgroup-file.ts";
import { isPasteable, PIPE, TO_FILE, toCommand, toInstruction } from "./shell.ts";
import { suggestLimit, toMebibytes, toQuantity } from "./sizes.ts";
import { unitOf, type Workload, workloadOf } from "./target.ts";

/** None where nobody's limit was hit, or one that no command of ours can change. */
export function raiseLimit(one: Case, cause: Cause): string[] {
  const bytes = suggestLimit(one, cause);
  if (bytes === undefined) return [];
  const workload = workloadOf(one.who);
  if (workload !== undefined) return ofWorkload(one, workload, bytes);
  return ofCgroup(one.kill, bytes);
}

function ofWorkload({ kill, who }: Case, workload: Workload, bytes: number): string[] {
  const { template, pod, namespace, container } = workload;
  const isPods = kill.scope === "pod" && who?.podFacts?.memory?.limit !== undefined;
  // Static pods are files of the node, and what a container set below its own cgroup it has to change itself.
  if (who?.configHash !== undefined || (kill.scope !== "container" && kill.scope !== "pod")) return [];
  const memory = toQuantity(bytes);
  if (isPods) return template === undefined ? [] : [patchPodLimit(template, namespace, memory)];
  if (container === undefined) return [];
  if (template !== undefined) {
    return [
      toCommand("kubectl", "set", "resources", template, "-n", namespace, "-c", container, `--limits=memory=${memory}`),
    ];
  }
  const patch = JSON.stringify({ spec: { containers: [{ name: container, resources: { limits: { memory } } }] } });
  return [toCommand("kubectl", "patch", "pod", pod, "-n", namespace, "--subresource", "resize", "-p", patch)];
}

function patchPodLimit(template: string, namespace: string, memory: string): string {
  const spec = { spec: { template: { spec: { resources: { limits: { memory } } } } } };
  const cronJob = { spec: { jobTemplate: spec } };
  const patch = JSON.stringify(template.startsWith("cronjob/") ? cronJob : spec);
  return toCommand("kubectl", "patch", template, "-n", namespace, "-p", patch);
}

function ofCgroup(kill: CaseKill, bytes: number): string[] {
  const { identity, limitCgroup, scope } = kill;
  const unit = unitOf(kill);
  const mebibytes = toMebibytes(bytes);
  if (identity?.podUid !== undefined) return findPod(identity.podUid);
  if (scope === "container" && identity?.containerId !== undefined) {
    const { runtime, containerId } = identity;
    if (runtime !== "docker" && runtime !== "podman") return [];
    return [toCommand(runtime, "update", "--memory", `${mebibytes}m`, "--memory-swap", `${mebibytes}m`, containerId)];
  }
  if (unit !== undefined && limitCgroup?.endsWith(`/${unit}`) === true) {
    if (!isPasteable(unit)) return [toInstruction(`Set MemoryMax=${mebibytes}M for the unit by hand: ${UNSAFE_NAME}`)];
    return [toCommand("systemctl", "set-property", "--", unit, `MemoryMax=${mebibytes}M`)];
  }
  if (scope !== "cgroup" || limitCgroup === undefined || identity?.containerId !== undefined) return [];
  return writeLimit(kill, limitCgroup, bytes);
}

/** With its UID alone: who it is comes first. */
function findPod(uid: string): string[] {
  const columns = "custom-columns=NAMESPACE:.metadata.namespace,NAME:.metadata.name,UID:.metadata.uid";
  return [toCommand("kubectl", "get", "pods", "-A", "-o", columns, PIPE, "grep", "-F", "-e", uid)];
}

/** cgroup v1 prints `memory+swap:`, v2 `swap:`; with neither, which file it is is not known. */
function writeLimit({ report }: CaseKill, cgroup: string, bytes: number): string[] {
  const isV1 = report.memsw !== undefined;
  if (!isV1 && report.swap === undefined) return [];
  const file = isV1 ? "memory.limit_in_bytes" : "memory.max";
  const path = cgroupFile(cgroup, file, isV1);
  if (path === undefined) return [];
  if (!isPasteable(path)) return [toInstruction(`Write ${bytes} to ${file} of the cgroup by hand: ${UNSAFE_NAME}`)];
  return [toCommand("echo", String(bytes), TO_FILE, path)];
}
