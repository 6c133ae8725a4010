/**
 * Processes that really leak, really rise at once and really sit at their limit: the agent tells one from the other,
 * with the kernel's log and without.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type AgentProcess, type PrintedRecord, printedRecord, startAgent } from "./agent-process.ts";
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
/** one that has no kernel log: the counters alone tell it of kills */
let blind: AgentProcess;

beforeEach(({ skip }) => skip(reason !== undefined, reason));

beforeAll(async () => {
  if (reason !== undefined) return;
  cgroups = openTestCgroups();
  await waitForReportBudget(3);
  agent = startAgent(["--since", "now", "--backend", "stdout"]);
  blind = startAgent(["--since", "now", "--backend", "stdout", "--kmsg", "/nonexistent/kmsg"]);
  await agent.logged("agent_started");
  await blind.logged("agent_started");
}, 60_000);

afterAll(async () => {
  await agent?.stop();
  await blind?.stop();
  await cgroups?.remove();
});

let made = 0;

/** Of its own at each attempt. */
function makeCgroup(name: string): TestCgroup {
  return cgroups.root.child(`${name}-${++made}`, LIMIT);
}

/** Lives are led at the pace of the clock, which a machine that is busy with other tests cannot always keep. */
const ATTEMPTS = { retry: 2 };

interface Told {
  /** by the agent that reads the kernel's log */
  seen: PrintedRecord;
  /** by the one that does not */
  counted: PrintedRecord;
}

/** Lives as it is told, to its end. @returns the records of its kill */
async function live(cgroup: TestCgroup, course: readonly Stage[]): Promise<Told> {
  const victim = await startVictim(cgroup, { course });
  await victim.kill();
  const isKill = (record: PrintedRecord, key: string, value: unknown): boolean =>
    record.eventName === "oom.kill" && record.attributes[key] === value;
  const [seen, counted] = await Promise.all([
    printedRecord(agent, (record) => isKill(record, "process.pid", victim.pid)),
    printedRecord(blind, (record) => isKill(record, "oom.victim.cgroup", cgroup.path)),
  ]);
  expect(counted.attributes["oom.evidence"]).not.toContain("kill_line");
  expect(factsOf(counted).some((fact) => fact.includes("no line of it"))).toBe(true);
  return { seen, counted };
}

function factsOf({ attributes }: PrintedRecord): string[] {
  return attributes["oom.cause.facts"] as string[];
}

/** The same cause, with less to confirm it. */
function expectSameButLessSure({ seen, counted }: Told): void {
  expect(counted.attributes["oom.cause"]).toBe(seen.attributes["oom.cause"]);
  const sureness = ({ attributes }: PrintedRecord): number => Number(attributes["oom.cause.confidence"]);
  expect(sureness(counted)).toBeLessThan(sureness(seen));
}

test.concurrent(
  "a leak: 1.8 MiB a second from its start to the limit, told before it is reached",
  ATTEMPTS,
  async () => {
    const cgroup = makeCgroup("leak");
    const told = await live(cgroup, [{ until: 64 * MIB, seconds: 36 }]);
    const { attributes, timestamp } = told.seen;
    expect(attributes).toMatchObject({ "oom.cause": "leak", "oom.memory.limit": LIMIT });
    for (const { attributes } of Object.values(told)) {
      // 64 MiB in 36 s, but for what the kernel counts in batches.
      expect(Number(attributes["oom.history.slope"]) / MIB).toBeGreaterThan(1.4);
      expect(Number(attributes["oom.history.slope"]) / MIB).toBeLessThan(2.2);
      expect(Number(attributes["oom.history.span"])).toBeGreaterThan(20);
    }
    expectSameButLessSure(told);
    const near = await printedRecord(
      agent,
      (record) => record.eventName === "oom.near_limit" && record.attributes["oom.near_limit.cgroup"] === cgroup.path,
    );
    expect(Date.parse(near.timestamp)).toBeLessThan(Date.parse(timestamp));
    expect(Number(near.attributes["oom.near_limit.time_to_limit"])).toBeGreaterThan(0);
  },
);

test.concurrent("a spike: a sixth of its limit for a while, then all of it within two seconds", ATTEMPTS, async () => {
  const cgroup = makeCgroup("spike");
  const { seen, counted } = await live(cgroup, [
    { until: 8 * MIB, seconds: 0.5 },
    { until: 8 * MIB, seconds: 14 },
    { until: 64 * MIB, seconds: 2 },
  ]);
  expect(seen.attributes).toMatchObject({ "oom.cause": "spike" });
  // On cgroup v1 nothing tells it that the limit was hit, unless it looked just before.
  expect(["spike", "unknown"]).toContain(counted.attributes["oom.cause"]);
});

test.concurrent(
  "a limit that is too low: it sits at nine tenths of it, and needs a little more",
  ATTEMPTS,
  async () => {
    const cgroup = makeCgroup("low");
    const told = await live(cgroup, [
      { until: 43 * MIB, seconds: 2 },
      { until: 43 * MIB, seconds: 18 },
    ]);
    const { attributes } = told.seen;
    expect(attributes).toMatchObject({ "oom.cause": "limit_too_low" });
    expect(attributes["oom.advice"]).toContain(
      `echo ${72 * MIB + 8 * MIB} > /sys/fs/cgroup/memory${cgroup.path}/memory.limit_in_bytes`,
    );
    expectSameButLessSure(told);
  },
);
