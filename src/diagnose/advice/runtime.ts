/** What the victim's language runtime can be told: to stay within its limit, and to say what holds its memory. */
import type { Case } from "../case.ts";
import type { Cause } from "../diagnosis.ts";
import { quoteWord, toCommand } from "./shell.ts";
import { suggestLimit, toMebibytes } from "./sizes.ts";
import { workloadOf } from "./target.ts";

type LanguageRuntime = "jvm" | "node" | "go" | "python";

/** Names of processes. Node's main thread is called `node` (20), `MainThread` (24), `node-MainThread` (26). */
const COMMS: readonly [LanguageRuntime, RegExp][] = [
  ["jvm", /^(?:java|jsvc)$/],
  ["node", /^(?:node|nodejs|MainThread|node-MainThread|npm .*|yarn)$/],
  ["python", /^(?:python[\d.]*|gunicorn.*|uvicorn|celery|\[celeryd: .*|uwsgi)$/],
  // Programs that are known to be Go's: their names do not say.
  [
    "go",
    /^(?:prometheus|alertmanager|grafana(?:-server)?|etcd|dockerd|containerd|kubelet|kube-.*|coredns|traefik|caddy|consul|vault|nomad|loki|promtail|tempo|mimir|thanos|victoria-.*|vmagent|vmstorage|vmselect|minio|cockroach|otelcol.*|node_exporter)$/,
  ],
];

/** Threads that only the JVM has: one of them asks for memory as often as not. HotSpot, share/runtime/thread names. */
const JVM_THREAD =
  /^(?:GC Thread#|G1 |VM Thread|VM Periodic|C[12] Compiler|Parallel GC|ZWorker|ShenandoahGC|Signal Dispatch|Reference Handl)/;

/** Words of an image's name, between its marks. */
const IMAGES: readonly [LanguageRuntime, RegExp][] = [
  [
    "jvm",
    /(?:^|[/_.-])(?:openjdk|jdk|jre|java|temurin|corretto|zulu|tomcat|elasticsearch|cassandra|kafka)(?:$|[_.\d-])/,
  ],
  ["node", /(?:^|[/_.-])(?:node|nodejs)(?:$|[_.\d-](?!exporter))/],
  ["python", /(?:^|[/_.-])python(?:$|[_.\d-])/],
  ["go", /(?:^|[/_.-])golang(?:$|[_.\d-])/],
];

/** Its name decides; where that says nothing, a thread of it, then its image. */
export function runtimeOf({ kill, who }: Case): LanguageRuntime | undefined {
  const { comm } = kill.victim;
  const byName = comm === undefined ? undefined : COMMS.find(([, pattern]) => pattern.test(comm));
  if (byName !== undefined) return byName[0];
  // A thread's own name, while the process is called otherwise, proves the runtime only if it is the victim's.
  if (comm !== undefined && JVM_THREAD.test(comm)) return "jvm";
  const image = who?.image?.name;
  return image === undefined ? undefined : IMAGES.find(([, pattern]) => pattern.test(image))?.[0];
}

/** Of a limit, what a runtime's own heap may take: the rest is threads, code, buffers, and what is read from disk. */
const HEAP_SHARE = 0.75;
/** Go counts nearly all that it takes. */
const GO_SHARE = 0.9;

/** Bytes of limit → what to set, by runtime. */
const STAY_WITHIN: Readonly<Record<LanguageRuntime, (limit: number) => string>> = {
  // Java 10 and later; the default is a quarter of the limit, so that it only matters with -Xmx or beside much else.
  jvm: () => `JAVA_TOOL_OPTIONS=-XX:MaxRAMPercentage=${HEAP_SHARE * 100} -XX:+ExitOnOutOfMemoryError`,
  node: (limit) => `NODE_OPTIONS=--max-old-space-size=${toMebibytes(limit * HEAP_SHARE)}`,
  go: (limit) => `GOMEMLIMIT=${toMebibytes(limit * GO_SHARE)}MiB`,
  // glibc keeps an arena a thread, eight a core at most, and gives little of them back.
  python: () => "MALLOC_ARENA_MAX=2",
};

/** … so that the next time it says what holds the memory, before the kernel kills it. */
const SAY_WHAT: Readonly<Partial<Record<LanguageRuntime, (limit: number) => string>>> = {
  jvm: () =>
    `JAVA_TOOL_OPTIONS=-XX:MaxRAMPercentage=${HEAP_SHARE * 100} -XX:+HeapDumpOnOutOfMemoryError -XX:HeapDumpPath=/tmp -XX:+ExitOnOutOfMemoryError`,
  node: (limit) =>
    `NODE_OPTIONS=--max-old-space-size=${toMebibytes(limit * HEAP_SHARE)} --heapsnapshot-near-heap-limit=1 --diagnostic-dir=/tmp`,
};

const HELPED: readonly Cause[] = ["limit_too_low", "leak", "spike", "unknown"];

/** A variable of its environment, as a command where the pod's owner is known, else as `export`. */
export function adviseRuntime(one: Case, cause: Cause): string[] {
  const runtime = runtimeOf(one);
  const limit = one.kill.scope === "node" ? undefined : (suggestLimit(one, cause) ?? one.use.whole);
  if (runtime === undefined || limit === undefined || !HELPED.includes(cause)) return [];
  const sayWhat = cause === "leak" ? SAY_WHAT[runtime] : undefined;
  const variable = (sayWhat ?? STAY_WITHIN[runtime])(limit);
  const workload = workloadOf(one.who);
  if (workload?.template !== undefined && workload.container !== undefined) {
    const { template, namespace, container } = workload;
    return [toCommand("kubectl", "set", "env", template, "-n", namespace, "-c", container, variable)];
  }
  const [name = "", ...value] = variable.split("=");
  return [`export ${name}=${quoteWord(value.join("="))}`];
}
