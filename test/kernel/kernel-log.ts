/** The kernel's log as the tests themselves read and write it: what the agent is compared with. */
import { closeSync, constants, openSync, readFileSync, readSync, writeFileSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Every record that the kernel still has: header, message and dictionary as read. */
export function readKernelLog(): string[] {
  const fd = openSync("/dev/kmsg", constants.O_RDONLY | constants.O_NONBLOCK);
  const buffer = Buffer.alloc(8192);
  const records: string[] = [];
  try {
    for (;;) {
      try {
        records.push(buffer.toString("latin1", 0, readSync(fd, buffer, 0, buffer.length, null)));
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "EAGAIN") return records;
        if (code !== "EPIPE") throw error;
      }
    }
  } finally {
    closeSync(fd);
  }
}

/** The kernel's own kill line about a process. */
export function readKillLine(pid: number): string | undefined {
  return readKernelLog().findLast((record) => /^[0-7],/.test(record) && record.includes(`: Killed process ${pid} (`));
}

/** `anon-rss:123kB` → bytes. */
export function sizeIn(line: string, name: string): number {
  return Number(new RegExp(`.*${name}:(\\d+)kB`).exec(line)?.[1]) * 1024;
}

/**
 * Writes a line as a program would; the kernel makes facility 1 of it. Without the line's end nobody could read it
 * before the next one is written.
 * @param text with or without `<level>`
 */
export function writeToKernelLog(text: string): void {
  const fd = openSync("/dev/kmsg", "w");
  try {
    writeSync(fd, `${text}\n`);
  } finally {
    closeSync(fd);
  }
}

const SETTING = "/proc/sys/kernel/printk_devkmsg";

/** Lifts the kernel's limit on what programs write (ten lines in five seconds). @returns puts it back */
export function allowFloods(): () => void {
  const before = readFileSync(SETTING, "latin1");
  // It is taken with its newline only.
  writeFileSync(SETTING, "on\n");
  return () => writeFileSync(SETTING, before);
}

/** dump_header() of mm/oom_kill.c: ten reports in five seconds, of all cgroups together. */
const REPORTS = 10;
const INTERVAL_US = 5_500_000;

/** Waits until so many kills get a whole report each, unless somebody else's kills come between. */
export async function waitForReportBudget(count: number): Promise<void> {
  for (;;) {
    const sinceUs = Number(process.hrtime.bigint()) / 1000 - INTERVAL_US;
    const recent = readKernelLog().filter(
      (record) => /^[0-7],/.test(record) && record.includes(" invoked oom-killer: ") && stampUs(record) > sinceUs,
    );
    if (recent.length + count <= REPORTS) return;
    await sleep(250);
  }
}

function stampUs(record: string): number {
  return Number(record.split(",")[2]);
}
