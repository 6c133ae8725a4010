/** The agent as it runs, against this machine's kernel: real kills, and what a real OTLP receiver gets of them. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type OtlpReceiver, openOtlpReceiver, type ReceivedRecord } from "../otlp-receiver.ts";
import { type AgentProcess, startAgent } from "./agent-process.ts";
import { openTestCgroups, type TestCgroups, whyNoKills } from "./cgroup-v1.ts";
import { readKernelLog, readKillLine, sizeIn, waitForReportBudget, writeToKernelLog } from "./kernel-log.ts";
import { killChild, killOne, startVictim, type Victim } from "./kills.ts";

const MIB = 1024 * 1024;
const reason = whyNoKills();
if (reason !== undefined) process.stderr.write(`test/kernel/agent.test.ts is skipped: ${reason}\n`);

let cgroups: TestCgroups;
const agents: AgentProcess[] = [];
const receivers: OtlpReceiver[] = [];

beforeEach(({ skip }) => skip(reason !== undefined, reason));

beforeAll(() => {
  if (reason === undefined) cgroups = openTestCgroups();
});

afterAll(async () => {
  for (const agent of agents) agent.child.kill("SIGKILL");
  for (const receiver of receivers) await receiver.close();
  await cgroups?.remove();
});

async function openReceiver(...args: Parameters<typeof openOtlpReceiver>): Promise<OtlpReceiver> {
  const receiver = await openOtlpReceiver(...args);
  receivers.push(receiver);
  return receiver;
}

async function runAgent(receiver: OtlpReceiver, since: "boot" | "now"): Promise<AgentProcess> {
  const agent = startAgent(["--since", since], {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    K8S_NODE_NAME: "test-node",
    K8S_CLUSTER_NAME: "test-cluster",
  });
  agents.push(agent);
  await agent.logged("agent_started");
  return agent;
}

/** Other kills of this machine arrive as well: records are looked up by pid. */
function recordsOf(receiver: OtlpReceiver, pid: number): ReceivedRecord[] {
  return receiver.records().filter((record) => record.attributes["process.pid"] === pid);
}

async function recordOf(receiver: OtlpReceiver, pid: number): Promise<ReceivedRecord> {
  await expect.poll(() => recordsOf(receiver, pid).length, { timeout: 10_000 }).toBeGreaterThan(0);
  const [record, ...more] = recordsOf(receiver, pid);
  expect(more).toEqual([]);
  return record as ReceivedRecord;
}

