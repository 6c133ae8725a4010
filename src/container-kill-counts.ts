/**
 * How many kills were told of each container that has a name: for /metrics, and kept with the state over restarts.
 * Those that were killed of late are kept: names come from outside, and a node may run any number of them.
 */
import { remember } from "./identify/remember.ts";
import type { LogRecord } from "./ship/log-record.ts";

export interface ContainerKillCount {
  namespace: string;
  pod: string;
  container: string;
  kills: number;
}

export interface ContainerKillCounts {
  /** @param isNew false: it was counted when it was told before */
  add(records: readonly LogRecord[], isNew: (record: LogRecord) => boolean): void;
  /** the one that was killed last at the end */
  list(): ContainerKillCount[];
}

/** A series that goes is one that Prometheus sees end, as when its pod does; each takes 150 bytes of every saved state. */
const MAX_CONTAINERS = 200;

export function createContainerKillCounts(restored: readonly ContainerKillCount[] = []): ContainerKillCounts {
  const counts = new Map(restored.map((count) => [keyOf(count), { ...count }]));
  return {
    add(records, isNew) {
      for (const record of records) {
        if (record.eventName !== "oom.kill" || !isNew(record)) continue;
        // A line that may be forged names whom it likes.
        if (record.attributes["oom.attribution"] === "unverified") continue;
        const named = namesOf(record);
        if (named === undefined) continue;
        const key = keyOf(named);
        const kills = (counts.get(key)?.kills ?? 0) + 1;
        remember(counts, key, { ...named, kills }, MAX_CONTAINERS);
      }
    },
    list: () => [...counts.values()].map((count) => ({ ...count })),
  };
}

function namesOf({ resource }: LogRecord): Omit<ContainerKillCount, "kills"> | undefined {
  const namespace = resource["k8s.namespace.name"];
  const pod = resource["k8s.pod.name"];
  if (namespace === undefined || pod === undefined) return undefined;
  return { namespace: String(namespace), pod: String(pod), container: String(resource["k8s.container.name"] ?? "") };
}

/** None of them holds a slash. */
function keyOf({ namespace, pod, container }: Omit<ContainerKillCount, "kills">): string {
  return `${namespace}/${pod}/${container}`;
}
