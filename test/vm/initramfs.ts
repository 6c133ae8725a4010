/** The VM's only file system: busybox and Node with their libraries, kernel modules, the agent and the guest program. */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findProgram, type KernelFiles } from "./kernels.ts";
import { type ArchiveEntry, toNewc } from "./newc.ts";
import { buildAgent, bundle, compile } from "./programs.ts";

export interface InitramfsOptions {
  kernel: KernelFiles;
  /** path of the guest program, a TypeScript file; it finds the files in the root directory */
  script: string;
  /** for results of the compilers */
  scratch: string;
}

const MOUNT_POINTS = ["proc", "sys", "dev", "tmp", "bin", "etc"];
const C_PROGRAMS = ["container", "witness"];
/** For swap: zram and what it or some kernel's build of it can need. */
const MODULES = /\/(?:mm\/zsmalloc|drivers\/block\/zram\/zram|(?:crypto|lib)\/.*(?:lzo|lz4|zstd|842).*)\.ko/;

export async function makeInitramfs({ kernel, script, scratch }: InitramfsOptions): Promise<Uint8Array[]> {
  const busybox = findProgram("busybox") as string;
  const init = await readFile(fileURLToPath(new URL("guest/init", import.meta.url)));
  const entries: ArchiveEntry[] = [
    ...MOUNT_POINTS.map((path) => ({ path, content: "directory" as const })),
    { path: "init", content: init, executable: true },
    { path: "bin/busybox", content: await readFile(busybox), executable: true },
    { path: "node", content: await readFile(process.execPath), executable: true },
    ...(await readLibraries([busybox, process.execPath])),
    { path: "agent.mjs", content: await buildAgent(scratch) },
    { path: "guest.mjs", content: await bundle(script) },
    ...(await readModules(kernel.modules)),
  ];
  for (const name of C_PROGRAMS) {
    entries.push({ path: name, content: await compile(name, scratch), executable: true });
  }
  return toNewc(entries);
}

/** Every library that the dynamic linker would load for these programs, each once. A static program has none. */
async function readLibraries(programs: readonly string[]): Promise<ArchiveEntry[]> {
  const lists = programs.map((program) => spawnSync("ldd", [program], { encoding: "utf8" }).stdout);
  const paths = new Set(lists.flatMap((list) => list.match(/\/[^\s:]+(?= \(0x)/g) ?? []));
  return Promise.all(
    [...paths].map(async (path) => ({ path: path.slice(1), content: await readFile(path), executable: true })),
  );
}

/** At the paths where modprobe looks. */
async function readModules(directory: string): Promise<ArchiveEntry[]> {
  const entries: ArchiveEntry[] = [];
  for (const file of readdirSync(directory, { recursive: true, encoding: "utf8" })) {
    const isList = /^[^/]+\/modules\.(?:order|builtin)$/.test(file);
    if (!isList && !MODULES.test(file)) continue;
    entries.push({ path: join("lib/modules", file), content: await readFile(join(directory, file)) });
  }
  return entries;
}
