/** The agent as those who run it see it: metrics and probes over HTTP, SIGHUP, several endpoints; with real kills. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type OtlpReceiver, openOtlpReceiver } from "../otlp-receiver.ts";
import { type AgentProcess, startAgent } from "./agent-process.ts";
import { whyNoCompiler } from "./c-program.ts";
import { openTestCgroups, type TestCgroups, whyNoKills } from "./cgroup-v1.ts";
import { type Hogs, openHogs } from "./hogs.ts";

const MIB = 1024 * 1024;
const reason = whyNoKills() ?? whyNoCompiler();
if (reason !== undefined) process.stderr.write(`test/kernel/agent-operation.test.ts is skipped: ${reason}\n`);

let cgroups: TestCgroups;
let hogs: Hogs;
let folder: string;
let kills = 0;
const agents: AgentProcess[] = [];
const receivers: OtlpReceiver[] = [];

beforeEach(({ skip }) => {
  skip(reason !== undefined, reason);
  folder = mkdtempSync(join(tmpdir(), "oomscribe-operation-"));
});

beforeAll(() => {
  if (reason !== undefined) return;
  cgroups = openTestCgroups();
  hogs = openHogs();
});

afterEach(async () => {
  for (const agent of agents.splice(0)) agent.child.kill("SIGKILL");
  for (const receiver of receivers.splice(0)) await receiver.close();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

afterAll(async () => {
  await cgroups?.remove();
  hogs?.remove();
});

async function openReceiver(): Promise<OtlpReceiver> {
  const receiver = await openOtlpReceiver();
  receivers.push(receiver);
  return receiver;
}

async function run(args: string[]): Promise<{ agent: AgentProcess; url: string }> {
  const agent = startAgent([
    "--since",
    "now",
    "--listen",
    "127.0.0.1:0",
    "--state-dir",
    join(folder, "state"),
    ...args,
  ]);
  agents.push(agent);
  const { listen } = await agent.logged("agent_started");
  return { agent, url: String(listen) };
}

const kill = (): Promise<number> => hogs.kill(cgroups.root.child(`operation-${kills++}`, 16 * MIB), "hog");

async function hasArrived(receiver: OtlpReceiver, pid: number): Promise<void> {
  const arrived = () => receiver.records().some(({ attributes }) => attributes["process.pid"] === pid);
  await expect.poll(arrived, { timeout: 20_000 }).toBe(true);
}

/** Sum of a metric over its labels. */
async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const lines = text.split("\n").filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
}

const status = async (url: string, path: string): Promise<number> => (await fetch(`${url}${path}`)).status;

test("metrics and probes, and kills that go on being counted after a restart", async () => {
  const receiver = await openReceiver();
  const first = await run(["--otlp", receiver.url]);
  await expect.poll(() => status(first.url, "/readyz"), { timeout: 10_000 }).toBe(200);
  expect(await status(first.url, "/healthz")).toBe(200);
  await hasArrived(receiver, await kill());
  const told = await metric(first.url, "oomscribe_kills_total");
  expect(told).toBeGreaterThanOrEqual(1);
  await expect.poll(() => metric(first.url, "oomscribe_records_sent_total"), { timeout: 10_000 }).toBeGreaterThan(0);
  expect(await metric(first.url, "oomscribe_kernel_log_records_read_total")).toBeGreaterThan(0);
  expect(await metric(first.url, "oomscribe_source_up")).toBeGreaterThanOrEqual(2);
  expect(await metric(first.url, "oomscribe_cgroups_followed")).toBeGreaterThan(0);
  expect(await first.agent.stop()).toEqual({ status: 0, signal: null });

  const second = await run(["--otlp", receiver.url]);
  expect(await metric(second.url, "oomscribe_kills_total")).toBeGreaterThanOrEqual(told);
  await hasArrived(receiver, await kill());
  expect(await metric(second.url, "oomscribe_kills_total")).toBeGreaterThanOrEqual(told + 1);
});

test("two endpoints, and SIGHUP sends to another", async () => {
  const [one, two, three] = [await openReceiver(), await openReceiver(), await openReceiver()];
  const config = join(folder, "config.yaml");
  writeFileSync(config, `otlp: [${one.url}, ${two.url}]\n`);
  const { agent } = await run(["--config", config]);
  const before = await kill();
  await hasArrived(one, before);
  await hasArrived(two, before);

  writeFileSync(config, `otlp: [${one.url}, ${three.url}]\notlp-headers: {key: new}\n`);
  agent.child.kill("SIGHUP");
  await agent.logged("config_reloaded");
  const after = await kill();
  await hasArrived(one, after);
  await hasArrived(three, after);
  expect(three.requests().at(-1)?.headers["key"]).toBe("new");

  writeFileSync(config, "otpl: typo\n");
  agent.child.kill("SIGHUP");
  expect((await agent.logged("config_reload_failed"))["error"]).toMatch(/did you mean otlp\?/);
  await hasArrived(three, await kill());
  expect(await agent.stop()).toEqual({ status: 0, signal: null });
});

test("an address that is taken: it does not start, and says what to do", async () => {
  const { url } = await run(["--otlp", "http://127.0.0.1:9"]);
  const other = startAgent(["--listen", new URL(url).host, "--otlp", "http://127.0.0.1:9"]);
  agents.push(other);
  expect(await other.ended).toEqual({ status: 1, signal: null });
  expect(other.log.find(({ event }) => event === "agent_start_failed")?.["error"]).toMatch(/set listen to another/);
});
