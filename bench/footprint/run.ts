/** What the agent takes of a node on which nothing happens: memory, CPU, and how soon it reads. `[-- MINUTES [FLAG…]]` */
import type { ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildProgram } from "../../scripts/build.ts";
import { openCertificates } from "../../test/certificates.ts";
import { openTestCgroups, type TestCgroups, whyNoKills } from "../../test/kernel/cgroup-v1.ts";
import { type KubeApi, openKubeApi, type TestPod } from "../../test/kube-api.ts";
import { openOtlpReceiver } from "../../test/otlp-receiver.ts";
import { startSleeper } from "../process.ts";
import { formatTable } from "../table.ts";
import { readImage } from "./image.ts";
import { type Footprint, startProgram } from "./program.ts";

/** The kubelet's own limit of pods, and two containers in each. */
const PODS = 110;
const CONTAINERS = 2;
const LIMIT = 64 * 1024 * 1024;
/** What is done once, at the start, is not idle. */
const SETTLE_MS = 20_000;
const STARTS = 10;
const SAMPLE = new URL("../../test/kubernetes/deployment-pods.json", import.meta.url);
const sample = JSON.parse(readFileSync(SAMPLE, "utf8")).items[0];

const [minutes = "10", ...moreFlags] = process.argv.slice(2);
const forMs = Number(minutes) * 60_000;
if (!(forMs > 0)) throw new Error(`${minutes} minutes: write how long, such as 10`);
const reason = whyNoKills();
if (reason !== undefined) throw new Error(`no node can be made here: ${reason}`);

const killsBefore = readOomKills();
const folder = mkdtempSync(join(tmpdir(), "oomscribe-footprint-"));
const cgroups = openTestCgroups();
const sleepers: ChildProcess[] = [];
try {
  makeContainers(cgroups);
  const program = join(folder, "oomscribe.mjs");
  await buildProgram(program);
  const image = readImage();
  const flags = [...image.flags, ...moreFlags];
  const empty = await measureEmpty();
  process.stdout.write(
    `${PODS} pods with ${CONTAINERS} containers each, ${minutes} minutes, ${JSON.stringify(image.env)}, node ${flags.join(" ")}:\n\n`,
  );
  const rows = [
    ["", "RSS", "of an empty Node", "PSS", "anonymous", "CPU of a core", "first read", "ready"],
    toRow("empty Node", empty, empty),
  ];
  for (const withApi of [false, true]) {
    const { footprint, starts } = await measureAgent(program, { ...image, flags }, withApi);
    const name = withApi ? "the agent, with the Kubernetes API" : "the agent, with names from files";
    rows.push(toRow(name, footprint, empty, starts));
  }
  rows.push(["node-problem-detector: its DaemonSet's limit", toMb(80 * 1024 * 1024), "", "", "", "1.00 %", "", ""]);
  process.stdout.write(formatTable(rows));
  const kills = readOomKills() - killsBefore;
  if (kills > 0)
    process.stdout.write(`\nNot idle: ${kills} processes were killed on this machine meanwhile. Measure again.\n`);
} finally {
  for (const sleeper of sleepers) sleeper.kill("SIGKILL");
  await cgroups.remove();
  rmSync(folder, { recursive: true });
}

/** The node's own count: kills, whoever has made them, are work for the agent. Since Linux 4.13. */
function readOomKills(): number {
  return Number(/^oom_kill (\d+)$/m.exec(readFileSync("/proc/vmstat", "utf8"))?.[1] ?? 0);
}

/** As the kubelet and containerd name them (cgroupfs driver). */
function makeContainers({ root }: TestCgroups): void {
  const pods = root.child("kubepods").child("burstable");
  for (let pod = 0; pod < PODS; pod++) {
    const cgroup = pods.child(`pod${toUid(pod)}`);
    for (let one = 0; one < CONTAINERS; one++) {
      sleepers.push(startSleeper(cgroup.child(toContainerId(pod, one), LIMIT).directory));
    }
  }
}

function toUid(pod: number): string {
  return `00000000-0000-4000-8000-${pod.toString(16).padStart(12, "0")}`;
}

function toContainerId(pod: number, one: number): string {
  return (pod * CONTAINERS + one).toString(16).padStart(64, "0");
}

async function measureEmpty(): Promise<Footprint> {
  const program = startProgram([process.execPath, "-e", "setInterval(() => {}, 1e9)"], {});
  const footprint = await program.measure(SETTLE_MS, Math.min(forMs, 60_000));
  await program.stop();
  return footprint;
}

