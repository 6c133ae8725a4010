/** The open files of one cgroup that tell what its memory is, read again and again without opening them. */
import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { parseBytes, parseLimit, parseMemoryStat, parsePressure } from "../../../parsers/cgroup/memory-stat.ts";
import { readText } from "../host.ts";
import type { MemorySample } from "./sample.ts";

export interface MemoryFiles {
  /** @returns "gone" where the cgroup is removed @throws Error with any other `code` */
  read(atMs: number): MemorySample | "gone" | undefined;
  close(): void;
}

export interface MemoryLimits {
  limit?: number;
  high?: number;
}

interface FileNames {
  usage: string;
  limit: string;
  high?: string;
  /** not on every kernel */
  kernel?: string;
  pressure?: string;
}

const NAMES: Readonly<Record<"v1" | "v2", FileNames>> = {
  v1: { usage: "memory.usage_in_bytes", limit: "memory.limit_in_bytes", kernel: "memory.kmem.usage_in_bytes" },
  v2: { usage: "memory.current", limit: "memory.max", high: "memory.high", pressure: "memory.pressure" },
};

/** memory.stat of a large machine takes less than 3 KiB; v1 has a line a NUMA node in none of these. */
const buffer = Buffer.allocUnsafe(8192);

/** @returns undefined where there are none @throws Error with `code`: EMFILE, EACCES … */
export function openMemoryFiles(directory: string, version: "v1" | "v2"): MemoryFiles | undefined {
  const names = NAMES[version];
  const fds: number[] = [];
  const open = (name: string | undefined): number | undefined => {
    const fd = name === undefined ? undefined : openFile(join(directory, name));
    if (fd !== undefined) fds.push(fd);
    return fd;
  };
  const close = (): void => {
    for (const fd of fds.splice(0)) closeSync(fd);
  };
  try {
    const [usage, stat] = [open(names.usage), open("memory.stat")];
    const [kernel, pressure] = [open(names.kernel), open(names.pressure)];
    if (usage !== undefined && stat !== undefined) {
      return { read: (atMs) => readSample({ usage, stat, kernel, pressure }, version, atMs), close };
    }
    close();
    return undefined;
  } catch (error) {
    close();
    throw error;
  }
}

/** Opened anew: they are looked at twice a minute. */
export function readMemoryLimits(directory: string, version: "v1" | "v2"): MemoryLimits {
  const { limit, high } = NAMES[version];
  const limits: MemoryLimits = {};
  for (const [key, name] of [
    ["limit", limit],
    ["high", high],
  ] as const) {
    const bytes = name === undefined ? undefined : parseLimit(readText(join(directory, name)) ?? "");
    if (bytes !== undefined) limits[key] = bytes;
  }
  return limits;
}

interface Fds {
  usage: number;
  stat: number;
  kernel: number | undefined;
  pressure: number | undefined;
}

function readSample(fds: Fds, version: "v1" | "v2", atMs: number): MemorySample | "gone" | undefined {
  try {
    const usage = parseBytes(readAll(fds.usage));
    if (usage === undefined) return undefined;
    const sample: MemorySample = { atMs, usage, ...parseMemoryStat(readAll(fds.stat), version) };
    const kernel = fds.kernel === undefined ? undefined : parseBytes(readAll(fds.kernel));
    if (kernel !== undefined) sample.kernel = kernel;
    const pressure = readPressure(fds.pressure);
    if (pressure !== undefined) sample.pressure = pressure;
    return sample;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENODEV") return "gone";
    throw error;
  }
}

/** EOPNOTSUPP: PSI is compiled in and switched off (psi=0). */
function readPressure(fd: number | undefined): number | undefined {
  if (fd === undefined) return undefined;
  try {
    return parsePressure(readAll(fd));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EOPNOTSUPP") return undefined;
    throw error;
  }
}

function openFile(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENODEV" || code === "EOPNOTSUPP") return undefined;
    throw error;
  }
}

function readAll(fd: number): string {
  return buffer.toString("latin1", 0, readSync(fd, buffer, 0, buffer.length, 0));
}
