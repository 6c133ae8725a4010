/** Storms of real kills on this kernel (cgroup v1), at several paces: how many are told, and how many rightly. */
import { whyNoCompiler } from "../../test/kernel/c-program.ts";
import { openTestCgroups, type TestCgroup, whyNoKills } from "../../test/kernel/cgroup-v1.ts";
import { openHogs } from "../../test/kernel/hogs.ts";
import { formatTable } from "../table.ts";
import { type StormAgent, startStormAgent } from "./agent.ts";
import { readKernelLines } from "./kernel-lines.ts";

const MIB = 1024 * 1024;
const KILLS = 200;

interface Pace {
  name: string;
  /** milliseconds between a kill and the next start */
  pauseMs: number;
  /** containers that are killed in at the same time */
  together: number;
  args: string[];
}

const PACES: readonly Pace[] = [
  { name: "one after another, 100 ms apart", pauseMs: 100, together: 1, args: [] },
  { name: "one after another, 20 ms apart", pauseMs: 20, together: 1, args: [] },
  { name: "one after another, at once", pauseMs: 0, together: 1, args: [] },
  { name: "four containers at the same time", pauseMs: 0, together: 4, args: [] },
  { name: "without the kernel's log", pauseMs: 20, together: 1, args: ["--kmsg", "/nonexistent/kmsg"] },
];

const reason = whyNoKills() ?? whyNoCompiler();
if (reason !== undefined) throw new Error(`no storm here: ${reason}`);
const hogs = openHogs();
try {
  const rows = [
    ["", "kills", "kills/s", "named by the log", "told", "twice", "placed", "unknown", "wrong", "CPU a kill"],
  ];
  for (const pace of PACES) rows.push(await runStorm(pace));
  process.stdout.write(`${KILLS} kills in four containers of a pod, 250 other cgroups:\n\n${formatTable(rows)}`);
} finally {
  hogs.remove();
}

async function runStorm(pace: Pace): Promise<string[]> {
  const cgroups = openTestCgroups();
  try {
    return await runStormIn(cgroups.root, pace);
  } finally {
    await cgroups.remove();
  }
}

async function runStormIn(root: TestCgroup, pace: Pace): Promise<string[]> {
  for (let other = 0; other < 250; other++) root.child(`other-${other}`);
  const containers = [0, 1, 2, 3].map((one) => root.child(`container-${one}`, 8 * MIB));
  const agent = await startStormAgent(pace.args);
  const truth = new Map<number, string>();
  const started = performance.now();
  const share = KILLS / pace.together;
  const turns = Array.from({ length: pace.together }, (_, turn) =>
    killInTurn(containers, turn * share, share, pace, truth),
  );
  await Promise.all(turns);
  const seconds = (performance.now() - started) / 1000;
  const cpuMs = agent.cpuMs();
  const told = await agent.stop(
    containers.map(({ path }) => path),
    [...truth.keys()],
  );
  return [pace.name, ...describe(told, truth, containers, seconds, cpuMs)];
}

async function killInTurn(
  containers: readonly TestCgroup[],
  from: number,
  count: number,
  { pauseMs, together }: Pace,
  truth: Map<number, string>,
): Promise<void> {
  for (let index = from; index < from + count; index++) {
    const container = containers[together === 1 ? index % 4 : Math.floor(from / count)] as TestCgroup;
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    truth.set(await hogs.kill(container, `hog-${index}`), container.path);
  }
}

function describe(
  told: Awaited<ReturnType<StormAgent["stop"]>>,
  truth: ReadonlyMap<number, string>,
  containers: readonly TestCgroup[],
  seconds: number,
  cpuMs: number,
): string[] {
  const counted = new Map(
    containers.map(({ path }) => [path, [...truth.values()].filter((one) => one === path).length]),
  );
  let placed = 0;
  let unknown = 0;
  let wrong = 0;
  for (const { pid, cgroup } of told) {
    if (cgroup === undefined) unknown++;
    else if (pid === undefined ? takeOne(counted, cgroup) : truth.get(pid) === cgroup) placed++;
    else wrong++;
  }
  const uids = new Set(told.map(({ uid }) => uid));
  const named = readKernelLines().filter((line) => [...truth.keys()].some((pid) => line.endsWith(`,pid=${pid},uid=0`)));
  return [
    String(truth.size),
    (truth.size / seconds).toFixed(0),
    String(named.length),
    String(told.length),
    String(told.length - uids.size),
    String(placed),
    String(unknown),
    String(wrong),
    `${(cpuMs / truth.size).toFixed(1)} ms`,
  ];
}

/** Without a pid a container has as many kills as the kernel counted there. */
function takeOne(counted: Map<string, number>, cgroup: string): boolean {
  const left = counted.get(cgroup) ?? 0;
  counted.set(cgroup, left - 1);
  return left > 0;
}
