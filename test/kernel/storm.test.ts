/** Storms on a real kernel, cgroup v1: the log names the cgroup of a few kills, the agent of all. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type OtlpReceiver, openOtlpReceiver, type ReceivedRecord } from "../otlp-receiver.ts";
import { type AgentProcess, startAgent } from "./agent-process.ts";
import { whyNoCompiler } from "./c-program.ts";
import { openTestCgroups, type TestCgroup, type TestCgroups, whyNoKills } from "./cgroup-v1.ts";
import { type Hogs, openHogs } from "./hogs.ts";
import { readKernelLog } from "./kernel-log.ts";

const MIB = 1024 * 1024;
const KILLS = 200;
const reason = whyNoKills() ?? whyNoCompiler();
if (reason !== undefined) process.stderr.write(`test/kernel/storm.test.ts is skipped: ${reason}\n`);

let cgroups: TestCgroups;
let hogs: Hogs;
const agents: AgentProcess[] = [];
const receivers: OtlpReceiver[] = [];

beforeEach(({ skip }) => skip(reason !== undefined, reason));

beforeAll(() => {
  if (reason !== undefined) return;
  cgroups = openTestCgroups();
  hogs = openHogs();
});

afterAll(async () => {
  for (const agent of agents) agent.child.kill("SIGKILL");
  for (const receiver of receivers) await receiver.close();
  await cgroups?.remove();
  hogs?.remove();
});

const POD_UID = "3d1f6c0a-52b7-4c1e-9a84-6f0b7c2d9e15";

let pods = 0;

/** Four containers of a pod, as the kubelet makes them. */
function makePod(name: string): TestCgroup[] {
  pods++;
  const pod = cgroups.root.child(`${name}-${pods}`).child("kubepods").child("burstable").child(`pod${POD_UID}`);
  return [0, 1, 2, 3].map((index) => pod.child(`${index}${"5d1fa".repeat(13)}`.slice(0, 64), 8 * MIB));
}

async function startWith(args: string[]): Promise<{ agent: AgentProcess; receiver: OtlpReceiver }> {
  const receiver = await openOtlpReceiver();
  receivers.push(receiver);
  const agent = startAgent(["--since", "now", ...args], { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url });
  agents.push(agent);
  await agent.logged("agent_started");
  return { agent, receiver };
}

/** pid → cgroup */
type Truth = Map<number, string>;

async function killInTurn(containers: readonly TestCgroup[], count: number, truth: Truth, from = 0): Promise<void> {
  for (let index = from; index < from + count; index++) {
    // Two dozen a second: dying and being started again takes a container longer.
    await sleep(20);
    const container = containers[index % containers.length] as TestCgroup;
    truth.set(await hogs.kill(container, `hog-${index}`), container.path);
  }
}

function killsOf(receiver: OtlpReceiver, containers: readonly TestCgroup[], truth: Truth): ReceivedRecord[] {
  const paths = new Set(containers.map(({ path }) => path));
  return receiver.records().filter(({ eventName, attributes }) => {
    if (eventName !== "oom.kill") return false;
    return truth.has(attributes["process.pid"] as number) || paths.has(String(attributes["oom.victim.cgroup"]));
  });
}

async function expectAll(
  receiver: OtlpReceiver,
  containers: readonly TestCgroup[],
  truth: Truth,
): Promise<ReceivedRecord[]> {
  await expect.poll(() => killsOf(receiver, containers, truth).length, { timeout: 15_000 }).toBe(truth.size);
  const records = killsOf(receiver, containers, truth);
  expect(new Set(records.map(({ attributes }) => attributes["log.record.uid"])).size).toBe(truth.size);
  expect(containers.reduce((sum, container) => sum + container.oomKills(), 0)).toBe(truth.size);
  return records;
}

// Again where the machine has stopped the agent for longer than from one kill to the next: then two lines may be unknown.
test("200 kills one after another: 200 records, each on its container, none twice", { retry: 2 }, async () => {
  const containers = makePod("in-turn");
  const { agent, receiver } = await startWith([]);
  const truth: Truth = new Map();
  await killInTurn(containers, KILLS, truth);
  const records = await expectAll(receiver, containers, truth);
  for (const { attributes, resource } of records) {
    const pid = attributes["process.pid"] as number;
    expect([pid, attributes["oom.victim.cgroup"]]).toEqual([pid, truth.get(pid)]);
    expect(attributes["oom.attribution"]).not.toBe("unknown");
    expect(attributes["oom.evidence"]).toContain("counter");
    expect(resource["k8s.pod.uid"]).toBe(POD_UID);
  }
  const named = readKernelLog().filter((line) => line.includes(";oom-kill:") && line.includes("/in-turn-")).length;
  expect(named).toBeLessThan(KILLS / 2);
  await agent.stop();
});

test("four containers at once: 200 records, none twice, none on another container", async () => {
  const containers = makePod("at-once");
  const { agent, receiver } = await startWith([]);
  const truth: Truth = new Map();
  await Promise.all(containers.map((container, index) => killInTurn([container], KILLS / 4, truth, index * 50)));
  const records = await expectAll(receiver, containers, truth);
  for (const { attributes } of records) {
    const pid = attributes["process.pid"] as number;
    const cgroup = attributes["oom.victim.cgroup"];
    if (cgroup === undefined) expect(attributes["oom.attribution"]).toBe("unknown");
    else expect([pid, cgroup]).toEqual([pid, truth.get(pid)]);
  }
  await agent.stop();
});

test("without the kernel's log: the counters alone give 200", async () => {
  const containers = makePod("blind");
  const { agent, receiver } = await startWith(["--kmsg", "/nonexistent/kmsg"]);
  const truth: Truth = new Map();
  await killInTurn(containers, KILLS, truth);
  const records = await expectAll(receiver, containers, truth);
  for (const container of containers) {
    const here = records.filter(({ attributes }) => attributes["oom.victim.cgroup"] === container.path);
    expect(here).toHaveLength(KILLS / 4);
    expect(here.every(({ attributes }) => attributes["oom.attribution"] === "exact")).toBe(true);
  }
  await agent.stop();
});
