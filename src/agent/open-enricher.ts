/** Opens what names kills on this node, and connects it: the API server's pods or the kubelet's, and the node's own files. */
import { hostname } from "node:os";
import { parseCgroupPath } from "../../parsers/cgroup/path.ts";
import type { Config } from "../config/read.ts";
import type { Settings } from "../config/schema.ts";
import { type AutoscalerOf, openAutoscalers } from "../identify/context/autoscalers.ts";
import type { PressureSeen } from "../identify/context/memory-pressure.ts";
import { type NodeFacts, readNode } from "../identify/context/node.ts";
import { createOwnedObjects, type OwnedObjects, readOwnedObject } from "../identify/context/owned-objects.ts";
import { createNames, type Names } from "../identify/enricher.ts";
import { openPodEvents, type PodEventsOf } from "../identify/follow-up/pod-events.ts";
import { openUnscheduled, type UnscheduledOf } from "../identify/follow-up/unscheduled.ts";
import { type Api, openApi } from "../identify/kubernetes/api.ts";
import { type Credentials, openServiceAccount } from "../identify/kubernetes/credentials.ts";
import { openKubeconfig } from "../identify/kubernetes/kubeconfig.ts";
import { openObjects } from "../identify/kubernetes/objects.ts";
import { type FollowedNode, followNode } from "../identify/kubernetes/watch/follow-node.ts";
import { followPods } from "../identify/kubernetes/watch/follow-pods.ts";
import type { FollowState } from "../identify/kubernetes/watch/follow-state.ts";
import { followKubelet, type KubeletOptions } from "../identify/pods/kubelet.ts";
import { openDiskNames } from "../identify/runtimes/disk-names.ts";
import type { CounterReading } from "../sources/cgroup/counters.ts";
import { monotonicMs } from "../sources/clock.ts";
import type { Events } from "../telemetry/events.ts";

export interface NamesStatus {
  /** where the pods come from; `none`: names are those of the node's files */
  from: "api" | "kubelet" | "none";
  isSynced: boolean;
  pods: number;
  /** whether the node has the condition MemoryPressure; absent: not known */
  memoryPressure?: { node: string; isTrue: boolean };
}

export interface NodeNames extends Names {
  status(): NamesStatus;
  close(): void;
}

export interface NamesOptions {
  config: Pick<Config, "settings">;
  env: Readonly<Record<string, string | undefined>>;
  /** Oomscribe's own */
  version: string;
  events: Events;
  /** what the last run has told of the node */
  pressure?: PressureSeen | undefined;
}

/** A source of pods, or none. */
interface Pods {
  from: NamesStatus["from"];
  state(): FollowState["is"];
  objects?: OwnedObjects;
  node?: FollowedNode<NodeFacts>;
  autoscalerOf?: AutoscalerOf;
  eventsOf?: PodEventsOf;
  unscheduledOf?: UnscheduledOf;
  close(): void;
}

export function openNames({ config: { settings }, env, version, events, pressure }: NamesOptions): NodeNames {
  const disk = openDiskNames({ hostRoot: settings["host-root"] ?? "/", onTrouble: events.report });
  let pods: Pods = NO_PODS;
  const names = createNames({
    startWallMs: Date.now(),
    podSource: settings.kubelet === undefined ? "kubernetes_api" : "kubelet",
    files: disk.of,
    askedOwner: (pod, owner) => pods.objects?.ownersOf(pod, owner),
    useLabels: settings["service-labels"] === "use",
    isSynced: () => pods.state() === "synced",
    node: () => (pods.node === undefined ? undefined : (pods.node.node() ?? "unknown")),
    autoscalerOf: (who) => pods.autoscalerOf?.(who),
    eventsOf: (who) => pods.eventsOf?.(who),
    unscheduledOf: (who) => pods.unscheduledOf?.(who),
    hintNode: () => pods.node?.hint(),
    pressure,
  });
  pods = openPods({ settings, env, userAgent: `oomscribe/${version}`, events, names });

  return {
    ...names,
    get pressure() {
      return names.pressure;
    },
    get size() {
      return names.size;
    },
    counter(reading) {
      learn(disk, reading);
      names.counter(reading);
    },
    status() {
      const isTrue = pods.node?.node()?.memoryPressure?.isTrue;
      return {
        from: pods.from,
        isSynced: pods.state() === "synced",
        pods: names.size.pods,
        ...(isTrue === undefined ? {} : { memoryPressure: { node: pods.node?.name ?? "", isTrue } }),
      };
    },
    close() {
      pods.close();
      disk.close();
    },
  };
}

