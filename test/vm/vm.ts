/** Boots a Debian kernel in qemu without KVM, runs a guest program in it, and returns the lines that it sent. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeInitramfs } from "./initramfs.ts";
import { findKernel, type KernelVersion } from "./kernels.ts";

export interface VmOptions {
  kernel: KernelVersion;
  /** path of the guest program, a TypeScript file that imports what it wants; the VM ends when it does */
  script: string;
  /** given to the guest program as its environment's VM_ARGS */
  args?: readonly string[];
  /** the VM is killed after this long; default five minutes */
  timeoutMs?: number;
  /** at most 1024, the default */
  memoryMib?: number;
}

export interface VmResult {
  /** what the guest program sent, a value a line */
  readonly lines: readonly unknown[];
  /** what the kernel, init and the guest program printed */
  readonly console: string;
  /** of building the guest's file system, and of the VM from its start to its end */
  readonly seconds: { build: number; vm: number };
}

/** The most that a test may take of the machine. */
const MAX_MEMORY_MIB = 1024;

/** What init prints when the guest program takes too long. */
const ALARM = "init: the guest program has not ended";

/** Before the host kills a VM that hangs, its boot among them. */
const SECONDS_TO_SAY_WHY = 20;

/** It was the machine, and nothing that ran on it: it stood still (not even init's alarm went off), or its kernel fell. */
class MachineFailed extends Error {}

/**
 * A machine that fails is started once more, which standard error is told; a program that does is not.
 * @throws Error where qemu cannot be run, or the guest has not ended by itself, with the end of its console
 */
export async function runVm(options: VmOptions): Promise<VmResult> {
  try {
    return await runOnce(options);
  } catch (error) {
    if (!(error instanceof MachineFailed)) throw error;
    process.stderr.write(`test/vm: started once more: ${error.message}\n`);
    return await runOnce(options);
  }
}

async function runOnce(options: VmOptions): Promise<VmResult> {
  const scratch = await mkdtemp(join(tmpdir(), "oomscribe-vm-"));
  try {
    return await runIn(scratch, options);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function runIn(scratch: string, options: VmOptions): Promise<VmResult> {
  const { script, args = [], timeoutMs = 300_000, memoryMib = MAX_MEMORY_MIB } = options;
  const kernel = findKernel(options.kernel);
  const startMs = performance.now();
  const initramfs = join(scratch, "initramfs");
  await writeFile(initramfs, await makeInitramfs({ kernel, script, scratch }));
  const bootMs = performance.now();

  const consoleFile = join(scratch, "console");
  const dataFile = join(scratch, "data");
  const qemu = spawn(
    "qemu-system-x86_64",
    [
      // Never a thread for each CPU: where one CPU patches the kernel's code (tracepoints do), the other may run half of
      // it. With 6.12 that was "Oops: int3" within seconds of switching them on and off, with 6.1 a machine that stood
      // still; one thread ran the same for minutes, and the scenarios as fast.
      ...["-accel", "tcg,thread=single", "-M", "q35", "-cpu", "max", "-smp", "2"],
      ...["-m", String(Math.min(memoryMib, MAX_MEMORY_MIB)), "-nodefaults", "-display", "none", "-no-reboot"],
      ...["-kernel", kernel.image, "-initrd", initramfs, "-append", commandLine(args, timeoutMs)],
      // ttyS0 is the console, ttyS1 the way for results.
      ...["-serial", `file:${consoleFile}`, "-serial", `file:${dataFile}`],
    ],
    { stdio: ["ignore", "ignore", "pipe"], timeout: timeoutMs, killSignal: "SIGKILL" },
  );
  const kill = (): boolean => qemu.kill("SIGKILL");
  process.once("exit", kill);
  let errors = "";
  qemu.stderr.on("data", (data) => (errors += data));
  try {
    const [status, signal] = await once(qemu, "close");
    const vm = (performance.now() - bootMs) / 1000;
    const consoleText = await readFile(consoleFile, "latin1").catch(() => "");
    if (status !== 0 || !consoleText.includes("ended with status 0")) {
      const how = signal === null ? `qemu ended with status ${status}` : `qemu was killed after ${vm.toFixed(0)} s`;
      const sent = await readFile(dataFile, "utf8").catch(() => "");
      const end = `${consoleText.slice(-20_000)}\nthe last that it sent:\n${sent.slice(-3000)}`;
      const isHung = signal !== null && !consoleText.includes(ALARM);
      // No program can do that to a kernel; a panic for want of memory has no such line, and is a scenario's own fault.
      const hasOops = /^\[ *\d+\.\d+\] (?:Oops: |BUG: unable to handle |general protection fault)/m.test(consoleText);
      throw new (isHung || hasOops ? MachineFailed : Error)(`the VM did not end well: ${how}. ${errors}\n${end}`);
    }
    const lines = readLines(await readFile(dataFile, "utf8"));
    return { lines, console: consoleText, seconds: { build: (bootMs - startMs) / 1000, vm } };
  } finally {
    kill();
    process.off("exit", kill);
  }
}

function commandLine(args: readonly string[], timeoutMs: number): string {
  return [
    "console=ttyS0",
    // A line on the console costs as much as a hundred in the log: reports of kills would come in slow motion.
    "loglevel=3",
    // A panic ends the VM.
    "panic=-1",
    // What programs write into /dev/kmsg is not limited: a flood is one.
    "printk.devkmsg=on",
    "mitigations=off",
    // Become the environment of init.
    `VM_ARGS=${args.join(",")}`,
    `VM_SECONDS=${Math.floor(timeoutMs / 1000) - SECONDS_TO_SAY_WHY}`,
  ].join(" ");
}

function readLines(text: string): unknown[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}
