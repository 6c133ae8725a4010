/** The node as the API shows it: its memory, and what is wrong with it. */
import type { V1Node, V1NodeCondition, V1ObjectMeta } from "@kubernetes/client-node";
import { known, text } from "../../../parsers/loose-json.ts";
import { type Loose, toMemory, toTime } from "../pods/pod.ts";

/** Bytes; what is not known is absent. */
export interface NodeFacts {
  /** another one after the node was made anew under its name */
  uid?: string;
  capacity?: number;
  allocatable?: number;
  /** those that are true and tell of trouble: `MemoryPressure`; `NotReady` */
  conditions: readonly string[];
  /** absent: the kubelet does not say (it is away, the status is Unknown), or not since when */
  memoryPressure?: MemoryPressure;
}

/**
 * The condition MemoryPressure: the kubelet is short of memory and evicts pods. It stays for five minutes after the
 * shortage unless the kubelet is told otherwise (eviction-pressure-transition-period).
 * Spec: https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#node-conditions
 */
export interface MemoryPressure {
  isTrue: boolean;
  /** lastTransitionTime, milliseconds since the Unix epoch: whole seconds */
  sinceMs: number;
  /** the kubelet's: `KubeletHasInsufficientMemory` */
  reason?: string;
  message?: string;
}

const MEMORY_PRESSURE = "MemoryPressure";

/** @returns undefined where it is no node */
export function readNode(json: unknown): NodeFacts | undefined {
  const { kind, metadata, status } = (json ?? {}) as Loose<V1Node> & { kind?: unknown };
  const meta = metadata as Loose<V1ObjectMeta>;
  if (kind !== "Node" || typeof meta?.name !== "string") return undefined;
  const conditions = Array.isArray(status?.conditions) ? (status.conditions as Loose<V1NodeCondition>[]) : [];
  return known<NodeFacts>({
    uid: text(meta.uid),
    capacity: toMemory(status?.capacity),
    allocatable: toMemory(status?.allocatable),
    conditions: conditions.flatMap(toTrouble),
    memoryPressure: toMemoryPressure(conditions.find((condition) => condition?.type === MEMORY_PRESSURE)),
  });
}

/**
 * The node as it was at that time, as far as that is known: before a condition last changed it was another.
 * @param atMs milliseconds since the Unix epoch; undefined: not known
 */
export function nodeAt(node: NodeFacts, atMs: number | undefined): NodeFacts {
  const { memoryPressure, conditions, ...rest } = node;
  if (memoryPressure === undefined || (atMs !== undefined && atMs >= memoryPressure.sinceMs)) return node;
  return { ...rest, conditions: conditions.filter((condition) => condition !== MEMORY_PRESSURE) };
}

function toTrouble(condition: Loose<V1NodeCondition>): string[] {
  if (typeof condition?.type !== "string") return [];
  if (condition.type === "Ready") return condition.status === "True" ? [] : ["NotReady"];
  return condition.status === "True" ? [condition.type] : [];
}

function toMemoryPressure(condition: Loose<V1NodeCondition>): MemoryPressure | undefined {
  const status = condition?.status;
  const sinceMs = toTime(condition?.lastTransitionTime);
  if ((status !== "True" && status !== "False") || sinceMs === undefined) return undefined;
  return known<MemoryPressure>({
    isTrue: status === "True",
    sinceMs,
    reason: text(condition?.reason),
    message: text(condition?.message)?.slice(0, MAX_MESSAGE),
  });
}

const MAX_MESSAGE = 1024;
