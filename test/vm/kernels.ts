/** Where the kernels for VMs lie, and why no VM can be started here. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Debian 12's and Debian 13's; see test/vm/prepare. */
export const KERNELS = ["6.1", "6.12"] as const;
export type KernelVersion = (typeof KERNELS)[number];

export interface KernelFiles {
  readonly image: string;
  /** the directory with one directory a release */
  readonly modules: string;
}

export function findKernel(version: KernelVersion): KernelFiles {
  const directory = join(cacheDirectory(), "kernels", version);
  return { image: join(directory, "vmlinuz"), modules: join(directory, "modules") };
}

/** Why no VM can be started here; undefined: it can. */
export function whyNoVm(): string | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return "the VMs are made for Linux on x86-64";
  for (const program of ["qemu-system-x86_64", "busybox", "gcc", "ldd"]) {
    if (findProgram(program) === undefined) return `${program} is missing: run test/vm/prepare as root`;
  }
  for (const version of KERNELS) {
    const { image } = findKernel(version);
    if (!existsSync(image)) return `there is no ${image}: run test/vm/prepare as root`;
  }
  return undefined;
}

export function findProgram(name: string): string | undefined {
  const { stdout, status } = spawnSync("sh", ["-c", 'command -v "$1"', "sh", name], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

function cacheDirectory(): string {
  return process.env["OOMSCRIBE_VM_CACHE"] ?? join(homedir(), ".cache", "oomscribe-vm");
}
