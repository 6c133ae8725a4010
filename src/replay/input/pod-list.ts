/** `--k8s FILE`: the output of `kubectl get pods -A -o json` → who a victim's cgroup belongs to. */
import { readFile } from "node:fs/promises";
import { type Identify, identify } from "../../identify/identifier.ts";
import { createPodCache, type PodCache } from "../../identify/pods/pod-cache.ts";
import { InputError } from "./inputs.ts";

/** @throws InputError */
export async function openPodList(path: string): Promise<Identify> {
  const advice = "kubectl get pods -A -o json > pods.json makes it";
  let json: string;
  try {
    json = await readFile(path, "utf8");
  } catch (error) {
    throw new InputError(`--k8s ${path}: ${(error as Error).message}; ${advice}`);
  }
  const pods = parsePodList(json);
  if (pods === undefined) throw new InputError(`--k8s ${path}: no list of pods in JSON; ${advice}`);
  return (identity) => identify(identity, { pods, podSource: "pod_list" });
}

/** @returns undefined where it is no list of pods nor a pod */
export function parsePodList(json: string): PodCache | undefined {
  const items = itemsOf(json);
  if (items === undefined) return undefined;
  const pods = createPodCache();
  pods.replace(items, 0);
  return pods;
}

function itemsOf(json: string): unknown[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  const { kind, items } = (value ?? {}) as { kind?: unknown; items?: unknown };
  if (Array.isArray(items)) return items;
  return kind === "Pod" ? [value] : undefined;
}