describe("one agent, from its start to SIGTERM", () => {
  let receiver: OtlpReceiver;
  let agent: AgentProcess;
  /** of every kill that was made */
  const killed: number[] = [];

  beforeAll(async () => {
    if (reason !== undefined) return;
    receiver = await openReceiver();
    agent = await runAgent(receiver, "now");
  });

  test("a container at its limit: who, where, how much, when", async () => {
    await waitForReportBudget(1);
    const cgroup = cgroups.root.child("ordinary", 32 * MIB);
    const beforeMs = Date.now();
    const { pid } = await killOne(cgroup, { comm: "java", uid: 4_000_000_000, scoreAdj: 985 });
    const afterMs = Date.now();
    killed.push(pid);
    const record = await recordOf(receiver, pid);
    const line = readKillLine(pid) ?? "";
    expect(record).toMatchObject({ eventName: "oom.kill", severityText: "ERROR", severityNumber: 17 });
    expect(record.attributes).toMatchObject({
      "process.executable.name": "java",
      "process.user.id": 4_000_000_000,
      "oom.victim.cgroup": cgroup.path,
      "oom.limit.cgroup": cgroup.path,
      "oom.constraint": "memcg",
      "oom.attribution": "exact",
      "oom.origin": "kernel",
      "oom.group_kill": false,
      "oom.memory.limit": 32 * MIB,
      "oom.victim.total_vm": sizeIn(line, "total-vm"),
      "oom.victim.anon_rss": sizeIn(line, "anon-rss"),
      "oom.victim.file_rss": sizeIn(line, "file-rss"),
      "oom.victim.shmem_rss": sizeIn(line, "shmem-rss"),
      "oom.victim.pgtables": sizeIn(line, "pgtables"),
      "oom.victim.score_adj": 985,
      "oom.trigger.comm": expect.any(String),
      "oom.kernel.seq": Number(line.split(",")[1]),
      "oom.kernel.monotonic": Number(line.split(",")[2]) / 1e6,
      "log.record.original": expect.stringContaining(`Killed process ${pid} (java)`),
    });
    expect(record.attributes["oom.victim.anon_rss"]).toBeGreaterThan(16 * MIB);
    expect(record.attributes["oom.memory.usage"]).toBeGreaterThan(31 * MIB);
    const failcnt = /memory: usage .*failcnt (\d+)/.exec(String(record.attributes["log.record.original"]))?.[1];
    expect(record.attributes["oom.memory.failcnt"]).toBe(Number(failcnt));
    expect(record.resource).toMatchObject({
      "os.type": "linux",
      "k8s.node.name": "test-node",
      "k8s.cluster.name": "test-cluster",
    });
    const killedMs = Number(record.timeUnixNano / 1_000_000n);
    expect(killedMs).toBeGreaterThanOrEqual(beforeMs - 100);
    expect(killedMs).toBeLessThanOrEqual(afterMs + 100);
    expect(cgroup.oomKills()).toBe(1);
  });

  const names: [what: string, comm: string | Uint8Array, decoded: string][] = [
    ["like the rest of an oom-kill line", "x,pid=1,uid=0", "x,pid=1,uid=0"],
    ["like the rest of a kill line", "a) total-vm:1kB", "a) total-vm:1kB"],
    ["like a field of the report", "oom_memcg=/,tas", "oom_memcg=/,tas"],
    ["with a line break", "new\nline", "new\nline"],
    ["in UTF-8", "сервер", "сервер"],
    ["that is not UTF-8", Uint8Array.of(0x77, 0xff, 0xfe, 0x62), "w\ufffd\ufffdb"],
    ["with a backslash", "a\\x2db\\", "a\\x2db\\"],
    ["that is empty", "", ""],
  ];

  test.each(names)("a name %s", async (_, comm, decoded) => {
    await waitForReportBudget(1);
    const cgroup = cgroups.root.child(`name-${Buffer.from(comm as Uint8Array).toString("hex")}`, 32 * MIB);
    const { pid } = await killOne(cgroup, { comm, uid: 1234 });
    killed.push(pid);
    const { attributes } = await recordOf(receiver, pid);
    expect(attributes).toMatchObject({
      "process.executable.name": decoded,
      "process.user.id": 1234,
      "oom.victim.cgroup": cgroup.path,
      "oom.limit.cgroup": cgroup.path,
      "oom.memory.limit": 32 * MIB,
      "oom.victim.total_vm": sizeIn(readKillLine(pid) ?? "", "total-vm"),
    });
  });

  test("a child whose parent lives: the child is named, not the parent", async () => {
    await waitForReportBudget(1);
    const cgroup = cgroups.root.child("parent-lives", 64 * MIB);
    const { pid, parentPid } = await killChild(cgroup, { comm: "worker", scoreAdj: 500 });
    killed.push(pid);
    const { attributes } = await recordOf(receiver, pid);
    expect(attributes).toMatchObject({
      "process.executable.name": "worker",
      "oom.victim.cgroup": cgroup.path,
      "oom.victim.score_adj": 500,
      "oom.tasks.count": 2,
    });
    expect(recordsOf(receiver, parentPid)).toEqual([]);
    expect(cgroup.oomKills()).toBe(1);
  });

  test("a container of a pod, killed for the pod's limit", async () => {
    await waitForReportBudget(1);
    const podUid = "0f2a1d5c-7e64-4b0e-9d6b-3c2f1a5b7e90";
    const containerId = "5d1f".repeat(16);
    const pod = cgroups.root
      .child("kubepods")
      .child("burstable")
      .child(`pod${podUid}`, 32 * MIB);
    const container = pod.child(containerId);
    const { pid } = await killOne(container, { comm: "worker" });
    killed.push(pid);
    const { resource, attributes } = await recordOf(receiver, pid);
    expect(resource).toMatchObject({ "k8s.pod.uid": podUid, "container.id": containerId });
    expect(attributes).toMatchObject({
      "oom.victim.cgroup": container.path,
      "oom.limit.cgroup": pod.path,
      "oom.scope": "pod",
      "oom.memory.limit": 32 * MIB,
    });
  });

  test("what programs write into the kernel's log is no kill", async () => {
    await waitForReportBudget(1);
    const summary =
      "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/spoof,task_memcg=/spoof";
    writeToKernelLog("<4>spoof invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0");
    writeToKernelLog(`<6>${summary},task=spoof,pid=4194000,uid=0`);
    writeToKernelLog(
      "<3>Memory cgroup out of memory: Killed process 4194000 (spoof) total-vm:1kB, anon-rss:1kB, file-rss:1kB, " +
        "shmem-rss:0kB, UID:0 pgtables:1kB oom_score_adj:0",
    );
    expect(readKernelLog().filter((record) => record.includes("4194000")).length).toBeGreaterThanOrEqual(2);
    // What comes after them has been read when this has arrived.
    const { pid } = await killOne(cgroups.root.child("after", 32 * MIB));
    killed.push(pid);
    await recordOf(receiver, pid);
    expect(recordsOf(receiver, 4_194_000)).toEqual([]);
    expect(receiver.records().filter(({ body }) => String(body).includes("spoof"))).toEqual([]);
  });

  test("a burst of kills, most of which the kernel gives no report", async () => {
    const cgroup = cgroups.root.child("burst", 32 * MIB);
    const victims: Victim[] = [];
    for (let index = 0; index < 30; index++) victims.push(await startVictim(cgroup, { comm: `burst-${index}` }));
    await Promise.all(victims.map((victim) => victim.kill()));
    killed.push(...victims.map(({ pid }) => pid));
    expect(cgroup.oomKills()).toBe(30);
    for (const [index, { pid }] of victims.entries()) {
      const { attributes } = await recordOf(receiver, pid);
      expect(attributes["process.executable.name"]).toBe(`burst-${index}`);
      // Which cgroup a kill without a report was in the log does not tell: no guess may be wrong.
      expect([cgroup.path, undefined]).toContain(attributes["oom.victim.cgroup"]);
      expect(attributes["oom.victim.anon_rss"]).toBe(sizeIn(readKillLine(pid) ?? "", "anon-rss"));
    }
  });

  test("SIGTERM: the kill of just now is sent, and the process ends with status 0", async () => {
    const { pid } = await killOne(cgroups.root.child("last", 32 * MIB), { comm: "last" });
    await expect.poll(() => readKillLine(pid), { interval: 5 }).toBeDefined();
    killed.push(pid);
    expect(await agent.stop("SIGTERM")).toEqual({ status: 0, signal: null });
    expect(agent.log.at(-1)).toMatchObject({ event: "agent_stopped", rejected: 0, waiting: 0 });
    for (const one of killed) expect([one, recordsOf(receiver, one).length]).toEqual([one, 1]);
    const uids = killed.map((one) => recordsOf(receiver, one)[0]?.attributes["log.record.uid"]);
    expect(new Set(uids).size).toBe(killed.length);
  });
});

