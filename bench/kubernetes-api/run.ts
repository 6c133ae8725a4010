/**
 * What agents cost an API server: `node bench/kubernetes-api/run.ts [NODES] [IDLE_SECONDS]`. Each node's client is the
 * agent's own over a real socket; the server is a simulation that counts. Bytes are those of bodies, without headers and
 * TLS.
 */
import { setTimeout } from "node:timers/promises";
import { formatTable } from "../table.ts";
import { type Child, startChild } from "./child.ts";
import type { AnswerBytes, ServerCounts } from "./server.ts";

const NODES = Number(process.argv[2] ?? 500);
const IDLE_SECONDS = Number(process.argv[3] ?? 660);
const PODS = 30;
const PROCESSES = 2;
const BOOKMARK_SECONDS = 60;
const DOWN_SECONDS = 10;

const rows = [["", "list", "watch", "get", "lists/s at most", "watches/s at most", "MB", "connections", "seconds"]];
const server = startChild("server.ts");
const port = await server.ask<number>("port");
await server.ask("populate", { nodes: NODES, pods: PODS });
const bytes = await server.ask<AnswerBytes>("answerBytes");

const processes: Child[] = [];
await phase("start, all at once", async () => {
  const each = Math.ceil(NODES / PROCESSES);
  for (let from = 0; from < NODES; from += each) {
    const count = Math.min(each, NODES - from);
    processes.push(startChild("clients.ts", [`http://127.0.0.1:${port}`, String(from), String(count)]));
  }
  await untilSynced();
});
await phase(`${IDLE_SECONDS} s idle, a bookmark a minute`, async () => {
  for (let second = 0; second < IDLE_SECONDS; second += BOOKMARK_SECONDS) {
    await server.ask("bookmark");
    await setTimeout(Math.min(BOOKMARK_SECONDS, IDLE_SECONDS - second) * 1000);
  }
});
await phase("a kill on every node, the owner not known yet", killEverywhere);
await phase("another kill on every node", killEverywhere);
await server.ask("stop");
await setTimeout(DOWN_SECONDS * 1000);
await phase(`an API server that was away for ${DOWN_SECONDS} s`, async () => {
  await server.ask("start", port);
  await server.ask("populate", { nodes: NODES, pods: PODS });
  await untilSynced();
});
for (const child of [...processes, server]) child.end();
process.stdout.write(
  `${NODES} nodes of ${PODS} pods, ${bytes.pod} bytes a pod, ${bytes.node} a node, ${bytes.autoscalers} a list of autoscalers, ${bytes.events} one of events:\n\n${formatTable(rows)}`,
);

async function phase(name: string, work: () => Promise<void>): Promise<void> {
  await server.ask("startCounting");
  const startedMs = performance.now();
  await work();
  const seconds = (performance.now() - startedMs) / 1000;
  const { requests, peak, bytes: sent, connections } = await server.ask<ServerCounts>("counts");
  const figures = [requests.list, requests.watch, requests.get, peak.list, peak.watch];
  rows.push([name, ...figures.map(String), (sent / 1e6).toFixed(2), String(connections), seconds.toFixed(1)]);
}

async function killEverywhere(): Promise<void> {
  const before = await sum("changes");
  for (let node = 0; node < NODES; node++) await server.ask("kill", node);
  await Promise.all(processes.map((child) => child.ask("owners")));
  while ((await sum("scaled")) < NODES) await setTimeout(50);
  while ((await sum("noted")) < NODES) await setTimeout(50);
  while ((await sum("changes")) < before + 2 * NODES) await setTimeout(50);
}

async function untilSynced(): Promise<void> {
  while ((await sum("synced")) < NODES || (await sum("nodes")) < NODES) await setTimeout(50);
}

async function sum(question: string): Promise<number> {
  const answers = await Promise.all(processes.map((child) => child.ask<number>(question)));
  return answers.reduce((a, b) => a + b, 0);
}
