/** Opens /dev/kmsg for reading that never waits, and says what to do where it cannot be opened. */
import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { readNow, readText } from "../host.ts";

/** What is read from: the device, or what a test puts in its place. */
export interface KmsgDevice {
  /**
   * One read(2): one record.
   * @returns how many bytes were read into the buffer
   * @throws Error with `code`, among them EAGAIN where there is nothing to read
   */
  read(into: Buffer): number;
  close(): void;
}

/** What besides the file's mode decides who may open it. */
export interface KmsgRights {
  /** sysctl kernel.printk_devkmsg (since 4.8): on, off, ratelimit */
  printkDevkmsg: string | undefined;
  isRestricted: boolean;
  hasSyslog: boolean;
}

/** The kernel's log cannot be read; the message says why and what to do. */
export class KmsgOpenError extends Error {
  override name = "KmsgOpenError";
  readonly code: string;
  /** the two halves of the message */
  readonly says: string;
  readonly advice: string;

  constructor(code: string, says: string, advice: string, cause?: unknown) {
    super(`${says}: ${advice}`, { cause });
    this.code = code;
    this.says = says;
    this.advice = advice;
  }
}

/**
 * Opens the device with O_NONBLOCK: a read that waits in the kernel would hold one of Node's threads, and
 * process.exit() waits for that thread for ever.
 * @throws KmsgOpenError
 */
export function openKmsgDevice(path: string): KmsgDevice {
  const fd = openFile(path);
  try {
    checkDevice(fd, path);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return {
    read: (into) => readNow(fd, into),
    close: () => closeSync(fd),
  };
}

function openFile(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "UNKNOWN";
    throw new KmsgOpenError(code, `${path} cannot be opened (${code})`, kmsgAdvice(code), error);
  }
}

/** Device number 1:11 (Documentation/admin-guide/devices.txt), as makedev(3) packs it. */
const KMSG_RDEV = (1 << 8) | 11;

/** Where a container has no kernel log some put a link to /dev/console or /dev/null there, to please the kubelet. */
function checkDevice(fd: number, path: string): void {
  const { rdev } = fstatSync(fd);
  if (rdev === KMSG_RDEV) return;
  throw new KmsgOpenError(
    "ENODEV",
    `${path} is not the kernel's log (character device 1:11)`,
    "mount the node's own /dev/kmsg here; a file with a captured log is read by `oomscribe replay`",
  );
}

/**
 * What to do about an error of open(2).
 * @param rights default: those of this process
 */
export function kmsgAdvice(code: string, rights: KmsgRights = readRights()): string {
  switch (code) {
    case "ENOENT":
      return "run on Linux; in a container run it privileged or mount the node's /dev/kmsg (hostPath, type CharDevice)";
    case "EACCES":
      return "the file's mode does not let this user read it; run as root";
    case "EPERM":
      return refusalAdvice(rights);
    default:
      return "see open(2) for what this error means";
  }
}

/** kernel/printk/printk.c, devkmsg_open: `off` refuses whoever it is, and reading as well; then SYSLOG is asked for. */
function refusalAdvice({ printkDevkmsg, isRestricted, hasSyslog }: KmsgRights): string {
  if (printkDevkmsg === "off") {
    return (
      "kernel.printk_devkmsg is off, so nobody may open it: set kernel.printk_devkmsg=ratelimit (sysctl), or, as that " +
      "is fixed there, take printk.devkmsg=off from the kernel's command line"
    );
  }
  return isRestricted && !hasSyslog
    ? "kernel.dmesg_restrict is 1, so it takes the capability SYSLOG: run as root with it (in a container: " +
        "privileged), or set kernel.dmesg_restrict=0"
    : "the container may not use the device (its device cgroup): run it privileged; the capability SYSLOG and a " +
        "hostPath are not enough";
}

function readRights(): KmsgRights {
  return {
    printkDevkmsg: readText("/proc/sys/kernel/printk_devkmsg")?.trim(),
    isRestricted: (readText("/proc/sys/kernel/dmesg_restrict")?.trim() ?? "0") !== "0",
    hasSyslog: hasSyslog(),
  };
}

/** include/uapi/linux/capability.h */
const CAP_SYSLOG = 34n;

/** Whether this process has what a restricted log takes: then something else forbids it. */
function hasSyslog(): boolean {
  const effective = /^CapEff:\t([0-9a-f]+)$/m.exec(readText("/proc/self/status") ?? "")?.[1];
  return effective !== undefined && ((BigInt(`0x${effective}`) >> CAP_SYSLOG) & 1n) === 1n;
}
