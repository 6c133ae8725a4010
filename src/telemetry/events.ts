/** What can happen to the agent itself: every event by name, logged and counted. */
import type { Logger } from "./log.ts";

export interface EventEntry {
  readonly level: "info" | "warn" | "error";
  readonly message: string;
}

/** Every drop of data is one of these, never a silent return. */
export const EVENTS = {
  agent_started: { level: "info", message: "the agent has started" },
  agent_start_failed: { level: "error", message: "the agent cannot start" },
  agent_stopping: { level: "info", message: "the agent stops: what is known is sent" },
  agent_stopped: { level: "info", message: "the agent has stopped" },
  kmsg_opened: { level: "info", message: "the kernel's log is being read" },
  kmsg_open_failed: { level: "error", message: "the kernel's log cannot be read" },
  kmsg_resumed: { level: "info", message: "the kernel's log is read on from where the last run stopped" },
  kmsg_gap: { level: "warn", message: "records of the kernel's log were overwritten before they were read" },
  kmsg_record_unreadable: { level: "warn", message: "a record of the kernel's log is not in its documented format" },
  kmsg_buffer_grown: { level: "warn", message: "a record of the kernel's log did not fit: the buffer has grown" },
  kmsg_record_too_large: { level: "error", message: "a record of the kernel's log does not fit into any buffer" },
  kmsg_read_failed: { level: "error", message: "reading the kernel's log fails: tried again every second" },
  memory_counters_opened: { level: "info", message: "the kernel's counters of OOM kills are being read" },
  memory_counters_open_failed: { level: "error", message: "the kernel's counters of OOM kills cannot be read" },
  memory_counters_unreadable: { level: "warn", message: "counters of a cgroup cannot be read: tried again" },
  node_oom_kills_unknown: { level: "warn", message: "the kernel does not tell how many processes it has killed" },
  cgroups_partly_seen: { level: "warn", message: "not all cgroups of the node are seen, or not by their names" },
  cgroup_limit_reached: { level: "error", message: "there are more cgroups than are followed: kills may be missed" },
  cgroup_subtree_limit_reached: {
    level: "warn",
    message: "a pod or unit has more cgroups below its containers than are watched",
  },
  cgroup_watch_failed: { level: "warn", message: "inotify cannot be had for all cgroups: they are looked at instead" },
  memory_history_limit_reached: {
    level: "warn",
    message: "there are more cgroups than have a memory history: some kills will be without",
  },
  memory_history_unreadable: { level: "warn", message: "the memory of a cgroup cannot be read: tried again" },
  container_file_unreadable: {
    level: "warn",
    message: "what names containers is there and cannot be read, or not all of it",
  },
  container_file_broken: { level: "warn", message: "a file of the container runtime is not in its format" },
  container_names_refused: { level: "warn", message: "what a file says of a container can be no such name: left out" },
  container_names_unknown: { level: "info", message: "no file of the node names a container" },
  mark_victim_opened: { level: "info", message: "the tracepoint oom:mark_victim is being read" },
  mark_victim_unavailable: { level: "info", message: "the tracepoint oom:mark_victim is not to be had: not needed" },
  mark_victim_lost: { level: "warn", message: "entries of oom:mark_victim were overwritten before they were read" },
  mark_victim_read_failed: { level: "warn", message: "reading oom:mark_victim fails: it is not read any more" },
  unverified_kills_suppressed: {
    level: "warn",
    message: "kill lines that no counter of the kernel confirms were left without records: too many",
  },
  kubernetes_not_asked: { level: "info", message: "no Kubernetes API is asked: names are those of the node's files" },
  kubernetes_node_name_missing: {
    level: "error",
    message: "the node's name is not set (K8S_NODE_NAME, spec.nodeName): its pods cannot be asked for",
  },
  kubernetes_synced: { level: "info", message: "the node's pods are known, and followed" },
  kubernetes_watch_failed: { level: "warn", message: "the node's pods are not followed now: what was known stays" },
  kubernetes_refused: {
    level: "error",
    message: "the API server is not to be asked until a right or credential is mended",
  },
  kubernetes_answer_unreadable: { level: "warn", message: "an answer of the API server cannot be read: asked anew" },
  kubernetes_object_failed: {
    level: "warn",
    message: "what a kill's record wants of the API could not be read: it is without it",
  },
  kubelet_synced: { level: "info", message: "the node's pods are known from its kubelet" },
  kubelet_failed: { level: "warn", message: "the kubelet does not tell the node's pods now: what was known stays" },
  kubelet_refused: { level: "error", message: "the kubelet is not to be asked until a right or credential is mended" },
  kubelet_unverified: {
    level: "warn",
    message: "whoever answers is taken for the kubelet: its certificate is not checked",
  },
  http_connection_dropped: {
    level: "warn",
    message:
      "too many connections to the agent's HTTP port: the oldest was closed (restrict access with a NetworkPolicy)",
  },
  config_reloaded: { level: "info", message: "the configuration was read again" },
  config_reload_failed: { level: "error", message: "the configuration cannot be used: the one before stays" },
  setting_ignored: { level: "warn", message: "a setting is ignored" },
  ship_warning: { level: "warn", message: "sending records gave a warning" },
  ship_retried: { level: "warn", message: "records were not delivered yet: they are kept and sent again" },
  ship_blocked: { level: "error", message: "nothing can be delivered until a setting is mended: records are kept" },
  ship_rejected: { level: "error", message: "the backend does not want these records: they are not sent again" },
  ship_failed: {
    level: "error",
    message: "the backend fails at these records and takes others; kept in failed.jsonl (oomscribe outbox retry)",
  },
  set_aside_dropped: { level: "error", message: "records that were set aside were dropped to make room for others" },
  set_aside_retried: { level: "info", message: "records that were set aside are sent again" },
  set_aside_unreadable: {
    level: "error",
    message: "a file of records that were set aside has lines that are not records",
  },
  rejected_not_kept: { level: "error", message: "records that the backend does not want could not be kept aside" },
  outbox_dropped: { level: "error", message: "records were dropped unsent: too many, too old, or not on disk" },
  outbox_disk_failed: { level: "error", message: "the outbox cannot use its disk: it goes on in memory" },
  outbox_disk_back: { level: "info", message: "the outbox is on its disk again" },
  outbox_file_set_aside: { level: "error", message: "the outbox's file cannot be used: it begins anew beside it" },
  outbox_file_removed: {
    level: "warn",
    message: "the outbox's file was removed while it was in use; its records are in a new one",
  },
  outbox_record_unreadable: {
    level: "error",
    message: "a record in the outbox cannot be read; kept in unreadable.jsonl",
  },
  state_unreadable: {
    level: "error",
    message: "the saved state cannot be used; continuing without it (kept in unreadable.jsonl)",
  },
  outbox_files_failed: { level: "warn", message: "files beside the outbox cannot be read or written; tried again" },
} as const satisfies Record<string, EventEntry>;

