/** The agents that a scenario starts, and what they print, which is sent to the host. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { ScenarioName } from "./scenarios.ts";
import { send } from "./send.ts";
import { openTail, type Tail } from "./tail.ts";

export interface Agent {
  /** from 1 */
  readonly number: number;
  readonly process: ChildProcess;
  /** pids of the kills that it has told of */
  readonly pids: ReadonlySet<number>;
  /** Waits for an event in its own log, or for its end. */
  logged(event: string): Promise<void>;
  /** Tells it to end, and waits. */
  end(signal: NodeJS.Signals): Promise<void>;
}

export interface Agents {
  start(...args: string[]): Promise<Agent>;
  /** Sends what they have printed since the last time, as what belongs to the scenario. */
  collect(scenario: ScenarioName): void;
  /** Waits until all of the pids are told of and nothing more comes, or for ten seconds; then collects. */
  settle(scenario: ScenarioName, agent: Agent, pids: readonly number[]): Promise<void>;
}

interface Started extends Agent {
  readonly pids: Set<number>;
  readonly records: Tail;
  readonly log: Tail;
  readonly events: Set<string>;
}

/** As long as nothing more has to come for all to be told: twice the bound within which a kill is to be shipped. */
const QUIET_MS = 3000;
const MOST_MS = 10_000;

export function createAgents(): Agents {
  const started: Started[] = [];
  let scenarioNow: ScenarioName = "container_limit";

  function read(agent: Started): number {
    const records = agent.records.readLines();
    for (const text of records) {
      const record = JSON.parse(text);
      send({ kind: "record", scenario: scenarioNow, agent: agent.number, record });
      if (record.eventName === "oom.kill") agent.pids.add(record.attributes["process.pid"]);
    }
    for (const text of agent.log.readLines()) {
      const line = text.startsWith("{") ? JSON.parse(text) : { event: "text", message: text };
      send({ kind: "agent_log", scenario: scenarioNow, agent: agent.number, line });
      agent.events.add(line.event);
    }
    return records.length;
  }

  function collect(scenario: ScenarioName): void {
    scenarioNow = scenario;
    for (const agent of started) read(agent);
  }

  return {
    async start(...args) {
      const number = started.length + 1;
      const [stdout, stderr] = [`/tmp/agent-${number}.records`, `/tmp/agent-${number}.log`];
      // Into files: what the agent prints costs it nothing that depends on this program.
      const child = spawn(process.execPath, ["/agent.mjs", "agent", "--stdout", ...args], {
        stdio: ["ignore", openSync(stdout, "a"), openSync(stderr, "a")],
        env: { PATH: process.env["PATH"], K8S_NODE_NAME: "test-vm" },
      });
      const agent: Started = {
        number,
        process: child,
        pids: new Set(),
        events: new Set(),
        records: openTail(stdout),
        log: openTail(stderr),
        async logged(event) {
          while (!agent.events.has(event) && child.exitCode === null && child.signalCode === null) {
            await sleep(10);
            read(agent);
          }
        },
        async end(signal) {
          if (child.exitCode !== null || child.signalCode !== null) return;
          child.kill(signal);
          await once(child, "exit");
        },
      };
      started.push(agent);
      return agent;
    },
    collect,
    async settle(scenario, agent, pids) {
      const startMs = performance.now();
      let lastMs = startMs;
      for (;;) {
        const before = agent.pids.size;
        collect(scenario);
        const nowMs = performance.now();
        if (agent.pids.size > before) lastMs = nowMs;
        const isComplete = pids.every((pid) => agent.pids.has(pid));
        if (nowMs - lastMs > (isComplete ? QUIET_MS : MOST_MS)) return;
        await sleep(50);
      }
    },
  };
}
