/**
 * Whose limit a pod's limit is. The kubelet gives a pod's cgroup the sum of its containers' limits (pkg/kubelet/cm
 * helpers_linux.go, ResourceConfigForPod), and what the pod's sandbox uses makes that one run out first: of a pod with
 * one container the kernel then names the pod's limit, though only the container has one.
 */
import type { Kill, Scope, UnloggedKill } from "../correlate/kill.ts";
import type { Who } from "./container-metadata.ts";
import type { Identify } from "./identifier.ts";
import type { ContainerFacts, PodFacts } from "./pods/pod.ts";

/** The kernel counts limits in pages, rounded down. */
const PAGE = 4096;

/** Names a kill: who it was, and with that whose limit. The kill's scope is set. */
export function nameKill(kill: Kill, identify: Identify): Who | undefined {
  const who = identify(kill.identity);
  const limitKb = kill.report.memory?.limitKb;
  kill.scope = refineScope(kill.scope, limitKb === undefined ? undefined : limitKb * 1024, who);
  return who;
}

/** The same of a kill that no line tells. */
export function nameUnlogged(kill: UnloggedKill, identify: Identify): Who | undefined {
  const who = identify(kill.identity);
  if (kill.scope !== undefined) kill.scope = refineScope(kill.scope, undefined, who);
  return who;
}

/** @param limit of the cgroup that ran out, bytes; undefined: the log does not say */
export function refineScope(scope: Scope, limit: number | undefined, who: Who | undefined): Scope {
  const { podFacts: pod, containerFacts: container } = who ?? {};
  if (scope !== "pod" || pod === undefined || container === undefined) return scope;
  return isAlone(pod, container, limit) ? "container" : scope;
}

function isAlone(pod: PodFacts, container: ContainerFacts, limit: number | undefined): boolean {
  const own = container.memory.limit;
  if (own === undefined || pod.memory?.limit !== undefined) return false;
  // One that has no limit may have used up the container's.
  if (pod.containers.some(({ kind }) => kind === "ephemeral")) return false;
  if (limit !== undefined) return Math.floor(limit / PAGE) === Math.floor(own / PAGE);
  return pod.containers.length === 1;
}
