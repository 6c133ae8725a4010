/** `simulated.ts PODS`: the agent's parts while so many pods of four cgroups come, are killed and go. A line of JSON a tenth. */
import { openChurningNode } from "../../test/churn/node.ts";

const TENTHS = 10;

const pods = Number(process.argv[2]);
const node = openChurningNode();
for (let tenth = 0; tenth <= TENTHS; tenth++) {
  if (tenth > 0) await node.churn(pods / TENTHS);
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  process.stdout.write(`${JSON.stringify({ pods: (pods * tenth) / TENTHS, kills: node.kills, rss, heapUsed })}\n`);
}
node.close();
process.exit(0);
