/**
 * What the API says of an owner, for kills: never waited for. What is not known when a kill is told is asked for then,
 * so that its follow-up and the next kill have it.
 */
import type { V1ObjectMeta } from "@kubernetes/client-node";
import { known, text } from "../../../parsers/loose-json.ts";
import { type ApiCall, CALLS } from "../kubernetes/calls.ts";
import type { Objects } from "../kubernetes/objects.ts";
import type { Owner } from "../pods/owners.ts";
import { type Loose, type OwnerReference, type PodFacts, toOwner, toTime } from "../pods/pod.ts";

/** What is kept of an object, of whichever kind. */
export interface OwnedObject {
  uid?: string;
  createdMs?: number;
  owner?: OwnerReference;
}

export interface OwnedObjects {
  /** The owner as the API has it, and what owns that; undefined: not known yet, or not to be had. */
  ownersOf(pod: PodFacts, controller: Owner): Owner[] | undefined;
}

const OWNER_CALLS: Readonly<Record<string, ApiCall>> = { ReplicaSet: CALLS.replicaSet, Job: CALLS.job };

export function createOwnedObjects(objects: Objects<OwnedObject>): OwnedObjects {
  function find(call: ApiCall, name: string, namespace: string): OwnedObject | undefined {
    const answer = objects.ask(call, name, namespace);
    return answer?.is === "found" ? answer.value : undefined;
  }

  return {
    ownersOf({ namespace }, controller) {
      const call = OWNER_CALLS[controller.kind];
      const found = call === undefined ? undefined : find(call, controller.name, namespace);
      // Another one of that name, made since.
      if (found === undefined || (controller.uid !== undefined && found.uid !== controller.uid)) return undefined;
      const { owner, createdMs } = found;
      const own: Owner = { ...controller, ...(createdMs === undefined ? {} : { createdMs }) };
      return owner === undefined ? [{ ...own, evidence: "api" }] : [own, { ...owner, evidence: "api" }];
    },
  };
}

/** @returns undefined where it has no name: then it is no object of the API */
export function readOwnedObject(json: unknown): OwnedObject | undefined {
  const meta = ((json ?? {}) as { metadata?: unknown }).metadata as Loose<V1ObjectMeta>;
  if (typeof meta?.name !== "string") return undefined;
  return known<OwnedObject>({
    uid: text(meta.uid),
    createdMs: toTime(meta.creationTimestamp),
    owner: toOwner(meta.ownerReferences),
  });
}
