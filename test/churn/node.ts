/**
 * A node on which containers come, are killed and go, without end: the parts of the agent, joined as src/agent.ts and
 * src/sources-of-node.ts join them, with counts and log lines of the test's own and a clock that it moves. In a process
 * of its own, as that is everybody's clock.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { createContainerKillCounts } from "../../src/container-kill-counts.ts";
import { openDeliveries } from "../../src/deliveries/deliveries.ts";
import { openObjects } from "../../src/identify/api/objects.ts";
import { openAutoscalers } from "../../src/identify/autoscalers.ts";
import { openDiskNames } from "../../src/identify/disk/disk-names.ts";
import { createNames } from "../../src/identify/names.ts";
import { createOwnedObjects, readOwnedObject } from "../../src/identify/owned-objects.ts";
import { openPodEvents } from "../../src/identify/pod-events.ts";
import { openUnscheduled } from "../../src/identify/unscheduled.ts";
import { createKillCounts } from "../../src/kill-counts.ts";
import { createLive, type LiveState } from "../../src/live.ts";
import { openMemoryCounters } from "../../src/sources/memory-counters.ts";
import { openMemoryHistory } from "../../src/sources/memory-history.ts";
import { createOwnProcesses } from "../../src/sources/own-processes.ts";
import { createEvents } from "../../src/telemetry/events.ts";
import { plainPod } from "../pods.ts";
import { move, nowMs } from "./clock.ts";

const BOOT_ID = "0123456789abcdef0123456789abcdef";
/** One in so many has a name in the node's files too, and one a cgroup that is really a directory. */
const NAMED = 20;
const REAL = 100;
const AT_ONCE = 40;

const MIB = 1024 * 1024;

export interface ChurningNode {
  /** So many pods of one container each come, are killed in one of several ways, and go. */
  churn(pods: number): Promise<void>;
  /** An hour in which nothing happens, and then one pod more. */
  rest(): Promise<void>;
  /** records of kills that were delivered */
  readonly kills: number;
  close(): void;
}

interface Container {
  index: number;
  uid: string;
  id: string;
  pod: string;
  path: string;
}

