/** `child.ts PODS`: what the agent's parts hold after some pods came and went, and after PODS more. Prints JSON. */

import { type Heap, readHeap } from "./heap.ts";
import { openChurningNode } from "./node.ts";

/** So many that whatever is full at some time is full. */
const FIRST = 5000;
const MIN_BYTES = 1024;

export interface ChurnResult {
  before: Heap;
  after: Heap;
  kills: number;
}

const node = openChurningNode();
await node.churn(FIRST);
await node.rest();
const before = await readHeap(MIN_BYTES);
await node.churn(Number(process.argv[2]));
await node.rest();
const after = await readHeap(MIN_BYTES);
const result: ChurnResult = { before, after, kills: node.kills };
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
