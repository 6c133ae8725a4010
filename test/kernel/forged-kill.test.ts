/**
 * A user who makes the kernel itself quote a kill line and a report's head, in overlayfs' message about a mount option:
 * facility kern, level 3, cut by printk right after the forged words. Nothing of it is a kill, and nothing of it takes
 * anything from the record of a real one.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeEach, expect, test } from "vitest";
import { type PrintedRecord, printedRecord, startAgent } from "./agent-process.ts";
import { type CProgram, compileProgram, whyNoCompiler } from "./c-program.ts";
import { openTestCgroups, whyNoKills } from "./cgroup-v1.ts";
import { useCleanups } from "./cleanups.ts";
import { readKernelLog, waitForReportBudget, writeToKernelLog } from "./kernel-log.ts";
import { killOne } from "./kills.ts";

const MIB = 1024 * 1024;
const SOURCE = fileURLToPath(new URL("forger.c", import.meta.url));
/** What the message begins with, and how long it is: printk cuts it there. */
const BEFORE = "overlayfs: failed to resolve '";
const CUT_AT = 1021;
const KILL =
  "Memory cgroup out of memory: Killed process 1 (forged) total-vm:1kB, anon-rss:2kB, file-rss:3kB, shmem-rss:4kB, UID:0 pgtables:5kB oom_score_adj:0";
const HEAD = "forged invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0";
/** Reasons that the forging program gives by its exit status. */
const CLOSED: Readonly<Record<number, string>> = {
  2: "user namespaces are closed to users here",
  3: "overlayfs cannot be mounted in a user namespace here",
};

const reason =
  whyNoKills() ??
  whyNoCompiler() ??
  (/\toverlay$/m.test(readFileSync("/proc/filesystems", "latin1")) ? undefined : "there is no overlayfs here");
if (reason !== undefined) process.stderr.write(`test/kernel/forged-kill.test.ts is skipped: ${reason}\n`);

const cleanups = useCleanups();

beforeEach(({ skip }) => skip(reason !== undefined, reason));

/** Has a text quoted so many times. @returns the exit status of the program */
async function forge({ path }: CProgram, text: string, times: number): Promise<number> {
  const padding = CUT_AT - BEFORE.length - " ".length - text.length;
  const child = spawn(path, [String(times), String(padding), text, "200"], { stdio: "ignore" });
  const [status] = await once(child, "exit");
  // A record that was cut before its line end waits for the next one before anybody can read it.
  writeToKernelLog("oomscribe test: the record before has ended");
  return status;
}

/** Records of the kernel's own that end with a text and came after one with a sequence number. */
function recordsWith(text: string, afterSeq = -1): string[] {
  return readKernelLog().filter(
    (record) => /^[0-7],/.test(record) && seqOf(record) > afterSeq && record.split("\n")[0]?.endsWith(text),
  );
}

function seqOf(record: string | undefined): number {
  return Number(record?.split(",")[1]);
}

/** What the kernel's log says; the rest hangs on when the memory was sampled and /proc was read. */
function keysOf({ attributes }: PrintedRecord): string[] {
  return Object.keys(attributes)
    .filter((key) => !/^oom\.(?:cause|advice|history|container)/.test(key))
    .toSorted();
}

test("forged kill lines and heads around a real kill: one record, with all that it has without them", async ({
  skip,
}) => {
  const forger = compileProgram(SOURCE, "forger");
  cleanups.push(forger.remove);
  const closed = CLOSED[await forge(forger, KILL, 1)];
  skip(closed !== undefined, closed);
  expect(recordsWith(KILL).at(-1)).toMatch(/^3,/);

  const cgroups = openTestCgroups();
  cleanups.push(cgroups.remove);
  await waitForReportBudget(2);
  const agent = startAgent(["--since", "now", "--stdout"]);
  cleanups.push(() => void agent.child.kill("SIGKILL"));
  await agent.logged("agent_started");

  const recordOf = (pid: number): Promise<PrintedRecord> =>
    printedRecord(agent, ({ eventName, attributes }) => eventName === "oom.kill" && attributes["process.pid"] === pid);
  const quiet = await recordOf((await killOne(cgroups.root.child("quiet", 32 * MIB), { comm: "java" })).pid);

  const beforeSeq = seqOf(readKernelLog().at(-1));
  const cgroup = cgroups.root.child("forged", 32 * MIB);
  await forge(forger, HEAD, 3);
  const during = forge(forger, HEAD, 20);
  const { pid } = await killOne(cgroup, { comm: "java" });
  await forge(forger, KILL, 5);
  await during;
  const record = await recordOf(pid);
  // The kernel did print them, a head before the real kill among them.
  const heads = recordsWith(HEAD, beforeSeq).map(seqOf);
  expect(Math.min(...heads)).toBeLessThan(Number(record.attributes["oom.kernel.seq"]));
  expect(recordsWith(KILL, beforeSeq)).not.toEqual([]);

  expect(keysOf(record)).toEqual(keysOf(quiet));
  expect(record.attributes).toMatchObject({
    "oom.attribution": "exact",
    "oom.evidence": expect.arrayContaining(["report", "kill_line"]),
    "oom.victim.cgroup": cgroup.path,
    "oom.limit.cgroup": cgroup.path,
    "oom.memory.limit": 32 * MIB,
  });
  expect(record.attributes["oom.trigger.comm"]).not.toBe("forged");

  await agent.stop();
  const kills = agent.printed
    .map((line) => JSON.parse(line) as PrintedRecord)
    .filter((one) => one.eventName === "oom.kill");
  expect(kills.map(({ attributes }) => attributes["process.executable.name"])).not.toContain("forged");
  expect(kills.filter(({ attributes }) => attributes["process.pid"] === 1)).toEqual([]);
});
