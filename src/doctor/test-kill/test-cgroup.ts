/** A memory cgroup for one test kill: small, without swap, below the agent's own or beside it, and removed again. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readableSize } from "../../record/format.ts";
import { TEST_CGROUP } from "../../record/test-kill.ts";
import { readDirectories } from "../../sources/cgroup/directories.ts";
import { CgroupOpenError, findMemoryHierarchy, type MemoryHierarchy } from "../../sources/cgroup/mounts.ts";
import { readText } from "../../sources/host.ts";
import { findOwnCgroup, leftOf, type OwnCgroup, readRoom } from "../own-cgroup.ts";
import { findWritable } from "./writable-cgroup.ts";

export interface TestCgroup {
  /** as the hierarchy names it; the kernel's log does too, unless the mount is of a cgroup namespace */
  readonly path: string;
  readonly directory: string;
  /** bytes */
  readonly limit: number;
  /** Kills what is in it, and removes it. @returns why it is still there, undefined: it is gone */
  remove(): Promise<string | undefined>;
}

/** There can be no test kill here; the message says why. */
export class TestKillRefused extends Error {
  override name = "TestKillRefused";
  readonly advice: string;

  constructor(message: string, advice: string, cause?: unknown) {
    super(message, { cause });
    this.advice = advice;
  }
}

const LIMIT = 8 * 1024 * 1024;
/** Node takes 8 MiB of its own before it joins the cgroup (Node 24, measured), then the limit; the rest is prudence. */
const ROOM = 64 * 1024 * 1024;

/** @throws TestKillRefused */
export function makeTestCgroup(hostRoot: string): TestCgroup {
  const hierarchy = findHierarchy(hostRoot);
  const seen = findParent(hierarchy);
  const parent = { ...seen, directory: findWritable(seen.directory, seen.path) };
  removeLeftovers(parent.directory);
  const name = `${TEST_CGROUP}${randomBytes(4).toString("hex")}`;
  const directory = join(parent.directory, name);
  try {
    mkdirSync(directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new TestKillRefused(`no cgroup can be made in ${parent.directory} (${code})`, RIGHTS, error);
  }
  try {
    setLimit(hierarchy.version, directory);
  } catch (error) {
    rmdirSync(directory);
    if (error instanceof TestKillRefused) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new TestKillRefused(`${directory} gets no memory limit (${code})`, RIGHTS, error);
  }
  return {
    path: parent.path === "/" ? `/${name}` : `${parent.path}/${name}`,
    directory,
    limit: LIMIT,
    remove: () => remove(directory),
  };
}

const RIGHTS =
  "run it as root, in a container privileged, which has its cgroup writable at /sys/fs/cgroup, or with the node's " +
  "mounted for writing below --host-root; the agent itself needs no such right";

function findHierarchy(hostRoot: string): MemoryHierarchy {
  try {
    return findMemoryHierarchy(hostRoot);
  } catch (error) {
    if (!(error instanceof CgroupOpenError)) throw error;
    throw new TestKillRefused("there is no memory cgroup to make the kill in", error.message, error);
  }
}

/** Where the cgroup is made. Its room is looked at, so that nothing but the test is killed. */
function findParent(hierarchy: MemoryHierarchy): OwnCgroup {
  const own = findOwnCgroup(hierarchy);
  if (own === undefined) {
    throw new TestKillRefused("the cgroup of this process cannot be found", "run it where the node's cgroups are seen");
  }
  const room = readRoom(hierarchy, own);
  if (room !== undefined && leftOf(room) < ROOM) {
    throw new TestKillRefused(
      `${readableSize(leftOf(room))} are left of the limit of ${room.directory}: the kernel might kill another process`,
      `give the agent a memory limit with ${readableSize(ROOM)} to spare, or run this elsewhere on the node`,
    );
  }
  if (hierarchy.version === "v1") return own;
  const parent = withController(own, hierarchy);
  if (parent !== undefined) return parent;
  throw new TestKillRefused(
    `no cgroup above ${own.directory} lets those below it have the memory controller`,
    "run it in the node's cgroup namespace, with the node's whole /sys/fs/cgroup mounted",
  );
}

/** v2: a cgroup with processes gives its children no controller (Documentation/admin-guide/cgroup-v2.rst): one above. */
function withController(own: OwnCgroup, hierarchy: MemoryHierarchy): OwnCgroup | undefined {
  for (let { path, directory } = own; ; path = dirname(path), directory = dirname(directory)) {
    const given = readText(join(directory, "cgroup.subtree_control"))?.trim().split(" ") ?? [];
    if (given.includes("memory")) return { path, directory };
    if (directory === hierarchy.directory || directory === dirname(directory)) return undefined;
  }
}

function setLimit(version: "v1" | "v2", directory: string): void {
  const limitFile = join(directory, version === "v1" ? "memory.limit_in_bytes" : "memory.max");
  writeFileSync(limitFile, String(LIMIT));
  // With swap the limit would only move memory there. The files are missing where the kernel does not count swap.
  const swapFile = join(directory, version === "v1" ? "memory.memsw.limit_in_bytes" : "memory.swap.max");
  if (existsSync(swapFile)) writeFileSync(swapFile, version === "v1" ? String(LIMIT) : "0");
  if (Number(readFileSync(limitFile, "latin1")) !== LIMIT) {
    throw new TestKillRefused(`${directory} does not keep its memory limit`, "report it, with the kernel's version");
  }
  if (/^oom_kill_disable 1$/m.test(readText(join(directory, "memory.oom_control")) ?? "")) {
    throw new TestKillRefused("the OOM killer is switched off here (oom_kill_disable)", "run it in another cgroup");
  }
}

const REMOVE_TRIES = 100;
const REMOVE_PAUSE_MS = 20;

/** A dying process leaves its cgroup a little after its parent has seen it die. */
async function remove(directory: string): Promise<string | undefined> {
  for (let tries = 1; ; tries++) {
    for (const pid of (readText(join(directory, "cgroup.procs")) ?? "").split("\n")) killProcess(Number(pid));
    try {
      rmdirSync(directory);
      return undefined;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") return undefined;
      if (tries === REMOVE_TRIES) return code ?? String(error);
      await sleep(REMOVE_PAUSE_MS);
    }
  }
}

function killProcess(pid: number): void {
  // 0 is a process of another pid namespace, and to kill(2) everybody in our own group.
  if (!(pid > 1)) return;
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it has ended by itself
  }
}

const LEFTOVER_MS = 60_000;

/** Of a run that was killed. One with processes in it cannot be removed, and a young one may be another run's. */
function removeLeftovers(parent: string): void {
  for (const name of readDirectories(parent)) {
    if (!name.startsWith(TEST_CGROUP)) continue;
    try {
      const directory = join(parent, name);
      if (Date.now() - statSync(directory).ctimeMs > LEFTOVER_MS) rmdirSync(directory);
    } catch {
      // in use, or gone
    }
  }
}
