/** What the agent holds while cgroups come and go without end: real ones, then simulated ones with kills. `[-- REAL SIMULATED [FLAG…]]` */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { buildProgram } from "../../scripts/build.ts";
import { openTestCgroups, whyNoKills } from "../../test/kernel/cgroup-v1.ts";
import { readImage } from "../footprint/image.ts";
import { startProgram } from "../footprint/program.ts";
import { readCpuMs } from "../process.ts";
import { formatTable } from "../table.ts";

/** Pods that are there at a time, with one container each. */
const ALIVE = 100;
/** Made a second at most: a node's runtime makes some dozens. */
const PER_SECOND = 400;
/** Made in a row; then the agent has its turn. */
const IN_A_ROW = 20;
const TENTHS = 10;
/** Of a simulated pod: test/churn/node.ts, which takes all clocks of its process. */
const CGROUPS = 4;

const [real = "50000", simulated = "150000", ...moreFlags] = process.argv.slice(2);
const image = readImage();
const flags = [...image.flags, ...moreFlags];
const env = { PATH: process.env["PATH"], ...image.env };
if (!(Number(real) >= 0 && Number(simulated) >= 0)) throw new Error("write how many cgroups, such as 50000 150000");
if (Number(real) > 0) process.stdout.write(`${real} real cgroups:\n\n${formatTable(await runReal(Number(real)))}\n`);
if (Number(simulated) > 0) {
  const rows = await runSimulated(Number(simulated) / CGROUPS);
  process.stdout.write(`${simulated} simulated cgroups, a kill in every fourth one:\n\n${formatTable(rows)}`);
}

/** The agent as it is shipped, beside a runtime that makes and removes cgroups (v1). */
async function runReal(count: number): Promise<string[][]> {
  const reason = whyNoKills();
  if (reason !== undefined) throw new Error(`no memory cgroups here: ${reason}`);
  const folder = mkdtempSync(join(tmpdir(), "oomscribe-churn-"));
  const program = join(folder, "oomscribe.mjs");
  await buildProgram(program);
  const cgroups = openTestCgroups();
  const pods = cgroups.root.child("kubepods").child("burstable").directory;
  const port = 20_000 + (process.pid % 10_000);
  const agent = startProgram(
    [process.execPath, ...flags, program, "agent", "--stdout", "--since", "now", "--listen", `127.0.0.1:${port}`],
    env,
  );
  const alive: string[] = [];
  const rows = [["cgroups made", "RSS", "watched", "a second", "CPU of a core"]];
  try {
    await agent.untilEvent("agent_started");
    let made = 0;
    for (let tenth = 0; tenth <= TENTHS; tenth++) {
      const startedMs = performance.now();
      const cpuMs = readCpuMs(agent.pid);
      const before = made;
      while (made < (count * tenth) / TENTHS) {
        for (let row = 0; row < IN_A_ROW; row += 2, made += 2) alive.push(makePod(pods, made));
        while (alive.length > ALIVE) removePod(alive.shift() ?? "");
        await wait((IN_A_ROW / PER_SECOND) * 1000);
      }
      // What is read late is read.
      await wait(3000);
      const seconds = (performance.now() - startedMs) / 1000;
      rows.push([
        String(made),
        toMb(readRss(agent.pid)),
        await readMetric(port, "oomscribe_cgroups_followed"),
        ((made - before) / seconds).toFixed(0),
        `${((readCpuMs(agent.pid) - cpuMs) / seconds / 10).toFixed(1)} %`,
      ]);
    }
    return rows;
  } finally {
    await agent.stop();
    for (const pod of alive) removePod(pod);
    await cgroups.remove();
    rmSync(folder, { recursive: true });
  }
}

/** @returns its directory */
function makePod(pods: string, index: number): string {
  const uid = `00000000-0000-4000-8000-${index.toString(16).padStart(12, "0")}`;
  const directory = join(pods, `pod${uid}`, index.toString(16).padStart(64, "0"));
  mkdirSync(directory, { recursive: true });
  return directory;
}

function removePod(container: string): void {
  rmdirSync(container);
  rmdirSync(join(container, ".."));
}

async function readMetric(port: number, name: string): Promise<string> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1] ?? "?";
}

/** The agent's parts, with a clock of their own: at this speed the heap is measured after a garbage collection. */
async function runSimulated(pods: number): Promise<string[][]> {
  const program = fileURLToPath(new URL("simulated.ts", import.meta.url));
  const child = spawn(process.execPath, [...flags, "--expose-gc", program, String(pods)], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const rows = [["cgroups", "pods", "kills reported", "RSS", "heap"]];
  for await (const line of createInterface(child.stdout)) {
    const { pods, kills, rss, heapUsed } = JSON.parse(line);
    rows.push([String(CGROUPS * pods), String(pods), String(kills), toMb(rss), toMb(heapUsed)]);
  }
  return rows;
}

function readRss(pid: number | undefined): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
}

function toMb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
