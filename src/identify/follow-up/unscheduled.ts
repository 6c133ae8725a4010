/**
 * Pods of a workload that find no node: asked for where the pod of a killed container is gone and has to be replaced,
 * on whatever node.
 */

import type { Who } from "../container-metadata.ts";
import { type ApiCall, toListPath } from "../kubernetes/calls.ts";
import { type ObjectParts, type Objects, openObjects } from "../kubernetes/objects.ts";
import type { Asked } from "../lookup.ts";
import type { Owner } from "../pods/owners.ts";
import { askEvents, EVENTS, MAX_LINES, MAX_LISTED, readEvents, toLine } from "./pod-events.ts";

/** @returns lines, the newest first; `pending`: it has been asked for, and may be there in a moment */
export type UnscheduledOf = (who: Who) => Asked<readonly string[] | "pending">;

export interface Unscheduled {
  pod: string;
  line: string;
}

const REASON = "FailedScheduling";

export function openUnscheduled(parts: ObjectParts): UnscheduledOf {
  return createUnscheduled(openObjects({ ...parts, ...EVENTS, read: readUnscheduled, toPath: toUnscheduledPath }));
}

export function createUnscheduled(objects: Objects<readonly Unscheduled[]>): UnscheduledOf {
  return ({ namespace, owners }) => {
    if (namespace === undefined || owners.length === 0) return undefined;
    const answer = askEvents(objects, REASON, namespace);
    if (typeof answer === "string") return answer;
    const theirs = answer.filter(({ pod }) => owners.some((owner) => isPodOf(owner, pod)));
    return theirs.slice(0, MAX_LINES).map(({ line }) => line);
  };
}

/** Of one namespace, all in one list: no selector knows owners. */
export function toUnscheduledPath(call: ApiCall, reason: string, namespace?: string): string {
  const fieldSelector = `involvedObject.kind=Pod,reason=${reason}`;
  return toListPath(call, { fieldSelector, limit: String(MAX_LISTED) }, namespace);
}

/** @returns the newest first; undefined: no list */
export function readUnscheduled(json: unknown): readonly Unscheduled[] | undefined {
  return readEvents(json)?.flatMap((event) => {
    const { pod } = event;
    return pod === undefined || event.reason !== REASON ? [] : [{ pod, line: `${pod}: ${toLine(event)}` }];
  });
}

/** What Kubernetes puts behind a name, apimachinery/pkg/util/rand: no vowels, so that no word comes of it. */
const RANDOM = "[bcdfghjklmnpqrstvwxz2456789]";
const SUFFIXES: Readonly<Record<string, string>> = {
  Deployment: `${RANDOM}{1,10}-${RANDOM}{5}`,
  StatefulSet: "\\d+",
  // A CronJob's jobs have the minute for a number, an indexed Job's pods their index.
  CronJob: `\\d+-(?:\\d+-)?${RANDOM}{5}`,
  Job: `(?:\\d+-)?${RANDOM}{5}`,
};

/** By its name, which is all that an event has. Names that Kubernetes has cut (above 58 characters) are nobody's. */
export function isPodOf({ kind, name }: Pick<Owner, "kind" | "name">, pod: string): boolean {
  if (!pod.startsWith(`${name}-`)) return false;
  return new RegExp(`^${SUFFIXES[kind] ?? `${RANDOM}{5}`}$`).test(pod.slice(name.length + 1));
}
