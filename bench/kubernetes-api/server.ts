/** The API server of the bench: the tests' one in a process of its own, which counts what it is asked for. */
import { readFileSync } from "node:fs";
import { type KubeApi, openKubeApi, type RequestKind, type SeenRequest, type TestPod } from "../../test/kube-api.ts";
import { answerParent } from "./child.ts";

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
}

startCounting();
await open();
answerParent({
  port: () => server.port,
  podBytes: () => JSON.stringify(makePod(1, 1)).length,
  populate({ nodes, pods }: { nodes: number; pods: number }) {
    for (let node = 0; node < nodes; node++)
      for (let index = 0; index < pods; index++) server.set(makePod(node, index));
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
