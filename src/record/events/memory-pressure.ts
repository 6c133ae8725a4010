/** The node came under MemoryPressure, or that is over → its log record. */
import type { PressureChange } from "../../identify/context/memory-pressure.ts";
import { setNodeMemory } from "../attributes/kubernetes.ts";
import type { RecordContext } from "../context.ts";
import { readableDuration, readableName, readableSize } from "../format.ts";
import type { LogRecord } from "../log-record.ts";
import { toNodeResource } from "../resource.ts";
import { type RecordAttributes, set } from "../schema.ts";
import { memoryPressureUid } from "../uid.ts";

const EVENT = "k8s.node.memory_pressure";

/** Its time is the one at which the kubelet changed the condition. */
export function toMemoryPressureRecord({ pressure, node, beganMs }: PressureChange, context: RecordContext): LogRecord {
  const { isTrue, sinceMs, reason, message } = pressure;
  const resource = toNodeResource(undefined, context);
  const seconds = beganMs === undefined ? undefined : Math.round(sinceMs - beganMs) / 1000;
  const attributes: RecordAttributes = {
    "event.name": EVENT,
    "log.record.uid": memoryPressureUid(node.uid, isTrue, sinceMs, resource),
    "k8s.node.condition.type": "MemoryPressure",
    "k8s.node.condition.status": String(isTrue),
  };
  set(attributes, "oom.memory_pressure.reason", reason);
  set(attributes, "oom.memory_pressure.message", message);
  set(attributes, "oom.memory_pressure.began", beganMs === undefined ? undefined : new Date(beganMs).toISOString());
  set(attributes, "oom.memory_pressure.duration", seconds);
  setNodeMemory(attributes, node);
  const name = resource["k8s.node.name"] ?? resource["host.name"];
  const place = name === undefined ? "the node" : `node ${readableName(String(name))}`;
  return {
    timestampUs: sinceMs * 1000,
    severityText: isTrue ? "WARN" : "INFO",
    severityNumber: isTrue ? 13 : 9,
    eventName: EVENT,
    body: isTrue ? `${place} is under MemoryPressure${whyOf(message, node.allocatable)}` : endOf(place, seconds),
    resource,
    attributes,
  };
}

function whyOf(message: string | undefined, allocatable: number | undefined): string {
  const why = message === undefined ? "" : `: ${readableName(message)}`;
  return allocatable === undefined ? why : `${why} (${readableSize(allocatable)} are for pods)`;
}

function endOf(place: string, seconds: number | undefined): string {
  return `${place} is no longer under MemoryPressure${seconds === undefined ? "" : `, after ${readableDuration(seconds)}`}`;
}