/** A container's files are read while they are there, if it may need a name. */
function learn(disk: ReturnType<typeof openDiskNames>, { cgroup, why }: CounterReading): void {
  if (why === "removed") disk.gone(cgroup);
  else if (why === "found" && parseCgroupPath(cgroup).kind === "container") disk.learn(cgroup);
}

const NO_PODS: Pods = { from: "none", state: () => "never", close() {} };

interface PodParts {
  settings: Settings;
  env: NamesOptions["env"];
  userAgent: string;
  events: Events;
  names: Names;
}

/** Whom the settings say to ask for the node's pods. */
export type PodSource =
  | { is: "nobody"; reason: string }
  /** in a pod the host name is the pod's */
  | { is: "nameless" }
  | ({ is: "kubelet" } & Pick<KubeletOptions, "address" | "trust">)
  | { is: "api"; credentials: Credentials; nodeName: string };

export function choosePodSource(settings: Settings, env: NamesOptions["env"]): PodSource {
  const { kubernetes, kubelet, "kubelet-ca-file": caFile, kubeconfig, "node-name": nodeName } = settings;
  if (kubernetes === "off") return { is: "nobody", reason: "it is turned off" };
  if (kubelet !== undefined) {
    const trust = caFile === undefined || caFile === "anyone" ? caFile : { caFile };
    return { is: "kubelet", address: kubelet, ...(trust === undefined ? {} : { trust }) };
  }
  if (kubeconfig !== undefined) {
    const credentials = openKubeconfig({ file: kubeconfig });
    return { is: "api", credentials, nodeName: nodeName ?? hostname().toLowerCase() };
  }
  if (env["KUBERNETES_SERVICE_HOST"] === undefined) {
    return { is: "nobody", reason: "this is no pod, and neither kubeconfig nor kubelet is set" };
  }
  if (nodeName === undefined) return { is: "nameless" };
  return { is: "api", credentials: openServiceAccount({ env }), nodeName };
}

function openPods(parts: PodParts): Pods {
  const source = choosePodSource(parts.settings, parts.env);
  switch (source.is) {
    case "nobody":
      parts.events.report("kubernetes_not_asked", { reason: source.reason });
      return NO_PODS;
    case "nameless":
      parts.events.report("kubernetes_node_name_missing");
      return NO_PODS;
    case "kubelet":
      return openKubeletPods(parts, source);
    case "api":
      return openApiPods(parts, source);
  }
}

function openApiPods(
  { userAgent, events, names }: PodParts,
  { credentials, nodeName }: Extract<PodSource, { is: "api" }>,
): Pods {
  const api: Api = openApi({ credentials, userAgent });
  const parts = { api, onTrouble: events.report };
  const objects = openObjects({ ...parts, read: readOwnedObject });
  const followed = followPods({
    api,
    nodeName,
    onReplace: (items) => replace(names, items, events),
    onChange(type, pod) {
      if (!names.changePod(type, pod, monotonicMs())) events.report("kubernetes_answer_unreadable", UNREADABLE);
    },
    onTrouble: events.report,
  });
  const node = followNode({
    api,
    nodeName,
    read: readNode,
    isTroubled: ({ memoryPressure }) => memoryPressure?.isTrue === true,
    onNode: names.changeNode,
    onTrouble: events.report,
  });
  return {
    from: "api",
    state: () => followed.state.is,
    objects: createOwnedObjects(objects),
    node,
    autoscalerOf: openAutoscalers(parts),
    eventsOf: openPodEvents(parts),
    unscheduledOf: openUnscheduled(parts),
    close() {
      followed.close();
      node.close();
      api.close();
    },
  };
}

function openKubeletPods(
  { userAgent, events, names }: PodParts,
  { is: _, ...kubelet }: Extract<PodSource, { is: "kubelet" }>,
): Pods {
  const followed = followKubelet({
    ...kubelet,
    userAgent,
    onReplace: (items) => replace(names, items, events),
    onTrouble: events.report,
  });
  return { from: "kubelet", state: () => followed.state.is, close: followed.close };
}

function replace(names: Names, items: readonly unknown[], events: Events): void {
  const unreadable = names.replacePods(items, monotonicMs());
  if (unreadable > 0) events.report("kubernetes_answer_unreadable", { ...UNREADABLE, unreadable });
}

const UNREADABLE = { reason: "an item of the pods is no pod: it is left out" };
