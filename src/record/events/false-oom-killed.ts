/** A container that Kubernetes calls OOMKilled though the kernel killed nothing in it → its log record. */
import type { FalseKill } from "../../identify/follow-up/false-kills.ts";
import type { Identify } from "../../identify/identifier.ts";
import { setWho } from "../attributes/kubernetes.ts";
import { placeOf } from "../body.ts";
import type { RecordContext } from "../context.ts";
import type { LogRecord } from "../log-record.ts";
import { toKillResource, toNodeResource } from "../resource.ts";
import type { RecordAttributes } from "../schema.ts";
import { set } from "../schema.ts";
import { falseKillUid } from "../uid.ts";

const EVENT = "k8s.container.false_oom_killed";

/** @param atUs when it was found, microseconds since the Unix epoch: where the status does not say when it ended */
export function toFalseKillRecord(
  { containerId, ended }: FalseKill,
  identify: Identify,
  context: RecordContext,
  atUs: number,
): LogRecord {
  const identity = { kind: "container", containerId } as const;
  const who = identify(identity);
  const node = toNodeResource(undefined, context);
  const endedMs = ended.finishedMs;
  const attributes: RecordAttributes = {
    "event.name": EVENT,
    "log.record.uid": falseKillUid(containerId, node),
  };
  set(attributes, "k8s.container.status.last_terminated_reason", ended.reason);
  set(attributes, "process.exit.code", ended.exitCode);
  if (who !== undefined) setWho(attributes, who, endedMs);
  return {
    timestampUs: endedMs === undefined ? atUs : endedMs * 1000,
    severityText: "WARN",
    severityNumber: 13,
    eventName: EVENT,
    body: `${placeOf({ identity }, who)} is called OOMKilled by Kubernetes, but the kernel killed no process in it`,
    resource: toKillResource(node, identity, who),
    attributes,
  };
}
