/** Memory that is nearly used up → its log record, before anybody is killed. */
import { parseCgroupPath } from "../../../parsers/cgroup/path.ts";
import type { NearLimit } from "../../diagnose/near-limit.ts";
import type { Who } from "../../identify/container-metadata.ts";
import { setWho } from "../attributes/kubernetes.ts";
import { placeOf } from "../body.ts";
import { bootIdOf, type RecordContext } from "../context.ts";
import { readableDuration, readableSize } from "../format.ts";
import type { LogRecord } from "../log-record.ts";
import { toKillResource, toNodeResource } from "../resource.ts";
import { type RecordAttributes, set } from "../schema.ts";
import { nearLimitUid } from "../uid.ts";

const EVENT = "oom.near_limit";

/** @param atUs when the sample was taken, microseconds since the Unix epoch */
export function toNearLimitRecord(
  near: NearLimit,
  context: RecordContext,
  who: Who | undefined,
  atUs: number,
): LogRecord {
  const { cgroup, workingSet, limit, percent, bytesPerSecond, secondsToLimit } = near;
  const bootId = bootIdOf(undefined, context);
  const node = toNodeResource(undefined, context);
  const attributes: RecordAttributes = {
    "event.name": EVENT,
    "log.record.uid": nearLimitUid(cgroup, near.atMs, node, bootId),
    "oom.near_limit.cgroup": cgroup,
    "oom.near_limit.working_set": workingSet,
    "oom.near_limit.limit": limit,
    "oom.near_limit.percent": Math.round(percent * 10) / 10,
  };
  set(attributes, "oom.near_limit.slope", bytesPerSecond === undefined ? undefined : Math.round(bytesPerSecond));
  set(
    attributes,
    "oom.near_limit.time_to_limit",
    secondsToLimit === undefined ? undefined : Math.round(secondsToLimit * 10) / 10,
  );
  if (who !== undefined) setWho(attributes, who, atUs / 1000);
  const identity = parseCgroupPath(cgroup);
  const place = placeOf({ identity, victimCgroup: cgroup }, who);
  const when =
    secondsToLimit === undefined
      ? ""
      : `, which it reaches in ${readableDuration(secondsToLimit)} at its present speed`;
  return {
    timestampUs: atUs,
    severityText: "WARN",
    severityNumber: 13,
    eventName: EVENT,
    body: `${place} is near its memory limit: ${readableSize(workingSet)} of ${readableSize(limit)}${when}`,
    resource: toKillResource(node, identity, who),
    attributes,
  };
}