describe("kills from before the start", () => {
  test("since boot: they are reported, by each start with the same log.record.uid", async () => {
    await waitForReportBudget(2);
    const cgroup = cgroups.root.child("before", 32 * MIB);
    const pids = [(await killOne(cgroup, { comm: "one" })).pid, (await killOne(cgroup, { comm: "two" })).pid];
    await expect.poll(() => readKillLine(pids[1] ?? 0), { interval: 5 }).toBeDefined();
    const starts: ReceivedRecord[][] = [];
    for (let start = 0; start < 2; start++) {
      const receiver = await openReceiver();
      const agent = await runAgent(receiver, "boot");
      const records: ReceivedRecord[] = [];
      for (const pid of pids) records.push(await recordOf(receiver, pid));
      starts.push(records);
      expect(await agent.stop("SIGINT")).toEqual({ status: 0, signal: null });
    }
    const [first = [], second = []] = starts;
    expect(first.map(({ attributes }) => attributes["process.executable.name"])).toEqual(["one", "two"]);
    for (const [index, { attributes }] of first.entries()) {
      expect(attributes["log.record.uid"]).toMatch(/^[0-9a-f]{32}$/);
      expect(second[index]?.attributes["log.record.uid"]).toBe(attributes["log.record.uid"]);
    }
  });

  test("since now: they are not", async () => {
    await waitForReportBudget(2);
    const cgroup = cgroups.root.child("since-now", 32 * MIB);
    const before = await killOne(cgroup, { comm: "before" });
    // The last lines before the start may count as new: these are not the last.
    await new Promise((resolve) => setTimeout(resolve, 500));
    writeToKernelLog("<6>oomscribe-test: another line");
    const receiver = await openReceiver();
    const agent = await runAgent(receiver, "now");
    const after = await killOne(cgroup, { comm: "after" });
    await recordOf(receiver, after.pid);
    expect(recordsOf(receiver, before.pid)).toEqual([]);
    await agent.stop();
  });
});

describe("it ends", () => {
  const running: AgentProcess[] = [];

  afterEach(() => {
    for (const agent of running.splice(0)) agent.child.kill("SIGKILL");
  });

  test("with status 0 though the backend does not answer, and says what was not delivered", async () => {
    const receiver = await openReceiver({ respond: () => ({ hang: true }) });
    const agent = await runAgent(receiver, "now");
    const { pid } = await killOne(cgroups.root.child("hang", 32 * MIB));
    await expect.poll(() => receiver.requests().length, { timeout: 10_000 }).toBeGreaterThan(0);
    expect(pid).toBeGreaterThan(0);
    expect(await agent.stop()).toEqual({ status: 0, signal: null });
    const stopped = agent.log.at(-1);
    expect(stopped).toMatchObject({ event: "agent_stopped", delivered: 0 });
    expect(stopped?.["waiting"]).toBeGreaterThan(0);
  });

  test.each([
    ["no such file", ["--kmsg", "/nonexistent/kmsg"], "ENOENT"],
    ["not the device", ["--kmsg", "/dev/null"], "not the kernel's log"],
  ])("with status 1 and advice where neither log nor counters can be read: %s", async (_, args, advice) => {
    const agent = startAgent(["--since", "now", "--stdout", "--host-root", "/nonexistent", ...args]);
    running.push(agent);
    expect(await agent.ended).toEqual({ status: 1, signal: null });
    expect(agent.log.find(({ event }) => event === "kmsg_open_failed")?.["error"]).toContain(advice);
    expect(agent.log.some(({ event }) => event === "memory_counters_open_failed")).toBe(true);
  });
});