export function openChurningNode(): ChurningNode {
  const folder = mkdtempSync(join(tmpdir(), "oomscribe-churn-"));
  const cgroups = join(folder, "cgroup");
  const logs = join(folder, "var/log/containers");
  for (const directory of [cgroups, logs, join(folder, "proc")]) mkdirSync(directory, { recursive: true });
  writeFileSync(join(folder, "proc/vmstat"), "oom_kill 0\n");
  const quiet = { info() {}, warn() {}, error() {} } as unknown as Parameters<typeof createEvents>[0];
  const events = createEvents(quiet);
  const context = { resource: { "host.name": "node-1" }, bootId: BOOT_ID, pageSize: 4096 };
  let kills = 0;
  const deliveries = openDeliveries<LiveState>({
    backends: [
      {
        target: "test",
        async export(batch) {
          kills += batch.filter(({ eventName }) => eventName === "oom.kill").length;
          return { kind: "delivered" };
        },
        close() {},
      },
    ],
    directory: undefined,
    context,
    events,
  });
  const disk = openDiskNames({ hostRoot: folder, onTrouble: events.report });
  const api = {
    api: { get: async () => ({ json: { kind: "List", metadata: { name: "web" }, items: [] }, bytes: 0 }) },
  };
  const parts = { ...api, onTrouble: events.report, now: nowMs };
  const objects = createOwnedObjects(openObjects({ ...parts, read: readOwnedObject }));
  const names = createNames({
    startWallMs: Date.now(),
    podSource: "kubernetes_api",
    files: disk.of,
    askedOwner: objects.ownersOf,
    isSynced: () => true,
    node: () => undefined,
    autoscalerOf: openAutoscalers(parts),
    eventsOf: openPodEvents(parts),
    unscheduledOf: openUnscheduled(parts),
    hintNode() {},
  });
  const own = createOwnProcesses(folder);
  const counts = { kills: createKillCounts(), containers: createContainerKillCounts() };
  const procs = new Map<number, string>();
  const live = createLive({
    context,
    restored: undefined,
    now: nowMs,
    toWallUs: (atMs) => (Date.now() - nowMs() + atMs) * 1000,
    names,
    history: {
      of: (path, untilMs) => history.of(path, untilMs),
      lastOf: (path, untilMs) => history.lastOf(path, untilMs),
      containersIn: (path) => history.containersIn(path),
    },
    nearLimit: 90,
    hasCounters: true,
    readVictim(pid) {
      const cgroup = procs.get(pid);
      return cgroup === undefined ? undefined : { cgroup, comm: "java", pid1: true };
    },
    ownProcessOf: own.of,
    readSources() {},
    commit(records, state) {
      const isNew = (): boolean => true;
      counts.kills.add(records, isNew);
      counts.containers.add(records, isNew);
      deliveries.commit(records, state);
    },
  });
  const history = openMemoryHistory({ version: "v2", onSample: live.memory, onTrouble: events.report });
  const counters = openMemoryCounters({
    hostRoot: folder,
    hierarchy: { version: "v2", directory: cgroups, path: "/", seen: "all", localEvents: false },
    onReading: live.counter,
    onNode() {},
    onAllRead: live.allRead,
    onFound(cgroup) {
      history.found(cgroup);
      own.found(cgroup, nowMs());
    },
    onGone(path) {
      history.gone(path);
      own.gone(path, nowMs());
      live.memoryGone(path);
    },
    onUnwatched: live.unwatched,
    onTrouble: events.report,
  });
  let made = 0;
  let seq = 1;
  let nodeKills = 0;

  function read(cgroup: string, why: "found" | "changed" | "removed", local: number, tree = local): void {
    const [oom, oomTree] = [local, tree];
    live.counter({
      ...{ cgroup, atMs: nowMs(), why, fromZero: true },
      local: { oom, oomKill: local },
      tree: { oom: oomTree, oomKill: tree },
    });
  }

  function print(text: string): void {
    const monotonicUs = nowMs() * 1000;
    const stamps = { seq: seq++, monotonicUs, wallTimeUs: Date.now() * 1000, bootId: BOOT_ID };
    live.record({ origin: "kernel", level: 3, ...stamps, text, original: text }, nowMs());
  }

  function makeContainer(): Container {
    const index = made++;
    const uid = `00000000-0000-4000-8000-${index.toString(16).padStart(12, "0")}`;
    const id = index.toString(16).padStart(64, "0");
    const pod = `/kubepods/burstable/pod${uid}`;
    return { index, uid, id, pod, path: `${pod}/${id}` };
  }

  function toPod({ index, uid, id }: Container, status: object = {}): object {
    const metadata = {
      labels: { "pod-template-hash": String(index) },
      creationTimestamp: new Date().toISOString(),
      ownerReferences: [{ kind: "ReplicaSet", name: `web-${index}`, uid, controller: true }],
    };
    const containers = [{ name: "app", id: `containerd://${id}`, limit: "64Mi", ...status }];
    return plainPod({ name: `web-${index}`, namespace: `team-${index}`, uid, metadata, containers });
  }

  /** systemd runs in the container. Parents before children. */
  function cgroupsOf({ pod, path }: Container): string[] {
    return [pod, path, `${path}/init.scope`, `${path}/system.slice`];
  }

  function come(one: Container): void {
    names.changePod("ADDED", toPod(one), nowMs());
    if (one.index % NAMED === 0) writeFileSync(logOf(one), "");
    if (one.index % REAL === 0) makeReal(one);
    if (one.index % NAMED === 0) disk.learn(one.path);
    for (const path of cgroupsOf(one)) {
      const cgroup = { path, directory: join(folder, "none"), isNew: true };
      history.found(cgroup);
      own.found(cgroup, nowMs());
      read(path, "found", 0);
    }
    for (const usage of [40, 60]) live.memory(one.path, { atMs: nowMs(), usage: usage * MIB }, 64 * MIB);
  }

  function logOf({ index, id }: Container): string {
    return join(logs, `web-${index}_team-${index}_app-${id}.log`);
  }

  function makeReal({ index }: Container): void {
    const directory = join(cgroups, `kubepods/burstable/pod${index}/nested`);
    mkdirSync(directory, { recursive: true });
    for (const file of ["memory.events", "memory.events.local"]) writeFileSync(join(directory, file), "oom_kill 0\n");
  }

  /** In turn: with a report; a line alone; with no line; and gone before its count was read. */
  function kill({ index, pod, path }: Container): void {
    const way = index % 4;
    const pid = 1000 + (index % 1_000_000);
    nodeKills++;
    if (way === 1) procs.set(pid, path);
    if (way === 0 || way === 3) {
      const set = "nodemask=(null),cpuset=/,mems_allowed=0";
      print(
        `oom-kill:constraint=CONSTRAINT_MEMCG,${set},oom_memcg=${path},task_memcg=${path},task=java,pid=${pid},uid=0`,
      );
    }
    if (way !== 2) {
      const sizes = "total-vm:500000kB, anon-rss:60000kB, file-rss:100kB, shmem-rss:0kB";
      print(`Memory cgroup out of memory: Killed process ${pid} (java) ${sizes}, UID:0 pgtables:100kB oom_score_adj:0`);
    }
    if (way !== 3) read(path, "changed", 1);
    read(pod, "changed", 0, 1);
    live.node({ oomKill: nodeKills, atMs: nowMs() });
    procs.delete(pid);
  }

  function end(one: Container): void {
    const { index, pod, path, id } = one;
    const finishedAt = new Date().toISOString();
    const terminated = { containerID: `containerd://${id}`, reason: "OOMKilled", exitCode: 137, finishedAt };
    // Some end as killed though nothing was killed in them, some pods are evicted.
    names.changePod("MODIFIED", toPod(one, { state: { terminated } }), nowMs());
    const reason = index % 5 === 0 ? { reason: "Evicted", phase: "Failed" } : {};
    names.changePod("DELETED", { ...toPod(one, { state: { terminated } }), status: reason }, nowMs());
    for (const cgroup of cgroupsOf(one).reverse()) {
      const isRead = index % 4 !== 3;
      if (cgroup === pod) read(pod, "removed", 0, 1);
      else read(cgroup, "removed", cgroup === path && isRead ? 1 : 0);
      history.gone(cgroup);
      own.gone(cgroup, nowMs());
      live.memoryGone(cgroup);
    }
    for (const cgroup of [path, pod]) disk.gone(cgroup);
    if (index % NAMED === 0) rmSync(logOf(one));
    if (index % REAL === 0) rmSync(join(cgroups, `kubepods/burstable/pod${index}`), { recursive: true });
  }

  async function pass(ms: number, everyMs: number): Promise<void> {
    for (let left = ms; left > 0; left -= everyMs) {
      move(everyMs);
      counters.read();
      live.allRead(nowMs());
      own.look(nowMs());
      live.tick(nowMs());
    }
    await setImmediate();
  }

  async function churn(pods: number): Promise<void> {
    for (let left = pods; left > 0; left -= AT_ONCE) {
      const now = Array.from({ length: Math.min(left, AT_ONCE) }, makeContainer);
      now.forEach(come);
      await pass(200, 200);
      for (const one of now) kill(one);
      await pass(400, 200);
      now.forEach(end);
      await pass(8000, 400);
    }
  }

  return {
    churn,
    async rest() {
      await pass(3_600_000, 2000);
      await churn(1);
      await pass(60_000, 2000);
    },
    get kills() {
      return kills;
    },
    close() {
      counters.close();
      history.close();
      disk.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
