/**
 * 100,000 changes of 50 pods to one client: does memory stay flat? `node bench/kubernetes-api/changes.ts [CHANGES]`
 * prints a line for each tenth. V8's young generation is limited as for the outbox: it gives back late what it has.
 */
import { setTimeout } from "node:timers/promises";
import { startChild } from "./child.ts";

const CHANGES = Number(process.argv[2] ?? 100_000);

const server = startChild("server.ts");
const port = await server.ask<number>("port");
const client = startChild(
  "clients.ts",
  [`http://127.0.0.1:${port}`, "0", "1"],
  ["--expose-gc", "--max-semi-space-size=2"],
);
while ((await client.ask<number>("synced")) < 1) await setTimeout(10);

const startedMs = performance.now();
let told = 0;
for (let tenth = 1; tenth <= 10; tenth++) {
  await server.ask("change", CHANGES / 10);
  told += CHANGES / 10 + Math.ceil(CHANGES / 1000);
  while ((await client.ask<number>("changes")) < told) await setTimeout(10);
  const { rss, heapUsed } = await client.ask<{ rss: number; heapUsed: number }>("memory");
  const [resident, heap] = [rss, heapUsed].map((bytes) => (bytes / 1e6).toFixed(1));
  process.stdout.write(`${told} changes: ${resident} MB resident, ${heap} MB heap\n`);
}
process.stdout.write(`${(told / ((performance.now() - startedMs) / 1000)).toFixed(0)} changes/s\n`);
client.end();
server.end();
