/** Pods of the Kubernetes API, for tests: those of a real cluster, and small ones that are put together. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export type Sample = "child" | "deployment" | "init" | "sidecar" | "static";

/** What `kubectl get pods -A -o json` said right after kills: test/kubernetes/README.md. */
export function samplePods(name: Sample): unknown[] {
  return readItems(`${name}-pods`);
}

function readItems(file: string): unknown[] {
  const path = fileURLToPath(new URL(`kubernetes/${file}.json`, import.meta.url));
  return JSON.parse(readFileSync(path, "utf8")).items;
}

/** An object of one of the other lists there. */
export function sampleObject(file: string, name: string): unknown {
  return readItems(file).find((one) => (one as { metadata: { name: string } }).metadata.name === name);
}

/** One of them. @param patch of its status, merged into it */
export function samplePod(name: Sample, pod: string, patch: object = {}): Record<string, never> {
  const found = samplePods(name).find((one) => (one as { metadata: { name: string } }).metadata.name === pod);
  const { status, ...rest } = found as { status: object };
  return { ...rest, status: { ...status, ...patch } } as never;
}

export interface PlainContainer {
  name?: string;
  /** with or without `containerd://` */
  id?: string;
  limit?: string;
  restarts?: number;
  state?: object;
  lastState?: object;
}

export interface PlainPod {
  name?: string;
  namespace?: string;
  uid?: string;
  metadata?: object;
  spec?: object;
  status?: object;
  containers?: readonly PlainContainer[];
}

/** A pod as the API would show it. */
export function plainPod({
  name = "web-0",
  namespace = "shop",
  uid,
  metadata,
  spec,
  status,
  containers = [],
}: PlainPod): object {
  return {
    metadata: { name, namespace, uid, ...metadata },
    spec: {
      nodeName: "node1",
      containers: containers.map(({ name: container = "app", limit }) => ({
        name: container,
        image: "registry.example/shop/web:1.4",
        ...(limit === undefined ? {} : { resources: { limits: { memory: limit } } }),
      })),
      ...spec,
    },
    status: {
      phase: "Running",
      containerStatuses: containers.map(({ name: container = "app", id, restarts = 0, state, lastState }) => ({
        name: container,
        restartCount: restarts,
        containerID: id,
        state: state ?? { running: { startedAt: "2026-03-01T12:00:00Z" } },
        lastState: lastState ?? {},
      })),
      ...status,
    },
  };
}

/** The state of a container that has ended. */
export function ended(id: string, reason: string, exitCode: number, finishedAt = "2026-03-01T13:00:00Z"): object {
  return { terminated: { containerID: `containerd://${id}`, reason, exitCode, finishedAt } };
}

/** 64 hex digits that begin with these. */
export function containerId(start: string): string {
  return start.padEnd(64, "0");
}
