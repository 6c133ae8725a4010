/** What /metrics, /healthz and /readyz tell of the agent, from what its parts say of themselves. */

import type { ContainerKillCount } from "./container-kill-counts.ts";
import type { DeliveryStatus } from "./deliveries/deliveries.ts";
import type { KillCount } from "./kill-counts.ts";
import type { NamesStatus } from "./names-of-node.ts";
import type { SourceStatus } from "./sources-of-node.ts";
import type { Metric, Sample } from "./telemetry/metrics.ts";
import type { Check } from "./telemetry/server.ts";

export interface AgentStatus {
  version: string;
  kills: readonly KillCount[];
  containerKills: readonly ContainerKillCount[];
  names: NamesStatus;
  deliveries: readonly DeliveryStatus[];
  sources: SourceStatus;
  /** by name */
  events: Readonly<Partial<Record<string, number>>>;
}

/** Labels whose values come from outside are the endpoints', which the configuration names, and some containers' and cgroups'. */
export function toMetrics(status: AgentStatus): Metric[] {
  const { version, kills, containerKills, names, sources, events } = status;
  const { log, counters, tracepoint } = sources;
  const up = (source: string, isUp: boolean): Sample => ({ labels: { source }, value: Number(isUp) });
  return [
    gauge("oomscribe_build_info", "Oomscribe's version and Node's; always 1.", [
      { labels: { version, node: process.versions.node }, value: 1 },
    ]),
    counter(
      "oomscribe_kills_total",
      "Processes that the kernel killed, each once, and kill lines that no count confirms (attribution unverified); goes on over restarts where there is a state directory.",
      kills.map(({ scope, attribution, kills: value }) => ({ labels: { scope, attribution }, value })),
    ),
    counter(
      "oomscribe_container_kills_total",
      "The same of containers with a name in Kubernetes: the 200 that were killed last.",
      containerKills.map(({ kills: value, ...labels }) => ({ labels, value })),
    ),
    ...deliveryMetrics(status.deliveries),
    counter("oomscribe_kernel_log_records_read_total", "Records of the kernel's log that were read.", one(log.read)),
    counter(
      "oomscribe_kernel_log_records_lost_total",
      "Records of the kernel's log that were overwritten before they were read.",
      one(log.lost),
    ),
    gauge("oomscribe_source_up", "1: the source is open and is being read.", [
      up("kernel_log", log.isRead),
      up("cgroup_counters", counters.isOpen),
      up("mark_victim", tracepoint.isOpen),
      ...(names.from === "none" ? [] : [up(names.from === "api" ? "kubernetes_api" : "kubelet", names.isSynced)]),
    ]),
    gauge("oomscribe_pods_known", "Pods of the node that Kubernetes has told of.", one(names.pods)),
    gauge(
      "oomscribe_node_memory_pressure",
      "1: the node has the condition MemoryPressure; absent where that is not known.",
      names.memoryPressure === undefined
        ? []
        : [{ labels: { node: names.memoryPressure.node }, value: Number(names.memoryPressure.isTrue) }],
    ),
    gauge("oomscribe_cgroups_followed", "Memory cgroups whose counters are followed.", one(counters.cgroups)),
    gauge(
      "oomscribe_cgroups_unwatched",
      "Memory cgroups that are found and not watched, for want of room: by the container or unit that they are in, the ten with most and `other`.",
      unwatchedSamples(counters.unwatched),
    ),
    gauge("oomscribe_memory_histories", "Memory cgroups whose use is sampled.", one(sources.histories)),
    counter(
      "oomscribe_events_total",
      "Events of the agent's own log, by name, those that the rate limit left out too.",
      Object.entries(events).map(([event, value = 0]) => ({ labels: { event }, value })),
    ),
    gauge("process_resident_memory_bytes", "Resident memory.", one(process.memoryUsage.rss())),
    counter("process_cpu_seconds_total", "CPU time, user and system.", one(cpuSeconds())),
    gauge(
      "process_start_time_seconds",
      "When the process started, seconds since the Unix epoch.",
      one(Math.round(performance.timeOrigin) / 1000),
    ),
  ];
}

/** Of any number of owners. */
const MAX_OWNERS = 10;

function unwatchedSamples(unwatched: ReadonlyMap<string, number>): Sample[] {
  const most = [...unwatched].toSorted(([, one], [, other]) => other - one);
  const others = most.splice(MAX_OWNERS).reduce((sum, [, count]) => sum + count, 0);
  return [...most, ...(others === 0 ? [] : [["other", others] as const])].map(([cgroup, value]) => ({
    labels: { cgroup },
    value,
  }));
}

function deliveryMetrics(deliveries: readonly DeliveryStatus[]): Metric[] {
  const each = (value: (status: DeliveryStatus) => number): Sample[] =>
    deliveries.map((status) => ({ labels: { endpoint: status.target }, value: value(status) }));
  const dropped = deliveries.flatMap(({ target, dropped }) =>
    Object.entries(dropped).map(([reason, value]) => ({ labels: { endpoint: target, reason }, value })),
  );
  return [
    counter(
      "oomscribe_records_sent_total",
      "Records that were delivered.",
      each(({ totals }) => totals.delivered),
    ),
    counter(
      "oomscribe_records_rejected_total",
      "Records that were set aside: the backend refuses them, or fails at them and takes others.",
      each(({ totals }) => totals.rejected),
    ),
    counter("oomscribe_records_dropped_total", "Records that were dropped unsent, by why.", dropped),
    counter(
      "oomscribe_send_retries_total",
      "Requests to be repeated.",
      each(({ totals }) => totals.retries),
    ),
    gauge(
      "oomscribe_outbox_records",
      "Records that wait to be delivered.",
      each(({ size }) => size.records),
    ),
    gauge(
      "oomscribe_outbox_bytes",
      "What they take.",
      each(({ size }) => size.bytes),
    ),
    gauge(
      "oomscribe_outbox_memory_only_records",
      "Of those the ones that are on no disk.",
      each(({ atRisk }) => atRisk.records),
    ),
  ];
}

/** Alive: this was answered, so the event loop runs; and something that tells of kills is being read. */
export function toHealth({ sources: { log, counters } }: AgentStatus): Check {
  const detail = { kernelLog: log.isRead, cgroupCounters: counters.isOpen };
  return { ok: log.isRead || counters.isOpen, detail };
}

/**
 * Ready: what the kernel's log held at the start has been read. Whether the backend takes anything is not asked: records
 * wait for it on the node, and a rollout must not.
 */
export function toReadiness(status: AgentStatus): Check {
  const health = toHealth(status);
  const { isDrained } = status.sources.log;
  return { ok: health.ok && isDrained, detail: { ...health.detail, startIsRead: isDrained } };
}

function one(value: number): Sample[] {
  return [{ value }];
}

function counter(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, type: "counter", help, samples };
}

function gauge(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, type: "gauge", help, samples };
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
