/** The scenarios: what is done to a node, one after another in one boot. The last one has to be the last. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { readKernelLog, waitForReportBudget } from "../../kernel/kernel-log.ts";
import type { Agent } from "./agents.ts";
import { type Limits, makePod } from "./cgroups.ts";
import type { ContainerOptions } from "./container.ts";
import { flood } from "./flood.ts";
import { nowUs, STATE, type Stage } from "./stage.ts";

export interface Scenario {
  readonly name: ScenarioName;
  /** @returns facts for the host's `scenario` line */
  run(stage: Stage): Promise<Record<string, unknown>>;
  /** the stage's agent cannot tell of every kill: nobody waits for that */
  readonly misses?: boolean;
}

export const SCENARIO_NAMES = [
  "container_limit",
  "child_killed",
  "oom_group",
  "pod_limit",
  "storm",
  "swap",
  "removed_at_once",
  "log_overrun",
  "agent_killed",
  "lives",
  "kmsg_unreadable",
  "node_out_of_memory",
] as const;
export type ScenarioName = (typeof SCENARIO_NAMES)[number];

const MIB = 1024 * 1024;
const LIMIT = 8 * MIB;
const LIFE_LIMIT = 16 * MIB;

const RUN: Record<ScenarioName, Scenario["run"]> = {
  /** PID 1 overruns the limit of its container: with each driver of the kubelet, in each QoS class. */
  async container_limit(stage) {
    await waitForReportBudget(4);
    const cases = [
      ["systemd", "burstable", { comm: "java", uid: 1000, scoreAdj: 985 }],
      ["systemd", "guaranteed", { comm: "x,pid=1,uid=0", uid: 4_000_000_000, scoreAdj: -997 }],
      ["cgroupfs", "burstable", { comm: "a) total-vm:1kB", scoreAdj: 500 }],
      ["cgroupfs", "besteffort", { comm: "сервер", scoreAdj: 1000 }],
    ] as const;
    for (const [driver, qos, options] of cases) {
      await stage.container(makePod(driver, qos).container({ memory: LIMIT }), options).ended;
    }
    return {};
  },

  /** A child of PID 1 is killed, and the container lives on: Kubernetes sees nothing. */
  async child_killed(stage) {
    await waitForReportBudget(1);
    const cgroup = makePod("systemd", "burstable").container({ memory: LIMIT, group: false });
    // It has run for a while, so that the agent has seen who is in it.
    await stage.container(cgroup, { comm: "worker", scoreAdj: 900, turns: 1, pause: 1500 }).killed(1);
    return {};
  },

  /** Three processes, one of which overruns the limit: all are killed. */
  async oom_group(stage) {
    await waitForReportBudget(1);
    const cgroup = makePod("systemd", "burstable").container({ memory: 2 * LIMIT, group: true });
    const container = stage.container(cgroup, { comm: "member", together: 2, fillKib: 2048, hold: true });
    await container.full(2);
    container.go();
    await container.ended;
    return {};
  },

  /** The small container runs into the pod's limit, and the large one is killed; then a third one is killed itself. */
  async pod_limit(stage) {
    await waitForReportBudget(2);
    const pod = makePod("systemd", "burstable", { memory: 2 * LIMIT });
    const large = stage.container(pod.container(), { comm: "large", fillKib: 11 * 1024 }, "pod");
    await large.full(1);
    // Never the victim itself, should the large one take its time to die.
    const small = stage.container(pod.container(), { comm: "small", fillKib: 7 * 1024, scoreAdj: -1000 }, "pod");
    await large.ended;
    await small.full(1);
    await stage.container(pod.container(), { comm: "third" }, "pod").ended;
    return {};
  },

  /** 200 kills in four containers of one pod, of workers that have lived for a moment: most get no report. */
  async storm(stage) {
    const pod = makePod("systemd", "burstable");
    return await runStorm(stage, { pods: [pod, pod, pod, pod], turns: 50, pause: 250 });
  },

  /** The container has swap, and is killed when that is full as well. */
  async swap(stage) {
    await waitForReportBudget(1);
    startSwap();
    const cgroup = makePod("systemd", "burstable").container({ memory: LIMIT, swap: LIMIT });
    await stage.container(cgroup, { comm: "swapper" }).ended;
    stopSwap();
    return {};
  },

  /** Four containers that end at their limit, each in its own way and so slowly that their history says which. */
  async lives(stage) {
    await waitForReportBudget(4);
    const blind = await stage.blind();
    startSwap();
    const lead = (limits: Limits, options: ContainerOptions): Promise<void> =>
      stage.container(makePod("systemd", "burstable").container({ memory: LIFE_LIMIT, ...limits }), options).ended;
    await Promise.all([
      lead({}, { comm: "leak", course: [{ kib: 20 * 1024, ms: 48_000 }] }),
      lead({}, { comm: "tmpfs", tmpfs: true, course: [{ kib: 20 * 1024, ms: 48_000 }] }),
      lead(
        {},
        {
          comm: "spike",
          course: [
            { kib: 2048, ms: 500 },
            { kib: 2048, ms: 20_000 },
          ],
        },
      ),
      // What does not fit is in swap, and is wanted all the time.
      lead(
        { swap: LIFE_LIMIT },
        {
          comm: "low",
          restless: true,
          course: [
            { kib: 20 * 1024, ms: 2000 },
            { kib: 20 * 1024, ms: 22_000 },
          ],
        },
      ),
    ]);
    stopSwap();
    return await afterBlind(stage, blind);
  },

  /** The runtime removes the cgroup as soon as PID 1 is dead; every second one with memory.oom.group. */
  async removed_at_once(stage) {
    await waitForReportBudget(6);
    const busy: (number | undefined)[] = [];
    for (let index = 0; index < 6; index++) {
      const cgroup = makePod("systemd", "burstable").container({ memory: LIMIT, group: index % 2 === 1 });
      const container = stage.container(cgroup, { comm: `removed-${index}`, remove: true });
      await container.ended;
      busy.push(container.busy);
    }
    return { busy };
  },

  /** The agent is stopped, and while it is the log overruns: two kills are overwritten, two are not. */
  async log_overrun(stage) {
    await waitForReportBudget(4);
    const kill = async (comm: string): Promise<void> => {
      await stage.container(makePod("systemd", "burstable").container({ memory: LIMIT }), { comm }).ended;
    };
    stage.agent.process.kill("SIGSTOP");
    await kill("overwritten-0");
    await kill("overwritten-1");
    flood(10_000);
    await kill("kept-0");
    await kill("kept-1");
    const oldestSeq = readOldestSeq();
    stage.agent.process.kill("SIGCONT");
    return { oldestSeq };
  },

  /** The agent is killed in a storm, and started again at once. */
  async agent_killed(stage) {
    await waitForReportBudget(10);
    const pods = [0, 1, 2, 3].map(() => makePod("cgroupfs", "burstable"));
    let oldestSeq: number | undefined;
    const facts = await runStorm(stage, { pods, turns: 12 }, async () => {
      await stage.agent.end("SIGKILL");
      const killedUs = nowUs();
      stage.agent = await stage.agents.start("--since", "boot", "--state-dir", STATE);
      await stage.agent.logged("kmsg_opened");
      // It reads from the oldest record on that there was a little before.
      oldestSeq = readOldestSeq();
      return { killedUs, startedUs: nowUs() };
    });
    return { ...facts, oldestSeq };
  },

  /** What the agent that has no kernel log tells of children, whole containers and cgroups that are removed. */
  async kmsg_unreadable(stage) {
    await waitForReportBudget(3);
    const blind = await stage.blind();
    const pod = makePod("systemd", "burstable");
    const child = stage.container(pod.container({ memory: LIMIT }), { comm: "child", turns: 1 });
    await child.killed(1);
    await stage.container(pod.container({ memory: LIMIT }), { comm: "main" }).ended;
    // Without KVM the guest's CPU takes naps: the next one is not to be made and removed in the same look.
    await stage.pass(1500);
    await stage.container(pod.container({ memory: LIMIT, group: true }), { comm: "gone", remove: true }).ended;
    return await afterBlind(stage, blind);
  },

  /** A container without a limit takes all that there is. */
  async node_out_of_memory(stage) {
    await waitForReportBudget(1);
    const blind = await stage.blind();
    const cgroup = makePod("systemd", "besteffort").container();
    await stage.container(cgroup, { comm: "node-eater", scoreAdj: 1000 }, "node").ended;
    return await afterBlind(stage, blind);
  },
};

