/** The API server of the bench: the tests' one in a process of its own, which counts what it is asked for. */
import { readFileSync } from "node:fs";
import { type KubeApi, openKubeApi, type RequestKind, type SeenRequest, type TestPod } from "../../test/kube-api.ts";
import { answerParent } from "./child.ts";

/** Of bodies. */
export interface AnswerBytes {
  pod: number;
  node: number;
  autoscalers: number;
  events: number;
}

export interface ServerCounts {
  requests: Record<RequestKind, number>;
  /** of one kind in one second */
  peak: Record<RequestKind, number>;
  /** of bodies */
  bytes: number;
  connections: number;
  watches: number;
}

const SAMPLE = readFileSync(new URL("../../test/kubernetes/deployment-pods.json", import.meta.url), "utf8");
const sample = (JSON.parse(SAMPLE) as { items: TestPod[] }).items[0] as TestPod;

const EVENTS = JSON.parse(
  readFileSync(new URL("../../test/kubernetes/sidecar-events.json", import.meta.url), "utf8"),
) as object;

let server: KubeApi;
let version = 1000;
let requests: Record<RequestKind, number>;
let seconds: Map<string, number>;
let bytesBefore = 0;

function makePod(node: number, index: number): TestPod {
  const name = `checkout-54b94897df-${node}-${index}`;
  const metadata = { ...sample.metadata, name, uid: `uid-${node}-${index}` };
  return { ...sample, metadata, spec: { ...sample.spec, nodeName: `node-${node}` } };
}

/** Composed: as many images as a kubelet tells of (nodeStatusMaxImages, 50), each under two names. */
function makeNode(name: string): object {
  const memory = { cpu: "16", memory: "65843000Ki", pods: "110", "ephemeral-storage": "209702892Ki" };
  const conditions = ["MemoryPressure", "DiskPressure", "PIDPressure", "Ready"].map((type) => ({
    type,
    status: type === "Ready" ? "True" : "False",
    lastHeartbeatTime: "2026-11-24T06:20:00Z",
    lastTransitionTime: "2026-11-24T06:12:48Z",
    reason: "KubeletHasSufficientMemory",
    message: "kubelet has sufficient memory available",
  }));
  const images = Array.from({ length: 50 }, (_, index) => {
    const image = `registry.example/team-${index}/service-${index}`;
    return {
      names: [`${image}@sha256:${"0123456789abcdef".repeat(4)}`, `${image}:1.${index}.0`],
      sizeBytes: 123456789,
    };
  });
  const status = { capacity: memory, allocatable: memory, conditions, images };
  return { kind: "Node", apiVersion: "v1", metadata: { name, uid: `uid-of-${name}` }, status };
}

/** Composed: twenty workloads of a namespace. */
function makeAutoscalers(): object {
  const items = Array.from({ length: 20 }, (_, index) => {
    const name = index === 0 ? "checkout" : `service-${index}`;
    const metric = {
      type: "Resource",
      resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } },
    };
    const conditions = ["AbleToScale", "ScalingActive", "ScalingLimited"].map((type) => ({
      type,
      status: "True",
      lastTransitionTime: "2026-11-24T06:12:48Z",
      reason: "TooManyReplicas",
      message: "the HPA was able to successfully calculate a replica count from cpu resource utilization",
    }));
    return {
      metadata: { name, namespace: "shop", uid: `uid-${name}` },
      spec: {
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name },
        minReplicas: 2,
        maxReplicas: 10,
        metrics: [metric],
      },
      status: { currentReplicas: 10, desiredReplicas: 10, conditions, currentMetrics: [metric] },
    };
  });
  return { kind: "HorizontalPodAutoscalerList", apiVersion: "autoscaling/v2", metadata: {}, items };
}

function count({ kind }: SeenRequest): void {
  requests[kind]++;
  const second = `${kind} ${Math.floor(performance.now() / 1000)}`;
  seconds.set(second, (seconds.get(second) ?? 0) + 1);
}

function startCounting(): void {
  requests = { list: 0, watch: 0, get: 0 };
  seconds = new Map();
  bytesBefore = server?.sentBytes ?? 0;
}

function peakOf(kind: RequestKind): number {
  return Math.max(0, ...[...seconds].flatMap(([second, sum]) => (second.startsWith(kind) ? [sum] : [])));
}

function counts(): ServerCounts {
  return {
    requests,
    peak: { list: peakOf("list"), watch: peakOf("watch"), get: peakOf("get") },
    bytes: server.sentBytes - bytesBefore,
    connections: server.connections,
    watches: server.watches,
  };
}

async function open(port?: number): Promise<void> {
  // What was before is not remembered, as by an API server that has just started.
  version += 100_000;
  server = await openKubeApi({ endsWatches: true, version, onRequest: count, ...(port === undefined ? {} : { port }) });
  bytesBefore = 0;
  server.objects.set("/apis/apps/v1/namespaces/shop/replicasets/checkout-54b94897df", sample);
  server.objects.set("/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers", makeAutoscalers());
  server.objects.set("/api/v1/namespaces/shop/events", EVENTS);
}

startCounting();
await open();
answerParent({
  port: () => server.port,
  answerBytes(): AnswerBytes {
    const [pod, node, autoscalers, events] = [makePod(1, 1), makeNode("node-1"), makeAutoscalers(), EVENTS].map(
      (answer) => JSON.stringify(answer).length,
    ) as [number, number, number, number];
    return { pod, node, autoscalers, events };
  },
  populate({ nodes, pods }: { nodes: number; pods: number }) {
    for (let node = 0; node < nodes; node++) {
      server.objects.set(`/api/v1/nodes/node-${node}`, makeNode(`node-${node}`));
      for (let index = 0; index < pods; index++) server.set(makePod(node, index));
    }
    // Nobody reads on from before.
    server.forget();
  },
  startCounting,
  counts,
  bookmark: () => server.bookmark(),
  async stop() {
    await server.close();
  },
  start: (port: number) => open(port),
  /** A container is killed and starts again: two changes of its pod. */
  kill(node: number) {
    server.set(makePod(node, 0));
    server.set(makePod(node, 0));
  },
  async change(times: number) {
    for (let index = 0; index < times; index++) {
      server.set(makePod(0, index % 50));
      if (index % 100 === 0) {
        server.delete(`uid-0-${index % 50}`);
        // As fast as they are read.
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
    server.forget();
  },
});
