/**
 * Whose pod it is, from the pod alone: its controller, and what made that where the pod's labels or names tell.
 *
 * A Deployment names its ReplicaSets after itself and the hash of the template (kubernetes pkg/controller/deployment,
 * getNewReplicaSet); a CronJob its Jobs after itself and the minute of their schedule (pkg/controller/cronjob,
 * getJobName). The former's label proves it; the latter is a name that a person could have chosen too.
 */
import type { OwnerReference, PodFacts } from "./pod.ts";

/** How it is known. `job_name` is the only one that may be wrong. */
export type OwnerEvidence = "owner_reference" | "template_hash" | "job_name" | "api";

export interface Owner extends OwnerReference {
  evidence: OwnerEvidence;
  /** milliseconds since the Unix epoch, where the API was asked */
  createdMs?: number;
}

/** The controller first, then what owns that. Empty: it is a pod of its own. */
export function ownersOf({ owner, labels }: Pick<PodFacts, "owner" | "labels">): Owner[] {
  if (owner === undefined) return [];
  const controller: Owner = { ...owner, evidence: "owner_reference" };
  const above = aboveOf(owner, labels["pod-template-hash"]);
  return above === undefined ? [controller] : [controller, above];
}

/** Eight digits, minutes since 1970; before Kubernetes 1.21 ten, seconds. */
const SCHEDULED = /^(.+)-(\d{8}|\d{10})$/;

function aboveOf({ kind, name }: OwnerReference, templateHash: string | undefined): Owner | undefined {
  if (kind === "ReplicaSet" && templateHash !== undefined && name.endsWith(`-${templateHash}`)) {
    const deployment = name.slice(0, -templateHash.length - 1);
    return deployment === "" ? undefined : { kind: "Deployment", name: deployment, evidence: "template_hash" };
  }
  const cronJob = kind === "Job" ? SCHEDULED.exec(name)?.[1] : undefined;
  return cronJob === undefined ? undefined : { kind: "CronJob", name: cronJob, evidence: "job_name" };
}
