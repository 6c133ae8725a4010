/** Limits that something else than the victim's own memory used up: files in memory, the kernel, page cache, a neighbour. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type AgentProcess, type PrintedRecord, printedRecord, startAgent } from "./agent-process.ts";
import { whyNoCompiler } from "./c-program.ts";
import { openTestCgroups, type TestCgroup, type TestCgroups, whyNoKills } from "./cgroup-v1.ts";
import { type Fillers, type Filling, openFillers } from "./fillers.ts";
import { waitForReportBudget } from "./kernel-log.ts";
import { startVictim } from "./kills.ts";

const MIB = 1024 * 1024;
const LIMIT = 48 * MIB;
const reason = whyNoKills() ?? whyNoCompiler();
if (reason !== undefined) process.stderr.write(`test/kernel/filled.test.ts is skipped: ${reason}\n`);

let cgroups: TestCgroups;
let fillers: Fillers;
let agent: AgentProcess;

beforeEach(({ skip }) => skip(reason !== undefined, reason));

beforeAll(async () => {
  if (reason !== undefined) return;
  cgroups = openTestCgroups();
  fillers = openFillers();
  await waitForReportBudget(8);
  agent = startAgent(["--since", "now", "--backend", "stdout"]);
  await agent.logged("agent_started");
}, 60_000);

afterAll(async () => {
  await agent?.stop();
  await cgroups?.remove();
  fillers?.remove();
});

function killOf(pid: number): Promise<PrintedRecord> {
  return printedRecord(
    agent,
    ({ eventName, attributes }) => eventName === "oom.kill" && attributes["process.pid"] === pid,
  );
}

/** 2.4 MiB a second: twenty seconds to the limit, in a line as straight as a leak's. */
const SLOWLY = 2.4 * MIB;

test.concurrent.each<[string, Filling, number | undefined, string]>([
  ["a tmpfs of its own, filled slowly", "tmpfs", SLOWLY, "tmpfs"],
  ["a tmpfs of its own, filled at once", "tmpfs", undefined, "tmpfs"],
  ["a file without a name, as shared memory is", "memfd", undefined, "tmpfs"],
  ["pipes that nobody reads, more and more of them", "pipes", SLOWLY, "kernel_memory"],
  ["pipes that nobody reads, at once", "pipes", undefined, "kernel_memory"],
  ["pages of a file, locked in memory", "mlock", undefined, "page_cache"],
])("%s", async (_, filling, bytesPerSecond, cause) => {
  const cgroup = cgroups.root.child(`${filling}-${bytesPerSecond === undefined ? "fast" : "slow"}`, LIMIT);
  const { pid, isKilled } = await fillers.fill(cgroup, filling, bytesPerSecond);
  expect(isKilled).toBe(true);
  const { attributes } = await killOf(pid);
  expect(attributes).toMatchObject({ "oom.cause": cause, "oom.limit.cgroup": cgroup.path, "oom.memory.limit": LIMIT });
  // The process itself held next to nothing.
  expect(attributes["oom.victim.anon_rss"]).toBeLessThan(MIB);
});

test.concurrent("a pod's limit, used up by a neighbour that leaks: who is killed for it did not", async () => {
  const pod = makePod();
  // Who is to be killed first is the kubelet's choice, by the QoS class: here it is the one that holds little.
  const small = await startVictim(pod.child("b".repeat(64)), {
    comm: "small",
    scoreAdj: 1000,
    course: [
      { until: 4 * MIB, seconds: 0 },
      { until: 4 * MIB, seconds: 100 },
    ],
  });
  const greedy = await startVictim(pod.child("a".repeat(64)), {
    comm: "greedy",
    course: [{ until: 64 * MIB, seconds: 30 }],
  });
  await Promise.all([small.kill(), greedy.kill()]);
  const { attributes } = await killOf(small.pid);
  expect(attributes).toMatchObject({ "oom.scope": "pod", "oom.cause": "neighbour", "oom.limit.cgroup": pod.path });
  expect(attributes["oom.cause.facts"]).toContainEqual(expect.stringContaining(greedy.cgroup.path));
  const greedys = await killOf(greedy.pid);
  expect(greedys.attributes).toMatchObject({ "oom.scope": "pod", "oom.limit.cgroup": pod.path });
  expect(greedys.attributes["oom.cause"]).not.toBe("neighbour");
});

/** As the kubelet makes it. */
function makePod(): TestCgroup {
  const uid = "3d1f6c0a-52b7-4c1e-9a84-6f0b7c2d9e16";
  return cgroups.root.child("neighbours").child("kubepods").child("burstable").child(`pod${uid}`, LIMIT);
}
