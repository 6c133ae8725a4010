/** `--k8s FILE`: names the pod and the container of a kill, on its resource and in its sentence. */
import { readFile } from "node:fs/promises";
import type { Attributes, LogRecord } from "../../ship/log-record.ts";
import { readableName } from "../../ship/readable.ts";
import { InputError } from "../inputs.ts";
import { type Pods, parsePods } from "./pods.ts";

export interface Namer {
  /** The record with what is known of its pod; as it is where nothing is. */
  name(record: LogRecord): LogRecord;
}

/** @throws InputError */
export async function openNamer(path: string): Promise<Namer> {
  const advice = "kubectl get pods -A -o json > pods.json makes it";
  let json: string;
  try {
    json = await readFile(path, "utf8");
  } catch (error) {
    throw new InputError(`--k8s ${path}: ${(error as Error).message}; ${advice}`);
  }
  const pods = parsePods(json);
  if (pods === undefined) throw new InputError(`--k8s ${path}: no list of pods in JSON; ${advice}`);
  return { name: (record) => nameRecord(pods, record) };
}

export function nameRecord(pods: Pods, record: LogRecord): LogRecord {
  const id = record.resource["container.id"];
  const uid = record.resource["k8s.pod.uid"];
  const container = typeof id === "string" ? pods.byContainer(id) : undefined;
  const pod = (typeof uid === "string" ? pods.byUid(uid) : undefined) ?? container?.pod;
  if (pod === undefined) return record;
  // One of another pod under the same ID is none: then only the pod is sure.
  const own = container?.pod === pod ? container : undefined;
  const added: Record<string, string | number | undefined> = {
    "k8s.namespace.name": pod.namespace,
    "k8s.pod.name": pod.pod,
    "k8s.node.name": pod.node,
    ...(pod.owner === undefined ? {} : { [pod.owner.key]: pod.owner.name }),
    "k8s.container.name": own?.container,
    "k8s.container.restart_count": own?.restarts,
    "container.image.name": own?.image,
  };
  const resource: Attributes = { ...record.resource };
  for (const [key, value] of Object.entries(added)) {
    // What the log or --node says of the node stands above a list of another time.
    if (value !== undefined) resource[key] ??= value;
  }
  return { ...record, resource, body: nameBody(record.body, String(id), String(uid), pod, own?.container) };
}

/** In the words of the sentence, as `placeOf` of src/ship/sentence.ts has them. */
function nameBody(
  body: string,
  id: string,
  uid: string,
  { namespace, pod }: { namespace: string; pod: string },
  container: string | undefined,
): string {
  const name = `${readableName(namespace)}/${readableName(pod)}`;
  const named = body.replace(`pod ${uid}`, () => `pod ${name}`);
  if (container === undefined) return named;
  return named.replace(`container ${id.slice(0, 12)}`, () => `container ${readableName(container)}`);
}