interface Starts {
  firstReadMs: number;
  readyMs: number;
}

async function measureAgent(
  program: string,
  { flags, env }: ReturnType<typeof readImage>,
  withApi: boolean,
): Promise<{ footprint: Footprint; starts: Starts }> {
  const receiver = await openOtlpReceiver();
  const api = withApi ? await openNodeApi() : undefined;
  const port = await findFreePort();
  const node = [process.execPath, ...flags, program, "agent", "--since", "now", "--otlp", receiver.url] as const;
  const own = ["--state-dir", join(folder, `state-${withApi}`), "--listen", `127.0.0.1:${port}`];
  const command: [string, ...string[]] = api === undefined ? [...node, ...own] : [...api.wrap, ...node, ...own];
  const start = () => startProgram(command, { PATH: process.env["PATH"], ...env, ...api?.env });
  try {
    const starts: Starts[] = [];
    for (let round = 0; round < STARTS; round++) {
      const agent = start();
      const readyMs = await agent.untilOk(`http://127.0.0.1:${port}/readyz`);
      starts.push({ firstReadMs: await agent.untilEvent("kmsg_opened"), readyMs });
      await agent.stop();
    }
    const agent = start();
    await agent.untilEvent(withApi ? "kubernetes_synced" : "agent_started");
    const footprint = await agent.measure(SETTLE_MS, forMs);
    await agent.stop();
    return { footprint, starts: median(starts) };
  } finally {
    await api?.close();
    await receiver.close();
  }
}

interface NodeApi {
  /** what the agent is started by: in a mount namespace of its own with a service account, as a pod has one */
  wrap: [string, ...string[]];
  env: Record<string, string>;
  close(): Promise<void>;
}

async function openNodeApi(): Promise<NodeApi> {
  const keys = join(folder, "keys");
  mkdirSync(keys, { recursive: true });
  const certificates = openCertificates(keys);
  certificates.makeAuthority("ca");
  certificates.make("server", "ca");
  writeFileSync(join(keys, "token"), "token");
  const tls = { key: certificates.read("server.key"), cert: certificates.read("server.pem") };
  const api: KubeApi = await openKubeApi({ tls });
  for (let pod = 0; pod < PODS; pod++) api.set(makePod(pod));
  api.objects.set("/api/v1/nodes/node-1", { kind: "Node", metadata: { name: "node-1" } });
  const account = "/run/secrets/kubernetes.io/serviceaccount";
  const script = `mount -t tmpfs none /run && mkdir -p ${account} && cp ${keys}/token ${account}/ && cp ${keys}/ca.pem ${account}/ca.crt && exec "$@"`;
  return {
    wrap: ["unshare", "--mount", "sh", "-c", script, "sh"],
    env: { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: String(api.port), NODE_NAME: "node-1" },
    close: () => api.close(),
  };
}

/** A real pod, with names and containers of this one. */
function makePod(pod: number): TestPod {
  const name = `checkout-54b94897df-${pod}`;
  const containers = Array.from({ length: CONTAINERS }, (_, one) => ({
    ...sample.spec.containers[0],
    name: `c${one}`,
  }));
  const statuses = containers.map(({ name }, one) => ({
    ...sample.status.containerStatuses[0],
    name,
    containerID: `containerd://${toContainerId(pod, one)}`,
  }));
  return {
    ...sample,
    metadata: { ...sample.metadata, name, uid: toUid(pod) },
    spec: { ...sample.spec, nodeName: "node-1", containers },
    status: { ...sample.status, containerStatuses: statuses },
  };
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

function median(starts: readonly Starts[]): Starts {
  const middle = (values: number[]) => values.toSorted((one, other) => one - other)[values.length >> 1] ?? 0;
  return {
    firstReadMs: middle(starts.map(({ firstReadMs }) => firstReadMs)),
    readyMs: middle(starts.map(({ readyMs }) => readyMs)),
  };
}

function toMb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function toRow(name: string, { rss, pss, anonymous, cpu }: Footprint, empty: Footprint, starts?: Starts): string[] {
  return [
    name,
    toMb(rss),
    `${(rss / empty.rss).toFixed(2)}×`,
    toMb(pss),
    toMb(anonymous),
    `${(cpu * 100).toFixed(2)} %`,
    starts === undefined ? "" : `${starts.firstReadMs.toFixed(0)} ms`,
    starts === undefined ? "" : `${starts.readyMs.toFixed(0)} ms`,
  ];
}
