/** Which HorizontalPodAutoscaler scales a victim's owner, and whether it can add no more replicas. */
import type {
  V2HorizontalPodAutoscaler,
  V2HorizontalPodAutoscalerCondition,
  V2MetricSpec,
} from "@kubernetes/client-node";
import { known, object, text } from "../../../parsers/loose-json.ts";
import type { Who } from "../container-metadata.ts";
import { type ApiCall, CALLS, toListPath } from "../kubernetes/calls.ts";
import { type ObjectParts, type Objects, openObjects, SELDOM } from "../kubernetes/objects.ts";
import type { Asked } from "../lookup.ts";
import type { Loose } from "../pods/pod.ts";

/**
 * What is not known is absent.
 * Spec: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/horizontal-pod-autoscaler-v2/
 */
export interface Autoscaler {
  name: string;
  target: { kind: string; name: string };
  /** replicas */
  max: number;
  current?: number;
  desired?: number;
  /** it has as many replicas as it may have */
  isAtMaximum: boolean;
  /** its metrics ask for more than it may have (the condition ScalingLimited, TooManyReplicas) */
  wantsMore: boolean;
  /** it scales by memory: percent of what the pods have requested */
  memoryPercent?: number;
}

/** Of a namespace. */
export interface AutoscalerList {
  autoscalers: readonly Autoscaler[];
  /** false: there are more than were read */
  isWhole: boolean;
}

/** @returns of a victim's owner; `none`: nothing scales it; undefined: it has no owner that could be scaled */
export type AutoscalerOf = (who: Who) => Asked<Autoscaler | "none">;

/** What a kind of its own can be scaled too: these cannot. */
const UNSCALED: readonly string[] = ["DaemonSet", "Job", "CronJob", "Node"];
/** Of a namespace; each is some hundred bytes here, some thousand in the answer. */
const MAX_LISTED = 500;

/** There is no name to ask for. */
const ALL = "";

/** One list a namespace, kept for a while: the API has no selector for what is scaled. Of the API server's cache. */
export function toAutoscalersPath(call: ApiCall, _: string, namespace?: string): string {
  return toListPath(call, { limit: String(MAX_LISTED), resourceVersion: "0" }, namespace);
}

/** A namespace's list is asked for once in three minutes at most. */
export function openAutoscalers(parts: ObjectParts): AutoscalerOf {
  const options = { ...SELDOM, foundMs: 180_000, read: readAutoscalers, toPath: toAutoscalersPath };
  return createAutoscalers(openObjects({ ...parts, ...options }));
}

export function createAutoscalers(objects: Objects<AutoscalerList>): AutoscalerOf {
  return ({ namespace, owners }) => {
    if (namespace === undefined || !owners.some(({ kind }) => !UNSCALED.includes(kind))) return undefined;
    const answer = objects.ask(CALLS.autoscalers, ALL, namespace);
    if (answer?.is !== "found") return "unknown";
    const { autoscalers, isWhole } = answer.value;
    const found = autoscalers.find(({ target }) =>
      owners.some(({ kind, name }) => kind === target.kind && name === target.name),
    );
    return found ?? (isWhole ? "none" : "unknown");
  };
}

/** @returns undefined where it is no list */
export function readAutoscalers(json: unknown): AutoscalerList | undefined {
  const { items, metadata } = object(json);
  if (!Array.isArray(items)) return undefined;
  const autoscalers = items.slice(0, MAX_LISTED).map(toAutoscaler);
  const isWhole = items.length <= MAX_LISTED && text(object(metadata)["continue"]) === undefined;
  return { autoscalers: autoscalers.filter((one) => one !== undefined), isWhole };
}

function toAutoscaler(item: unknown): Autoscaler | undefined {
  const { metadata, spec, status } = object(item) as NonNullable<Loose<V2HorizontalPodAutoscaler>>;
  const name = text((metadata as { name?: unknown } | null | undefined)?.name);
  const target = { kind: text(spec?.scaleTargetRef?.kind), name: text(spec?.scaleTargetRef?.name) };
  const max = toReplicas(spec?.maxReplicas);
  if (name === undefined || target.kind === undefined || target.name === undefined || max === undefined) {
    return undefined;
  }
  const current = toReplicas(status?.currentReplicas);
  return known<Autoscaler>({
    name,
    target: { kind: target.kind, name: target.name },
    max,
    current,
    desired: toReplicas(status?.desiredReplicas),
    isAtMaximum: current !== undefined && current >= max,
    wantsMore: listOf<V2HorizontalPodAutoscalerCondition>(status?.conditions).some(
      (one) => one?.type === "ScalingLimited" && one.status === "True" && one.reason === "TooManyReplicas",
    ),
    memoryPercent: memoryPercentOf(listOf<V2MetricSpec>(spec?.metrics)),
  });
}

function memoryPercentOf(metrics: readonly Loose<V2MetricSpec>[]): number | undefined {
  for (const metric of metrics) {
    const source = metric?.resource ?? metric?.containerResource;
    const percent = source?.name === "memory" ? toReplicas(source.target?.averageUtilization) : undefined;
    if (percent !== undefined) return percent;
  }
  return undefined;
}

function listOf<T>(value: unknown): readonly Loose<T>[] {
  return Array.isArray(value) ? value : [];
}

/** Spec: int32, not below 0 */
function toReplicas(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
