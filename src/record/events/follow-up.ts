/** What Kubernetes made of kills in a container → its log record. */

import type { NamedFollowUp } from "../../identify/enricher.ts";
import type { FollowUp, FollowUpNext } from "../../identify/follow-up/follow-ups.ts";
import { setSurroundings, setWho } from "../attributes/kubernetes.ts";
import { placeOf } from "../body.ts";
import type { RecordContext } from "../context.ts";
import type { LogRecord } from "../log-record.ts";
import { toKillResource, toNodeResource } from "../resource.ts";
import type { RecordAttributes } from "../schema.ts";
import { set } from "../schema.ts";
import { followUpUid } from "../uid.ts";

const EVENT = "oom.follow_up";

/** One that Kubernetes does not show is a WARN: nobody else will tell of it. @param atUs microseconds since the Unix epoch */
export function toFollowUpRecord(found: NamedFollowUp, context: RecordContext, atUs: number): LogRecord {
  const { who, containerId, uids, ended, events = [], unscheduled = [] } = found;
  const identity = { kind: "container", containerId } as const;
  const attributes: RecordAttributes = {
    "event.name": EVENT,
    "log.record.uid": followUpUid(uids[0] ?? containerId),
    "oom.kill.uids": [...uids],
    "oom.follow_up.kills": found.kills,
    "oom.follow_up.outcome": found.outcome,
    "oom.follow_up.waited": Math.round(found.waitedMs) / 1000,
  };
  set(attributes, "oom.follow_up.next", found.next);
  set(attributes, "oom.container.pid1", found.pid1);
  set(attributes, "oom.kubernetes.visible", found.isVisible);
  set(attributes, "k8s.container.status.last_terminated_reason", ended?.reason);
  set(attributes, "process.exit.code", ended?.exitCode);
  if (events.length > 0) attributes["oom.follow_up.events"] = [...events];
  if (unscheduled.length > 0) attributes["oom.follow_up.unscheduled"] = [...unscheduled];
  setWho(attributes, who, atUs / 1000);
  setSurroundings(attributes, found.around);
  const isHidden = found.isVisible === false;
  return {
    timestampUs: atUs,
    severityText: isHidden ? "WARN" : "INFO",
    severityNumber: isHidden ? 13 : 9,
    eventName: EVENT,
    body: `${placeOf({ identity }, who)}: ${killsOf(found)}; ${outcomeOf(found)}`,
    resource: toKillResource(toNodeResource(undefined, context), identity, who),
    attributes,
  };
}

function killsOf({ kills }: FollowUp): string {
  return kills === 1 ? "a process was OOM-killed" : `${kills} processes were OOM-killed`;
}

function outcomeOf({ outcome, next, ended }: FollowUp): string {
  const code = ended?.exitCode === undefined ? "" : ` with exit code ${ended.exitCode}`;
  const after = next === undefined ? "" : AFTER[next];
  switch (outcome) {
    case "oom_killed":
      return `Kubernetes calls the container OOMKilled${code}${after}`;
    case "terminated":
      return `the container ended as ${ended?.reason ?? "terminated"}${code}, not as OOMKilled${after}`;
    case "none":
      return "the container runs on, and Kubernetes shows nothing of it";
    case "evicted":
      return "its pod was evicted";
    case "deleted":
      return "its pod was deleted";
    case "unknown":
      return "what Kubernetes made of it is not known";
  }
}

const AFTER: Readonly<Record<FollowUpNext, string>> = {
  restarted: ", and has restarted it",
  crash_loop_back_off: ", and waits before it restarts it (CrashLoopBackOff)",
  waiting: ", and has not restarted it yet",
  finished: ", and the pod has ended",
};