export type EventName = keyof typeof EVENTS;
export type EventDetail = Readonly<Record<string, unknown>>;

export interface Events {
  report(name: EventName, detail?: EventDetail): void;
  /** how often each has happened since the start; those that have not are left out */
  counts(): Readonly<Partial<Record<EventName, number>>>;
}

/** Lines of one event in the log … */
const BURST = 5;
/** … before one may follow after so long; the next line says how many were left out. Each is counted. */
const INTERVAL_MS = 1000;

interface EventState {
  count: number;
  /** since the last line */
  unlogged: number;
  /** lines in a row */
  burst: number;
  /** of the last line */
  loggedMs: number;
}

/** @param now milliseconds of a clock that does not go back */
export function createEvents(log: Logger, now: () => number = () => performance.now()): Events {
  const states = new Map<EventName, EventState>();

  return {
    report(name, detail = {}) {
      const nowMs = now();
      const state = states.get(name) ?? { count: 0, unlogged: 0, burst: 0, loggedMs: nowMs };
      states.set(name, state);
      state.count++;
      if (nowMs - state.loggedMs >= INTERVAL_MS) state.burst = 0;
      if (state.burst >= BURST) {
        state.unlogged++;
        return;
      }
      const { level, message } = EVENTS[name];
      const more = state.unlogged > 0 ? { unlogged: state.unlogged } : {};
      log[level]({ event: name, ...detail, ...more }, message);
      state.unlogged = 0;
      state.burst++;
      state.loggedMs = nowMs;
    },
    counts() {
      return Object.fromEntries([...states].map(([name, { count }]) => [name, count]));
    },
  };
}
