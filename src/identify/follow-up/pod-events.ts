/**
 * What Kubernetes has noted of a pod: its events, as lines, for the follow-up of a kill.
 *
 * They are best effort: counted together, dropped by whoever writes them where there are many, gone after an hour
 * (kube-apiserver --event-ttl).
 */
import type { CoreV1Event } from "@kubernetes/client-node";
import { known, object, text } from "../../../parsers/loose-json.ts";
import type { Who } from "../container-metadata.ts";
import { type ApiCall, CALLS, toListPath } from "../kubernetes/calls.ts";
import { type ObjectParts, type Objects, openObjects, SELDOM } from "../kubernetes/objects.ts";
import type { Asked } from "../lookup.ts";
import { type Loose, toTime } from "../pods/pod.ts";

/** @returns the newest first; `pending`: it has been asked for, and may be there in a moment */
export type PodEventsOf = (who: Who) => Asked<readonly string[] | "pending">;

/**
 * What tells of trouble; the rest is how a pod starts. Kubernetes pkg/kubelet/events/event.go, pkg/scheduler, the node
 * lifecycle and taint eviction controllers; OOMKilling is node-problem-detector's.
 */
const REASONS: ReadonlySet<string> = new Set([
  "BackOff",
  "Evicted",
  "ExceededGracePeriod",
  "Failed",
  "FailedCreatePodSandBox",
  "FailedKillPod",
  "FailedScheduling",
  "Killing",
  "NodeNotReady",
  "OOMKilling",
  "Preempted",
  "Preempting",
  "ProbeWarning",
  "ResizeDeferred",
  "ResizeError",
  "ResizeInfeasible",
  "TaintManagerEviction",
  "Unhealthy",
]);

/** Of a pod; a page. What is beyond is left out. */
export const MAX_LISTED = 50;
export const MAX_LINES = 10;
const MAX_MESSAGE = 160;

/** A list of events is kept for a moment: the containers of a pod, and the pods of an owner, are followed at a time. */
export const EVENTS = { ...SELDOM, foundMs: 10_000 } as const;

export function openPodEvents(parts: ObjectParts): PodEventsOf {
  return createPodEvents(openObjects({ ...parts, ...EVENTS, read: readPodEvents, toPath: toPodEventsPath }));
}

/** Static pods' events have the hash of their configuration for a UID, as their cgroups do. */
export function createPodEvents(objects: Objects<readonly string[]>): PodEventsOf {
  return ({ namespace, podUid, configHash }) => {
    const uid = configHash ?? podUid;
    if (namespace === undefined || uid === undefined) return undefined;
    return askEvents(objects, uid, namespace);
  };
}

/** @param name what the list's path is made of */
export function askEvents<T>(objects: Objects<T>, name: string, namespace: string): T | "pending" | "unknown" {
  const answer = objects.ask(CALLS.events, name, namespace);
  if (answer === undefined) return "pending";
  return answer.is === "found" ? answer.value : "unknown";
}

export function toPodEventsPath(call: ApiCall, podUid: string, namespace?: string): string {
  const query = { fieldSelector: `involvedObject.uid=${podUid}`, limit: String(MAX_LISTED) };
  return toListPath(call, query, namespace);
}

/** `2026-11-24T06:17:41Z Warning BackOff x12: Back-off restarting failed container`. @returns undefined: no list */
export function readPodEvents(json: unknown): readonly string[] | undefined {
  return readEvents(json)?.slice(0, MAX_LINES).map(toLine);
}

export interface PodEvent {
  reason: string;
  /** whose it is */
  pod?: string;
  type?: string;
  /** milliseconds since the Unix epoch: the last time */
  atMs?: number;
  times: number;
  message?: string;
}

/** Those that tell of trouble, the newest first. @returns undefined: no list */
export function readEvents(json: unknown): PodEvent[] | undefined {
  const { items } = object(json);
  if (!Array.isArray(items)) return undefined;
  return items
    .slice(0, MAX_LISTED)
    .map(toPodEvent)
    .filter((event) => event !== undefined)
    .sort((a, b) => (b.atMs ?? 0) - (a.atMs ?? 0));
}

/** Written in two ways: by the old recorder with a count, by events.k8s.io/v1 with a series, or once without either. */
function toPodEvent(item: unknown): PodEvent | undefined {
  const { reason, type, count, series, lastTimestamp, eventTime, message, involvedObject } = object(
    item,
  ) as NonNullable<Loose<CoreV1Event>>;
  if (typeof reason !== "string" || !REASONS.has(reason)) return undefined;
  const times = series?.count ?? count;
  return known<PodEvent>({
    reason,
    pod: text(involvedObject?.name),
    type: type === "Normal" || type === "Warning" ? type : undefined,
    atMs: toTime(series?.lastObservedTime) ?? toTime(lastTimestamp) ?? toTime(eventTime),
    times: typeof times === "number" && Number.isSafeInteger(times) && times > 1 ? times : 1,
    message: text(message),
  });
}

export function toLine({ reason, type, atMs, times, message }: PodEvent): string {
  const head = [
    atMs === undefined ? undefined : `${new Date(atMs).toISOString().slice(0, 19)}Z`,
    type,
    reason,
    times === 1 ? undefined : `x${times}`,
  ];
  const words = head.filter((word) => word !== undefined).join(" ");
  return message === undefined ? words : `${words}: ${cut(message.replace(/\s+/g, " ").trim())}`;
}

/** By characters: half a pair is none. */
function cut(message: string): string {
  const characters = Array.from(message.slice(0, 2 * MAX_MESSAGE));
  return characters.length <= MAX_MESSAGE ? characters.join("") : `${characters.slice(0, MAX_MESSAGE).join("")}…`;
}
