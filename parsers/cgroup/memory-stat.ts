/**
 * What a cgroup's memory is made of: memory.stat, and the files that hold one number.
 * Spec: Linux Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst; PSI: accounting/psi.rst.
 */

/** Bytes; what the file does not hold is absent. */
export interface MemoryParts {
  /** private memory */
  anon?: number;
  /** page cache, without tmpfs */
  file?: number;
  /** of it what is reclaimed first */
  inactiveFile?: number;
  /** tmpfs and shared memory */
  shmem?: number;
  kernel?: number;
}

/** @param text all of memory.stat, of either version */
export function parseMemoryStat(text: string, version: "v1" | "v2"): MemoryParts {
  return version === "v1" ? readParts(text, V1) : { ...readParts(text, V2), ...kernelOf(text) };
}

/** Private memory, tmpfs and kernel memory: what stays until somebody frees it. Of what is not known: all of it. */
export function heldOf({ usage, anon, shmem, kernel }: MemoryParts & { usage: number }): number {
  return anon === undefined ? usage : Math.min(usage, anon + (shmem ?? 0) + (kernel ?? 0));
}

/** As the kubelet has it: without what of the page cache is reclaimed first. */
export function workingSetOf({ usage, inactiveFile }: Pick<MemoryParts, "inactiveFile"> & { usage: number }): number {
  return Math.max(0, usage - (inactiveFile ?? 0));
}

/** Limits above that are none: v1 rounds the largest number down to pages, of whichever size. */
const NO_LIMIT = 2 ** 62;

/** memory.max, memory.high, memory.limit_in_bytes. @returns undefined: none, or not a number */
export function parseLimit(text: string): number | undefined {
  const bytes = parseBytes(text);
  return bytes === undefined || bytes >= NO_LIMIT ? undefined : bytes;
}

/** memory.current, memory.usage_in_bytes. @returns undefined where it is not a number */
export function parseBytes(text: string): number | undefined {
  return /^\d+\n?$/.test(text) ? Number(text) : undefined;
}

/** memory.pressure: percent of the last ten seconds in which some task waited. */
export function parsePressure(text: string): number | undefined {
  const percent = /^some avg10=(\d+(?:\.\d+)?) /m.exec(text)?.[1];
  return percent === undefined ? undefined : Number(percent);
}

type Names = Readonly<Record<"anon" | "file" | "inactiveFile" | "shmem", string>>;

/** Of the cgroup and all below it, as its limit is. */
const V1: Names = {
  anon: "total_rss",
  file: "total_cache",
  inactiveFile: "total_inactive_file",
  shmem: "total_shmem",
};
const V2: Names = { anon: "anon", file: "file", inactiveFile: "inactive_file", shmem: "shmem" };
/** Before Linux 5.18 the parts of `kernel` alone are there. */
const KERNEL_PARTS = ["slab", "kernel_stack", "pagetables", "percpu", "vmalloc"];

function readParts(text: string, names: Names): MemoryParts {
  const parts: MemoryParts = {};
  const file = readValue(text, names.file);
  const shmem = readValue(text, names.shmem);
  setKnown(parts, "anon", readValue(text, names.anon));
  // tmpfs is page cache to both versions.
  setKnown(parts, "file", file === undefined ? undefined : Math.max(0, file - (shmem ?? 0)));
  setKnown(parts, "inactiveFile", readValue(text, names.inactiveFile));
  setKnown(parts, "shmem", shmem);
  return parts;
}

function kernelOf(text: string): MemoryParts {
  const whole = readValue(text, "kernel");
  if (whole !== undefined) return { kernel: whole };
  const known = KERNEL_PARTS.map((name) => readValue(text, name)).filter((value) => value !== undefined);
  return known.length === 0 ? {} : { kernel: known.reduce((sum, value) => sum + value, 0) };
}

/** Searched for rather than split: five values of sixty lines, a hundred times a second. */
function readValue(text: string, name: string): number | undefined {
  const mark = `${name} `;
  const at = text.startsWith(mark) ? 0 : text.indexOf(`\n${mark}`) + 1;
  if (!text.startsWith(mark, at)) return undefined;
  const start = at + mark.length;
  const end = text.indexOf("\n", start);
  return parseBytes(text.slice(start, end === -1 ? undefined : end));
}

function setKnown(into: MemoryParts, key: keyof MemoryParts, value: number | undefined): void {
  if (value !== undefined) into[key] = value;
}
