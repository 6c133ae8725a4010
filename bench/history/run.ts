/** What following the memory of 250 containers takes, on this kernel (cgroup v1): CPU, memory, and looks a second. */
import type { ChildProcess } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { openMemoryHistory } from "../../src/sources/memory-history/source.ts";
import { openTestCgroups, type TestCgroup, whyNoKills } from "../../test/kernel/cgroup-v1.ts";
import { startSleeper } from "../process.ts";
import { formatTable } from "../table.ts";

const CONTAINERS = 250;
const LIMIT = 64 * 1024 * 1024;
const SECONDS = 30;
/** Files are opened, rings made, what is new is looked at more often. */
const SETTLE_MS = 15_000;

const reason = whyNoKills();
if (reason !== undefined) throw new Error(`no memory cgroups here: ${reason}`);
const cgroups = openTestCgroups();
const sleepers: ChildProcess[] = [];
try {
  const containers = Array.from({ length: CONTAINERS }, (_, one) => cgroups.root.child(`container-${one}`, LIMIT));
  for (const { directory } of containers) sleepers.push(startSleeper(directory));
  await wait(1000);
  const rows = [["near their limit", "looks a second", "CPU", "a look", "memory", "a container"]];
  for (const near of [0, 25, CONTAINERS]) rows.push(await measure(containers, near));
  process.stdout.write(`${CONTAINERS} containers, ${SECONDS} s each:\n\n${formatTable(rows)}`);
} finally {
  for (const sleeper of sleepers) sleeper.kill("SIGKILL");
  await cgroups.remove();
}

function onTrouble(name: string, detail: object): void {
  process.stderr.write(`${name}: ${JSON.stringify(detail)}\n`);
}

/** @param near how many have a limit that is hardly more than what they use */
async function measure(containers: readonly TestCgroup[], near: number): Promise<string[]> {
  for (const [index, { directory }] of containers.entries()) setLimit(directory, index < near);
  const before = await readMemory();
  let looks = 0;
  const history = openMemoryHistory({ version: "v1", onSample: () => looks++, onTrouble });
  for (const { path, directory } of containers) history.found({ path, directory, isNew: false });
  await wait(SETTLE_MS);
  looks = 0;
  const started = process.cpuUsage();
  await wait(SECONDS * 1000);
  const { user, system } = process.cpuUsage(started);
  const bytes = (await readMemory()) - before;
  history.close();
  const cpu = (user + system) / 1e6 / SECONDS;
  return [
    String(near),
    (looks / SECONDS).toFixed(1),
    `${(cpu * 100).toFixed(2)} %`,
    `${((cpu / (looks / SECONDS)) * 1e6).toFixed(0)} µs`,
    `${(bytes / 1e6).toFixed(1)} MB`,
    `${(bytes / 1000 / CONTAINERS).toFixed(1)} kB`,
  ];
}

/** What the collector leaves; buffers go with its second round. @throws Error without --expose-gc */
async function readMemory(): Promise<number> {
  if (globalThis.gc === undefined) throw new Error("run it with --expose-gc");
  for (let round = 0; round < 3; round++) {
    globalThis.gc();
    await wait(100);
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** A sleeping process has a few hundred kilobytes: its limit is set just above. */
function setLimit(directory: string, isNear: boolean): void {
  const usage = Number(readFileSync(join(directory, "memory.usage_in_bytes"), "latin1"));
  const limit = isNear ? Math.floor(usage * 1.04 + 4096) : LIMIT;
  writeFileSync(join(directory, "memory.limit_in_bytes"), String(limit));
}
