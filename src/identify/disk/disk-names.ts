/**
 * Names of containers from the node's own files: where the API server is not there, may not be asked or does not know
 * them yet, and on nodes without Kubernetes. Nothing is written, and nothing but small files is read.
 *
 * A container's files go with it, some 70 to 200 ms after its kill. So they are read when its cgroup is found, and
 * what was learned is kept for a while after it is gone.
 */
import { parseCgroupPath } from "../../../parsers/cgroup/path.ts";
import {
  CONTAINER_ID,
  type ContainerNames,
  isInPod,
  isNamed,
  POD_UID,
} from "../../../parsers/runtimes/container-names.ts";
import { createKept } from "./kept.ts";
import { type NamesTrouble, openNamesReader } from "./read-names.ts";

export type { ContainerNames } from "../../../parsers/runtimes/container-names.ts";

export type DiskNamesTrouble =
  | NamesTrouble
  /** a container has a cgroup and is in no file that is known here; `containerId` */
  | "container_names_unknown";

export interface DiskNamesOptions {
  /** where the node's own file system is mounted: `/host` */
  hostRoot: string;
  onTrouble(name: DiskNamesTrouble, detail: Readonly<Record<string, string | number>>): void;
  /** milliseconds of a clock that does not go back, for tests */
  now?: () => number;
}

export interface DiskNames {
  /** The cgroup has been found. What is no container's or pod's is passed over, as is what is known already. */
  learn(cgroup: string): void;
  /** The cgroup is gone. */
  gone(cgroup: string): void;
  /**
   * What was learned, else what the files say now. IDs may come from anywhere: what has another form is not looked
   * for. Where only the pod is known its names come without a container's.
   * @param podUid as in the cgroup path; names of a container that is said to be in another pod are refused
   */
  of(containerId: string | undefined, podUid?: string): ContainerNames | undefined;
  close(): void;
}

const KEPT = { max: 4096, keptMs: 10 * 60_000 };
/** A cgroup is made after the bundle is written, but the kubelet's names for its logs come after the start. */
const RETRIES_MS = [50, 250, 1000, 5000];
/** As many as there are cgroups that are followed. */
const MAX_WAITING = 10_000;
/**
 * At the start all containers come at once; whoever reads the kernel's log comes in between. One takes 0.2 ms with a
 * config.json of 15 kB, so that 250 are read in 50 ms (Node 24, two cores of a VM).
 */
const SLICE_MS = 10;

interface Waiting {
  podUid: string | undefined;
  retries: number;
  dueMs: number;
}

export function openDiskNames({ hostRoot, onTrouble, now = () => performance.now() }: DiskNamesOptions): DiskNames {
  const reader = openNamesReader({ hostRoot, onTrouble });
  const containers = createKept<ContainerNames>(KEPT);
  const pods = createKept<ContainerNames>(KEPT);
  const waiting = new Map<string, Waiting>();
  let timer: NodeJS.Timeout | undefined;
  let timerDueMs = 0;
  let sliceEndsMs: number | undefined;
  let isClosed = false;

  function isSliceOver(): boolean {
    if (sliceEndsMs === undefined) {
      sliceEndsMs = now() + SLICE_MS;
      setImmediate(() => {
        sliceEndsMs = undefined;
      });
    }
    return now() > sliceEndsMs;
  }

  function keep(containerId: string, podUid: string | undefined, names: ContainerNames): void {
    containers.set(containerId, names);
    const uid = names.podUid ?? podUid;
    const { namespace, pod, source } = names;
    if (uid !== undefined && namespace !== undefined && pod !== undefined) {
      pods.set(uid.toLowerCase(), { source, namespace, pod, podUid: uid });
    }
  }

  function tryOne(containerId: string, podUid: string | undefined, retries: number): void {
    const names = reader.container(containerId, podUid);
    if (names !== undefined && isNamed(names)) keep(containerId, podUid, names);
    else if (retries < RETRIES_MS.length) wait(containerId, podUid, retries + 1, RETRIES_MS[retries] ?? 0);
    else if (names !== undefined) keep(containerId, podUid, names);
    else onTrouble("container_names_unknown", { containerId });
  }

  function wait(containerId: string, podUid: string | undefined, retries: number, inMs: number): void {
    if (waiting.size >= MAX_WAITING) {
      onTrouble("container_names_unknown", { containerId });
      return;
    }
    const dueMs = now() + inMs;
    waiting.set(containerId, { podUid, retries, dueMs });
    schedule(dueMs);
  }

  function schedule(dueMs: number): void {
    if (isClosed || (timer !== undefined && timerDueMs <= dueMs)) return;
    clearTimeout(timer);
    timerDueMs = dueMs;
    timer = setTimeout(tryThoseDue, Math.max(0, dueMs - now())).unref();
  }

  function tryThoseDue(): void {
    timer = undefined;
    const nowMs = now();
    let nextMs = Number.POSITIVE_INFINITY;
    // Those that were never looked for come first: files that were not there are as a rule not there again.
    for (const isFirst of [true, false]) {
      for (const [containerId, { podUid, retries, dueMs }] of [...waiting]) {
        if ((retries === 0) !== isFirst) continue;
        if (dueMs > nowMs || isSliceOver()) {
          nextMs = Math.min(nextMs, dueMs);
          continue;
        }
        waiting.delete(containerId);
        tryOne(containerId, podUid, retries);
      }
    }
    if (nextMs !== Number.POSITIVE_INFINITY) schedule(nextMs);
  }

  function ofContainer(containerId: string, podUid: string | undefined): ContainerNames | undefined {
    const learned = containers.get(containerId);
    if (learned !== undefined && isNamed(learned)) {
      return isInPod(learned, podUid) ? reader.complete(learned, containerId) : undefined;
    }
    const names = reader.container(containerId, podUid);
    if (names === undefined) return learned;
    keep(containerId, podUid, names);
    // Nobody has told of its cgroup: it may be gone, and its pod's too.
    containers.leave(containerId, now());
    pods.leave((names.podUid ?? podUid ?? "").toLowerCase(), now());
    return reader.complete(names, containerId);
  }

  function ofPod(podUid: string): ContainerNames | undefined {
    return pods.get(podUid.toLowerCase()) ?? reader.pod(podUid);
  }

  return {
    learn(cgroup) {
      containers.prune(now());
      pods.prune(now());
      const { kind, containerId, podUid } = parseCgroupPath(cgroup);
      if (isClosed || kind !== "container" || containerId === undefined || !CONTAINER_ID.test(containerId)) return;
      if (containers.get(containerId) !== undefined || waiting.has(containerId)) return;
      if (isSliceOver()) wait(containerId, podUid, 0, 0);
      else tryOne(containerId, podUid, 0);
    },
    gone(cgroup) {
      const { kind, containerId, podUid, nested } = parseCgroupPath(cgroup);
      if (nested !== undefined) return;
      if (kind === "pod" && podUid !== undefined) pods.leave(podUid.toLowerCase(), now());
      if (kind !== "container" || containerId === undefined) return;
      waiting.delete(containerId);
      containers.leave(containerId, now());
    },
    of(containerId, podUid) {
      const uid = podUid !== undefined && POD_UID.test(podUid) ? podUid : undefined;
      const isId = containerId !== undefined && CONTAINER_ID.test(containerId);
      const names = isId ? ofContainer(containerId, uid) : undefined;
      if (names !== undefined && isNamed(names)) return names;
      const pod = uid === undefined ? undefined : ofPod(uid);
      return pod === undefined ? names : { ...names, ...pod };
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
