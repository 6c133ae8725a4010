/**
 * SIGKILL at any instant, again and again, while real kills go on and the backend fails a third of the requests: every
 * kill arrives, and what arrives twice is the same record.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Answer, type OtlpReceiver, openOtlpReceiver, type ReceivedRecord } from "../otlp-receiver.ts";
import { type AgentProcess, startAgent } from "./agent-process.ts";
import { whyNoCompiler } from "./c-program.ts";
import { openTestCgroups, type TestCgroups, whyNoKills } from "./cgroup-v1.ts";
import { type Hogs, openHogs } from "./hogs.ts";

const MIB = 1024 * 1024;
const ROUNDS = Number(process.env["OOMSCRIBE_TEST_CRASH_ROUNDS"] ?? 20);
/** After its start. */
const MAX_LIFE_MS = 1500;
/** A third of the requests fail; of one the records have arrived all the same. Others are answered late. */
const ANSWERS: readonly Answer[] = [{}, { afterMs: 100 }, { status: 503 }, {}, { lost: true }, { afterMs: 300 }];
/** The kernel's log still holds the kills of runs before; with a number, a name has 15 bytes at most. */
const RUN = `c${randomBytes(3).toString("hex")}-`;
const reason = whyNoKills() ?? whyNoCompiler();
if (reason !== undefined) process.stderr.write(`test/kernel/crash.test.ts is skipped: ${reason}\n`);

let cgroups: TestCgroups;
let hogs: Hogs;
let receiver: OtlpReceiver;
const folder = mkdtempSync(join(tmpdir(), "oomscribe-crash-"));
const agents: AgentProcess[] = [];

beforeEach(({ skip }) => skip(reason !== undefined, reason));

beforeAll(async () => {
  if (reason !== undefined) return;
  cgroups = openTestCgroups();
  hogs = openHogs();
  receiver = await openOtlpReceiver({
    respond: (_, index) => ANSWERS[index % ANSWERS.length],
  });
});

afterAll(async () => {
  for (const agent of agents) agent.child.kill("SIGKILL");
  await receiver?.close();
  await cgroups?.remove();
  hogs?.remove();
  rmSync(folder, { recursive: true, force: true });
});

function start(): AgentProcess {
  const args = ["--since", "boot", "--state-dir", folder, "--otlp", receiver.url, "--listen", "127.0.0.1:0"];
  const agent = startAgent(args);
  agents.push(agent);
  return agent;
}

/** Path of the victim's cgroup, of which each has one of its own → its name. */
const killed = new Map<string, string>();

async function killUntil(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const name = `${RUN}${killed.size}`;
    const cgroup = cgroups.root.child(name, 8 * MIB);
    await hogs.kill(cgroup, name);
    killed.set(cgroup.path, name);
    await sleep(Math.random() * 300);
  }
}

const uidOf = ({ attributes }: ReceivedRecord): string => String(attributes["log.record.uid"]);
/** A kill that only a counter told has no name of its own. */
const nameOf = ({ attributes }: ReceivedRecord): string =>
  killed.get(String(attributes["oom.victim.cgroup"] ?? attributes["oom.counter.cgroup"])) ??
  String(attributes["process.executable.name"]);

/** Sum of a metric over its labels. */
async function metric(url: unknown, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const lines = text.split("\n").filter((line) => line.startsWith(`${name}{`));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
}

test(`${ROUNDS} times: every kill arrives, and none as two`, { timeout: 120_000 + ROUNDS * 5000 }, async () => {
  const stop = new AbortController();
  const killing = killUntil(stop.signal);
  let startMs = 1000;
  for (let round = 0; round < ROUNDS; round++) {
    const agent = start();
    if (round % 2 === 0) {
      const spawnedMs = performance.now();
      await agent.logged("agent_started");
      startMs = performance.now() - spawnedMs;
      await sleep(Math.random() * MAX_LIFE_MS);
    } else {
      // While it starts. Not every time: the kernel's own log holds what happens meanwhile for some seconds only.
      await sleep(Math.random() * startMs);
    }
    agent.child.kill("SIGKILL");
    expect(await agent.ended).toEqual({ status: null, signal: "SIGKILL" });
  }
  stop.abort();
  await killing;
  expect(killed.size).toBeGreaterThan(ROUNDS);

  const last = start();
  const { listen } = await last.logged("agent_started");
  const missing = (): string[] => {
    const arrived = new Set(receiver.records().map(nameOf));
    const names = [...killed.values()].filter((name) => !arrived.has(name));
    // Where somebody else floods the log, it may be over what the agent can know.
    const gaps = receiver.records().filter(({ eventName }) => eventName === "oom.kernel_log.gap");
    return names.length === 0 ? [] : [...names, ...gaps.map(({ body }) => String(body))];
  };
  await expect.poll(missing, { timeout: 60_000, interval: 200 }).toEqual([]);
  // What has arrived, but whose answer was lost, goes out again.
  await expect.poll(() => metric(listen, "oomscribe_outbox_records"), { timeout: 30_000 }).toBe(0);
  const counted = await metric(listen, "oomscribe_kills_total");
  expect(await last.stop()).toEqual({ status: 0, signal: null });
  expect(last.log.at(-1)).toMatchObject({ event: "agent_stopped", waiting: 0 });

  // By cgroup too: a kill that a counter told must not be there beside the one that the log told.
  const kills = receiver.records().filter(({ eventName }) => eventName === "oom.kill");
  const uids = new Map<string, Set<string>>();
  for (const record of kills) {
    const name = nameOf(record);
    if (!name.startsWith(RUN)) continue;
    uids.set(name, (uids.get(name) ?? new Set()).add(uidOf(record)));
  }
  expect([...uids].filter(([, ofOne]) => ofOne.size > 1)).toEqual([]);
  expect(new Set([...uids.values()].flatMap((ofOne) => [...ofOne])).size).toBe(killed.size);
  const distinct = new Set(kills.map(uidOf)).size;
  // Each counted once, however often it was read again; this machine may have made another kill just now.
  expect(counted).toBeGreaterThanOrEqual(killed.size);
  expect(counted).toBeLessThanOrEqual(distinct);
  process.stderr.write(
    `test/kernel/crash.test.ts: ${killed.size} kills, ${kills.length} records of ${distinct} kills, ` +
      `${receiver.requests().length} requests\n`,
  );
});
