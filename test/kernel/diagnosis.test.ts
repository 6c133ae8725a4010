/** Processes that really leak, really rise at once and really sit at their limit: the agent tells one from the other. */
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { type AgentProcess, startAgent } from "./agent-process.ts";
import { openTestCgroups, type TestCgroup, type TestCgroups, whyNoKills } from "./cgroup-v1.ts";
import { waitForReportBudget } from "./kernel-log.ts";
import { startVictim } from "./kills.ts";
import type { Stage } from "./victim.ts";

const MIB = 1024 * 1024;
const LIMIT = 48 * MIB;
const reason = whyNoKills();
if (reason !== undefined) process.stderr.write(`test/kernel/diagnosis.test.ts is skipped: ${reason}\n`);

let cgroups: TestCgroups;
let agent: AgentProcess;

beforeEach(({ skip }) => skip(reason !== undefined, reason));

beforeAll(async () => {
  if (reason !== undefined) return;
  cgroups = openTestCgroups();
  await waitForReportBudget(3);
  agent = startAgent(["--since", "now", "--backend", "stdout"]);
  await agent.logged("agent_started");
}, 60_000);

afterAll(async () => {
  await agent?.stop();
  await cgroups?.remove();
});

let made = 0;

/** Of its own at each attempt. */
function makeCgroup(name: string): TestCgroup {
  return cgroups.root.child(`${name}-${++made}`, LIMIT);
}

/** Lives are led at the pace of the clock, which a machine that is busy with other tests cannot always keep. */
const ATTEMPTS = { retry: 2 };

interface Printed {
  eventName: string;
  timestamp: string;
  attributes: Record<string, unknown>;
}

function printedOf(isIt: (record: Printed) => boolean): Promise<Printed> {
  return vi.waitFor(
    () => {
      const found = agent.printed.map((line) => JSON.parse(line) as Printed).find(isIt);
      if (found === undefined) throw new Error("it was not told");
      return found;
    },
    { timeout: 15_000, interval: 100 },
  );
}

/** Lives as it is told, to its end. @returns the record of its kill */
async function live(cgroup: TestCgroup, course: readonly Stage[]): Promise<Printed> {
  const victim = await startVictim(cgroup, { course });
  await victim.kill();
  return printedOf(({ eventName, attributes }) => eventName === "oom.kill" && attributes["process.pid"] === victim.pid);
}

test.concurrent(
  "a leak: 1.8 MiB a second from its start to the limit, told before it is reached",
  ATTEMPTS,
  async () => {
    const cgroup = makeCgroup("leak");
    const { attributes, timestamp } = await live(cgroup, [{ until: 64 * MIB, seconds: 36 }]);
    expect(attributes).toMatchObject({ "oom.cause": "leak", "oom.memory.limit": LIMIT });
    // 64 MiB in 36 s, but for what the kernel counts in batches.
    expect(Number(attributes["oom.history.slope"]) / MIB).toBeGreaterThan(1.4);
    expect(Number(attributes["oom.history.slope"]) / MIB).toBeLessThan(2.2);
    expect(Number(attributes["oom.history.span"])).toBeGreaterThan(20);
    const near = await printedOf(
      (record) => record.eventName === "oom.near_limit" && record.attributes["oom.near_limit.cgroup"] === cgroup.path,
    );
    expect(Date.parse(near.timestamp)).toBeLessThan(Date.parse(timestamp));
    expect(Number(near.attributes["oom.near_limit.time_to_limit"])).toBeGreaterThan(0);
  },
);

test.concurrent("a spike: a sixth of its limit for a while, then all of it within two seconds", ATTEMPTS, async () => {
  const cgroup = makeCgroup("spike");
  const { attributes } = await live(cgroup, [
    { until: 8 * MIB, seconds: 0.5 },
    { until: 8 * MIB, seconds: 14 },
    { until: 64 * MIB, seconds: 2 },
  ]);
  expect(attributes).toMatchObject({ "oom.cause": "spike" });
});

test.concurrent(
  "a limit that is too low: it sits at nine tenths of it, and needs a little more",
  ATTEMPTS,
  async () => {
    const cgroup = makeCgroup("low");
    const { attributes } = await live(cgroup, [
      { until: 43 * MIB, seconds: 2 },
      { until: 43 * MIB, seconds: 18 },
    ]);
    expect(attributes).toMatchObject({ "oom.cause": "limit_too_low" });
    expect(attributes["oom.advice"]).toContain(
      `echo ${72 * MIB + 8 * MIB} > /sys/fs/cgroup/memory${cgroup.path}/memory.limit_in_bytes`,
    );
  },
);
