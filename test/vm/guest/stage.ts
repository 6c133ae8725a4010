/** Where scenarios play: starts their containers, and tells the host the truth about each scenario when it has ended. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Agent, type Agents, createAgents } from "./agents.ts";
import { type ContainerCgroup, readCounters } from "./cgroups.ts";
import { type Container, type ContainerOptions, startContainer } from "./container.ts";
import type { Scenario, ScenarioName } from "./scenarios.ts";
import { send } from "./send.ts";
import type { Tail } from "./tail.ts";

/** Where the node's agent keeps what it has not sent, and how far it has read. */
export const STATE = "/tmp/state";

export interface Stage {
  readonly agents: Agents;
  /** the one that runs through the scenarios; a scenario may put another in its place */
  agent: Agent;
  /** Another one, without a kernel log: the counters alone tell it of kills. It is started once, and stays. */
  blind(): Promise<Agent>;
  /** @param limit whose limit it is to overrun: its own by default, `node` for that of the machine */
  container(cgroup: ContainerCgroup, options: ContainerOptions, limit?: "own" | "pod" | "node"): Container;
  /** Lets time pass, in milliseconds. */
  pass(ms: number): Promise<void>;
}

export interface StageDirector {
  /** Plays it to its end: when this returns everything of it has been sent. */
  play(scenario: Scenario): Promise<void>;
  /** Ends the agent as the kubelet does. */
  close(): Promise<void>;
}

export async function openStage(witness: Tail): Promise<StageDirector> {
  const agents = createAgents();
  let containers: { container: Container; limit: "own" | "pod" | "node" }[] = [];
  let blind: Promise<Agent> | undefined;
  const stage: Stage = {
    agents,
    blind: () => (blind ??= startBlind(agents)),
    agent: await agents.start("--since", "now", "--state-dir", STATE),
    container(cgroup, options, limit = "own") {
      const container = startContainer(cgroup, options);
      containers.push({ container, limit });
      return container;
    },
    pass: (ms) => sleep(ms),
  };
  await stage.agent.logged("agent_started");

  return {
    async play({ name, run, misses }) {
      sendCounters(name, "before");
      const startUs = nowUs();
      const facts = await run(stage);
      const pids = containers.flatMap(({ container }) => sendKills(name, container));
      await stage.agents.settle(name, stage.agent, misses ? [] : pids);
      sendCounters(name, "after");
      for (const line of witness.readLines()) send({ kind: "witness", scenario: name, line });
      send({ kind: "scenario", scenario: name, startUs, endUs: nowUs(), facts });
      for (const { container } of containers) await container.stop();
      containers = [];
    },
    async close() {
      await (await blind)?.end("SIGTERM");
      await stage.agent.end("SIGTERM");
      agents.collect("node_out_of_memory");
    },
  };

  function sendKills(scenario: ScenarioName, { cgroup, options, deaths, lastEvents }: Container): number[] {
    const limit = containers.find(({ container }) => container.cgroup === cgroup)?.limit;
    const limitCgroup = limit === "own" ? cgroup.path : limit === "pod" ? cgroup.pod.path : undefined;
    for (const { pid, isPid1, endedUs } of deaths) {
      send({
        ...{ kind: "kill", scenario, pid, comm: options.comm, isPid1, endedUs },
        ...{ cgroup: cgroup.path, limitCgroup, containerId: cgroup.containerId, podUid: cgroup.pod.uid },
        ...{ uid: options.uid ?? 0, scoreAdj: options.scoreAdj ?? 0 },
      });
    }
    if (lastEvents !== undefined) {
      send({ kind: "counters", scenario, when: "last", events: { [cgroup.path]: lastEvents }, local: {} });
    }
    return deaths.map(({ pid }) => pid);
  }
}

async function startBlind(agents: Agents): Promise<Agent> {
  const blind = await agents.start("--since", "now", "--kmsg", "/nonexistent/kmsg");
  await blind.logged("agent_started");
  return blind;
}

/** CLOCK_MONOTONIC */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

function sendCounters(scenario: ScenarioName, when: "before" | "after"): void {
  const [events, local] = [readCounters("memory.events"), readCounters("memory.events.local")];
  send({ kind: "counters", scenario, when, events, local });
}
