/** A pod that the kubelet has evicted → its log record. */
import type { Who } from "../../identify/container-metadata.ts";
import { setWho } from "../attributes/kubernetes.ts";
import { placeOf } from "../body.ts";
import type { RecordContext } from "../context.ts";
import { readableName } from "../format.ts";
import type { LogRecord } from "../log-record.ts";
import { toKillResource, toNodeResource } from "../resource.ts";
import { type RecordAttributes, set } from "../schema.ts";
import { evictionUid } from "../uid.ts";

const EVENT = "k8s.pod.evicted";

/** @param who the pod @param atUs when it was seen, microseconds since the Unix epoch */
export function toEvictionRecord(who: Who, context: RecordContext, atUs: number): LogRecord {
  const message = who.podFacts?.message;
  const attributes: RecordAttributes = {
    "event.name": EVENT,
    "log.record.uid": evictionUid(who.podUid ?? `${who.namespace}/${who.pod}`),
    "k8s.pod.status.reason": "Evicted",
  };
  set(attributes, "oom.eviction.message", message);
  setWho(attributes, who, atUs / 1000);
  // A sentence of the kubelet's is no name: it is quoted where it is not plain.
  const why = message === undefined ? "" : `: ${readableName(message)}`;
  return {
    timestampUs: atUs,
    severityText: "WARN",
    severityNumber: 13,
    eventName: EVENT,
    body: `${placeOf({}, who)} was evicted by the kubelet${why}`,
    resource: toKillResource(toNodeResource(undefined, context), undefined, who),
    attributes,
  };
}
