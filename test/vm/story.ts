/** What the guest sent, put in order: who was killed, what the kernel said of it, and what the agents told. */
import { fileURLToPath } from "node:url";
import type { ScenarioName } from "./guest/scenarios.ts";
import type { KernelVersion } from "./kernels.ts";
import type { AgentLogLine, AgentRecord, Counters, GuestLine, ScenarioLine, TrueKill } from "./truth.ts";
import { runVm } from "./vm.ts";

/** A line `Killed process` of the kernel's log, as the witness read it. */
export interface KillLine {
  scenario: ScenarioName;
  pid: number;
  seq: number;
  /** the kernel printed the victim's cgroup (`oom-kill:`) before it */
  hasSummary: boolean;
}

export interface Story {
  readonly played: readonly ScenarioLine[];
  readonly kills: readonly TrueKill[];
  readonly killLines: readonly KillLine[];
  readonly records: readonly AgentRecord[];
  readonly agentLog: readonly AgentLogLine[];
  killsIn(scenario: ScenarioName): TrueKill[];
  /** Records of a kill, by every agent. */
  recordsOf(pid: number): AgentRecord[];
  factsOf(scenario: ScenarioName): Record<string, unknown>;
  /** How much a counter of a cgroup rose in the scenario. */
  counted(scenario: ScenarioName, cgroup: string, name: string, file?: "events" | "local"): number;
}

const SCRIPT = fileURLToPath(new URL("guest/main.ts", import.meta.url));

/** Plays every scenario on a kernel, in one boot. */
export async function readStory(kernel: KernelVersion): Promise<Story> {
  const { lines, seconds } = await runVm({ kernel, script: SCRIPT, timeoutMs: 360_000 });
  const story = toStory(lines as GuestLine[]);
  const times = story.played.map(
    ({ scenario, startUs, endUs }) => `${scenario} ${((endUs - startUs) / 1e6).toFixed(1)}`,
  );
  process.stderr.write(`test/vm: kernel ${kernel}, ${seconds.vm.toFixed(0)} s; seconds: ${times.join(", ")}\n`);
  return story;
}

function toStory(lines: readonly GuestLine[]): Story {
  const of = <K extends GuestLine["kind"]>(kind: K) =>
    lines.filter((line): line is Extract<GuestLine, { kind: K }> => line.kind === kind);
  const [kills, records, counters, played] = [of("kill"), of("record"), of("counters"), of("scenario")];
  return {
    played,
    kills,
    killLines: readKillLines(lines),
    records,
    agentLog: of("agent_log"),
    killsIn: (scenario) => kills.filter((kill) => kill.scenario === scenario),
    recordsOf: (pid) => records.filter(({ record }) => record.attributes["process.pid"] === pid),
    factsOf: (scenario) => played.find((one) => one.scenario === scenario)?.facts ?? {},
    counted(scenario, cgroup, name, file = "events") {
      const read = (when: Counters["when"]): number => {
        const found = counters.find((one) => one.scenario === scenario && one.when === when && when !== "last");
        return found?.[file][cgroup]?.[name] ?? 0;
      };
      return read("after") - read("before");
    },
  };
}

function readKillLines(lines: readonly GuestLine[]): KillLine[] {
  const killLines: KillLine[] = [];
  let summaryPid: number | undefined;
  for (const line of lines) {
    if (line.kind !== "witness") continue;
    const [, seq, text = ""] = /^K \d+ [0-7],(\d+),\d+,[^;]*;(.*)$/.exec(line.line) ?? [];
    if (text.startsWith("oom-kill:")) summaryPid = Number(/,pid=(\d+),uid=-?\d+$/.exec(text)?.[1]);
    const pid = Number(/^(?:Memory cgroup out|Out) of memory: Killed process (\d+) /.exec(text)?.[1]);
    if (Number.isNaN(pid)) continue;
    killLines.push({ scenario: line.scenario, pid, seq: Number(seq), hasSummary: summaryPid === pid });
  }
  return killLines;
}
