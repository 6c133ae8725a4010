/**
 * OpenTelemetry's service attributes of a pod, so that a kill joins what its service sends itself.
 * Spec: https://opentelemetry.io/docs/specs/semconv/non-normative/k8s-attributes/
 */
import { known } from "../../../parsers/loose-json.ts";
import type { Service, Who } from "../container-metadata.ts";

/** From the ancestor to the descendant. */
const KINDS = ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "CronJob", "Job"];

/** @param useLabels the well-known labels too: their owners may not know that they are used so, hence not by default */
export function serviceOf(who: Who, useLabels: boolean): Service {
  const annotations = who.podFacts?.resourceAnnotations ?? {};
  const labels = useLabels ? (who.podFacts?.labels ?? {}) : {};
  const owner = KINDS.map((kind) => who.owners.find((one) => one.kind === kind)?.name);
  return known<Service>({
    name: first(
      annotations["service.name"],
      labels["app.kubernetes.io/instance"],
      labels["app.kubernetes.io/name"],
      ...owner,
      who.pod,
      who.container,
    ),
    namespace: first(annotations["service.namespace"], who.namespace),
    version: first(annotations["service.version"], labels["app.kubernetes.io/version"], versionOf(who)),
    instanceId: first(annotations["service.instance.id"], instanceOf(who)),
  });
}

function versionOf({ image }: Who): string | undefined {
  const { tag, digest } = image ?? {};
  return tag !== undefined && digest !== undefined ? `${tag}@${digest}` : (digest ?? tag);
}

function instanceOf({ namespace, pod, container }: Who): string | undefined {
  if (namespace === undefined || pod === undefined || container === undefined) return undefined;
  return `${namespace}.${pod}.${container}`;
}

function first(...values: (string | undefined)[]): string | undefined {
  return values.find((value) => value !== undefined && value !== "");
}
