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
  kmsg_gap: { level: "warn", message: "records of the kernel's log were overwritten before they were read" },
  kmsg_record_unreadable: { level: "warn", message: "a record of the kernel's log is not in its documented format" },
  kmsg_buffer_grown: { level: "warn", message: "a record of the kernel's log did not fit: the buffer has grown" },
  kmsg_record_too_large: { level: "error", message: "a record of the kernel's log does not fit into any buffer" },
  kmsg_read_failed: { level: "error", message: "reading the kernel's log fails: tried again every second" },
  kmsg_paused: { level: "warn", message: "records cannot be sent as fast as they come: reading waits" },
  setting_ignored: { level: "warn", message: "a setting is ignored" },
  ship_failed: { level: "error", message: "records were not delivered" },
  ship_warning: { level: "warn", message: "sending records gave a warning" },
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