/** Those whose kills the agent that goes on cannot all tell of. */
const MISSES: ReadonlySet<ScenarioName> = new Set(["log_overrun", "agent_killed"]);

export const SCENARIOS: readonly Scenario[] = SCENARIO_NAMES.map((name) => ({
  name,
  run: RUN[name],
  misses: MISSES.has(name),
}));

/** When the agent without a kernel log has had the time to tell of what was counted. */
async function afterBlind(stage: Stage, blind: Agent): Promise<Record<string, unknown>> {
  await stage.pass(3000);
  return { blindAgent: blind.number };
}

interface Storm {
  /** a container each */
  pods: ReturnType<typeof makePod>[];
  /** kills in each */
  turns: number;
  pause?: number;
}

/** @param meanwhile called when a quarter of the kills has been made */
async function runStorm(
  stage: Stage,
  { pods, turns, pause = 0 }: Storm,
  meanwhile?: () => Promise<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  const startUs = nowUs();
  const containers = pods.map((pod, index) => {
    const options: ContainerOptions = { comm: `storm-${index}`, scoreAdj: 900, turns, pause: pause + 10 * index };
    return stage.container(pod.container({ memory: LIMIT, group: false }), options);
  });
  await containers[0]?.killed(Math.ceil(turns / 4));
  const facts = await meanwhile?.();
  for (const container of containers) await container.killed(turns);
  return { ...facts, stormUs: nowUs() - startUs };
}

/** Compressed memory in place of a disk. */
function startSwap(): void {
  execFileSync("modprobe", ["zram"]);
  writeFileSync("/sys/block/zram0/disksize", String(64 * MIB));
  execFileSync("mkswap", ["/dev/zram0"]);
  execFileSync("swapon", ["/dev/zram0"]);
}

function stopSwap(): void {
  execFileSync("swapoff", ["/dev/zram0"]);
  writeFileSync("/sys/block/zram0/reset", "1");
}

function readOldestSeq(): number {
  return Number(readKernelLog()[0]?.split(",")[1]);
}
