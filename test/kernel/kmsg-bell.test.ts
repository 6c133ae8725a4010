/** The bell of the kernel's log on the device itself: it rings at what is printed, and never holds up a process that ends. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { beforeEach, expect, test } from "vitest";
import { type KmsgBell, openKmsgBell } from "../../src/sources/kmsg/wakeup.ts";
import { whyNoKills } from "./cgroup-v1.ts";
import { useCleanups } from "./cleanups.ts";
import { allowFloods, readKernelLog, writeToKernelLog } from "./kernel-log.ts";

const reason = whyNoKills();
if (reason !== undefined) process.stderr.write(`test/kernel/kmsg-bell.test.ts is skipped: ${reason}\n`);

const cleanups = useCleanups();

beforeEach(({ skip }) => skip(reason !== undefined, reason));

function open(): { bell: KmsgBell; rings: () => number } {
  let rings = 0;
  const bell = openKmsgBell("/dev/kmsg", () => {
    rings++;
  });
  if (bell === undefined) throw new Error("/dev/kmsg cannot be opened");
  cleanups.push(() => bell.close());
  return { bell, rings: () => rings };
}

/** The kernel may print at any time: what has rung for that is set again. */
async function arm(bell: KmsgBell): Promise<void> {
  await expect.poll(() => bell.arm(seqOf(readKernelLog().at(-1)))).toBe(true);
}

function seqOf(record: string | undefined): number {
  return Number(record?.split(",")[1]);
}

test("rings at what is printed after that record, once, and again when it is set again", async () => {
  const { bell, rings } = open();
  for (let round = 1; round <= 3; round++) {
    await arm(bell);
    const before = rings();
    writeToKernelLog(`<14>oomscribe-test bell ${round}`);
    await expect.poll(() => rings()).toBeGreaterThan(before);
  }
});

test("rings at once where more was printed already", async () => {
  const { bell, rings } = open();
  const seq = seqOf(readKernelLog().at(-1));
  writeToKernelLog("<14>oomscribe-test bell before it is set");
  await expect.poll(() => bell.arm(seq)).toBe(true);
  await expect.poll(() => rings()).toBeGreaterThan(0);
});

test("finds its place where the log has been overwritten meanwhile", { timeout: 60_000 }, async () => {
  cleanups.push(allowFloods());
  const { bell, rings } = open();
  await arm(bell);
  const before = seqOf(readKernelLog()[0]);
  while (seqOf(readKernelLog()[0]) <= before + 1000) {
    for (let line = 0; line < 500; line++) writeToKernelLog(`<14>oomscribe-test ${"x".repeat(900)}`);
  }
  await expect.poll(() => rings()).toBeGreaterThan(0);
  await arm(bell);
  const heard = rings();
  writeToKernelLog("<14>oomscribe-test bell after the flood");
  await expect.poll(() => rings()).toBeGreaterThan(heard);
});

test("where there is no such device, or none that can be written, there is no bell", () => {
  expect(openKmsgBell("/dev/no-such-kmsg", () => {})).toBeUndefined();
  expect(openKmsgBell("/proc/sys/kernel/osrelease", () => {})).toBeUndefined();
});

test.each([
  ["process.exit(3)", 3],
  ["process.exitCode = 4; bell.close()", 4],
  ["bell.close(); process.exit(5)", 5],
  ["throw new Error('nobody catches this')", 1],
  ["process.kill(process.pid, 'SIGTERM')", null],
])("a process in which it waits ends: %s", (end, expected) => {
  const source = fileURLToPath(new URL("../../src/sources/kmsg/wakeup.ts", import.meta.url));
  const log = fileURLToPath(new URL("kernel-log.ts", import.meta.url));
  const program = `
    import { openKmsgBell } from ${JSON.stringify(source)};
    import { readKernelLog } from ${JSON.stringify(log)};
    const seq = () => Number(readKernelLog().at(-1).split(",")[1]);
    const arm = () => {
      while (!bell.arm(seq()));
    };
    // Whatever is printed meanwhile, it waits.
    const bell = openKmsgBell("/dev/kmsg", arm);
    arm();
    setTimeout(() => {
      process.stdout.write("waits " + bell.arm(0));
      ${end};
    }, 200);`;
  const ended = spawnSync(process.execPath, ["--input-type=module", "-e", program], { timeout: 20_000 });
  expect([String(ended.stdout), ended.status, ended.error]).toEqual(["waits true", expected, undefined]);
});
