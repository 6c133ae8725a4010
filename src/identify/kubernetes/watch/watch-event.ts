/** A line of a watch. Spec: meta/v1 WatchEvent, https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes */
import { type Failure, toErrorEventFailure } from "../failure.ts";

export type ChangeType = "ADDED" | "MODIFIED" | "DELETED";

export type WatchEvent =
  | { is: "change"; type: ChangeType; object: unknown; resourceVersion: string }
  /** nothing has changed up to this version */
  | { is: "bookmark"; resourceVersion: string }
  | { is: "failure"; failure: Failure };

const CHANGES: readonly unknown[] = ["ADDED", "MODIFIED", "DELETED"] satisfies ChangeType[];

/** What cannot be read is a failure: something was missed. */
export function readWatchEvent(json: unknown): WatchEvent {
  const { type, object } = json as { type?: unknown; object?: unknown };
  if (type === "ERROR") return { is: "failure", failure: toErrorEventFailure(object) };
  const { metadata } = (object ?? {}) as { metadata?: { resourceVersion?: unknown } | null };
  const resourceVersion = metadata?.resourceVersion;
  if (typeof resourceVersion === "string" && resourceVersion !== "") {
    if (type === "BOOKMARK") return { is: "bookmark", resourceVersion };
    if (CHANGES.includes(type)) return { is: "change", type: type as ChangeType, object, resourceVersion };
  }
  const reason = `a line of a watch is no change: type ${JSON.stringify(type)?.slice(0, 100)}`;
  return { is: "failure", failure: { kind: "unreadable", reason } };
}
