/** What a guest program tells the host: the truth about every kill, and what the agent made of it. */
import type { ScenarioName } from "./guest/scenarios.ts";

/** One process that the kernel killed for memory. */
export interface TrueKill {
  kind: "kill";
  scenario: ScenarioName;
  /** in the host's pid namespace */
  pid: number;
  comm: string;
  /** as the kernel prints it */
  cgroup: string;
  /** whose limit was hit; undefined: the node's memory */
  limitCgroup?: string;
  containerId: string;
  podUid: string;
  /** it was PID 1 of its container */
  isPid1: boolean;
  uid: number;
  scoreAdj: number;
  /** when its parent had seen it die, CLOCK_MONOTONIC; absent where its parent died with it */
  endedUs?: number;
}

/** memory.events (hierarchical) or memory.events.local of a cgroup. */
export type MemoryEvents = Record<string, number>;

export interface Counters {
  kind: "counters";
  scenario: ScenarioName;
  /** `last`: read by the container's shim right after PID 1 was dead, before it removed the cgroup */
  when: "before" | "after" | "last";
  /** by cgroup path; those with nothing but zeros are left out */
  events: Record<string, MemoryEvents>;
  local: Record<string, MemoryEvents>;
}

/** A line that an agent printed with --stdout. */
export interface AgentRecord {
  kind: "record";
  /** in which it was read */
  scenario: ScenarioName;
  /** which of the agents that were started, from 1 */
  agent: number;
  record: {
    eventName: string;
    body: string;
    resource: Record<string, unknown>;
    attributes: Record<string, unknown>;
  };
}

/** A line of an agent's own log. */
export interface AgentLogLine {
  kind: "agent_log";
  scenario: ScenarioName;
  agent: number;
  line: { event: string } & Record<string, unknown>;
}

/** A line of test/vm/guest/witness.c, which says what they mean. */
export interface WitnessLine {
  kind: "witness";
  scenario: ScenarioName;
  line: string;
}

export interface ScenarioLine {
  kind: "scenario";
  scenario: ScenarioName;
  startUs: number;
  endUs: number;
  /** what a scenario says of itself, such as when it stopped the agent; see there */
  facts: Record<string, unknown>;
}

export interface BootLine {
  kind: "boot";
  /** `uname -r` */
  kernel: string;
  /** seconds from the kernel's start to the guest program's */
  upSeconds: number;
}

export type GuestLine = BootLine | ScenarioLine | TrueKill | Counters | AgentRecord | AgentLogLine | WitnessLine;
