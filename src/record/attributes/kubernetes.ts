/** The attributes of a record about a container in Kubernetes: how it is named, and how it stood when it was killed. */

import type { Who } from "../../identify/container-metadata.ts";
import type { Autoscaler } from "../../identify/context/autoscalers.ts";
import type { Surroundings } from "../../identify/context/kill-context.ts";
import type { NodeFacts } from "../../identify/context/node.ts";
import type { Repeats } from "../../identify/context/repeats.ts";
import type { ContainerFacts, PodFacts } from "../../identify/pods/pod.ts";
import type { Known } from "../enrichment.ts";
import { type RecordAttributes, set } from "../schema.ts";

/** What is known of a kill beside what the kernel said. @param atMs when it was, milliseconds since the Unix epoch */
export function setKnown(into: RecordAttributes, known: Known, atMs: number | undefined): void {
  const { who, repeats, node } = known;
  if (who !== undefined) setWho(into, who, atMs);
  if (repeats !== undefined) setRepeats(into, repeats);
  if (node !== undefined) setNode(into, node);
  setSurroundings(into, known);
}

/** What the API says around a kill, and what of it is missing: of the kill, and of its follow-up. */
export function setSurroundings(into: RecordAttributes, around: Partial<Surroundings>): void {
  const { isFirstOfRollout, autoscaler, missing = [] } = around;
  set(into, "oom.rollout.first_kill", isFirstOfRollout);
  if (autoscaler !== undefined) setAutoscaler(into, autoscaler);
  if (missing.length > 0) into["oom.kubernetes.missing"] = [...missing];
}

/** @param atMs when it was killed, milliseconds since the Unix epoch */
export function setWho(into: RecordAttributes, who: Who, atMs: number | undefined): void {
  into["oom.identity.sources"] = [...who.sources];
  if (who.missing.length > 0) into["oom.identity.missing"] = [...who.missing];
  set(into, "oom.container.kind", who.containerKind);
  set(into, "oom.pod.config_hash", who.configHash);
  const owner = who.owners.at(-1);
  set(into, "oom.owner.evidence", owner?.evidence);
  const replicaSet = who.owners.find(({ kind }) => kind === "ReplicaSet");
  set(into, "oom.rollout.age", secondsSince(replicaSet?.createdMs, atMs));
  set(into, "oom.container.memory.limit", who.memoryLimit);
  if (who.podFacts !== undefined) setPod(into, who.podFacts, atMs);
  if (who.containerFacts !== undefined) setContainer(into, who.containerFacts, atMs);
}

/** How often its workload was killed. */
function setRepeats(into: RecordAttributes, { recent, ofRevision }: Repeats): void {
  into["oom.workload.kills"] = recent;
  into["oom.rollout.kills"] = ofRevision;
}

function setAutoscaler(into: RecordAttributes, { name, max, current, desired, isAtMaximum }: Autoscaler): void {
  into["k8s.hpa.name"] = name;
  into["oom.hpa.replicas.max"] = max;
  set(into, "oom.hpa.replicas.current", current);
  set(into, "oom.hpa.replicas.desired", desired);
  if (current !== undefined) into["oom.hpa.at_maximum"] = isAtMaximum;
}

function setNode(into: RecordAttributes, node: NodeFacts): void {
  setNodeMemory(into, node);
  if (node.conditions.length > 0) into["oom.kubernetes.node.conditions"] = [...node.conditions];
  set(into, "oom.kubernetes.node.memory_pressure", node.memoryPressure?.isTrue);
}

export function setNodeMemory(into: RecordAttributes, { capacity, allocatable }: NodeFacts): void {
  set(into, "oom.kubernetes.node.capacity", capacity);
  set(into, "oom.kubernetes.node.allocatable", allocatable);
}

function setPod(into: RecordAttributes, pod: PodFacts, atMs: number | undefined): void {
  set(into, "oom.pod.memory.request", pod.memory?.request);
  set(into, "oom.pod.memory.limit", pod.memory?.limit);
  set(into, "oom.pod.qos", pod.qos);
  set(into, "oom.pod.priority", pod.priority);
  set(into, "oom.pod.age", secondsSince(pod.createdMs, atMs));
  if (pod.deletionMs !== undefined) into["oom.pod.deleting"] = true;
  set(into, "oom.pod.template_hash", pod.labels["pod-template-hash"]);
}

function setContainer(into: RecordAttributes, container: ContainerFacts, atMs: number | undefined): void {
  set(into, "oom.container.memory.request", container.memory.request);
  set(into, "oom.container.memory.limit", container.memory.limit);
  set(into, "oom.container.memory.limit_wanted", container.wanted?.limit);
  set(into, "oom.container.age", secondsSince(container.state?.startedMs, atMs));
  set(into, "oom.container.last_exit.reason", container.lastState?.reason);
  set(into, "oom.container.last_exit.code", container.lastState?.exitCode);
}

/** The API's times are whole seconds: what began in the same one may seem to have begun later. */
const ROUNDING_MS = 1000;

function secondsSince(thenMs: number | undefined, atMs: number | undefined): number | undefined {
  if (thenMs === undefined || atMs === undefined || thenMs - atMs > ROUNDING_MS) return undefined;
  return Math.max(0, Math.round(atMs - thenMs)) / 1000;
}
