/** The API server or the kubelet: whether they tell the node's pods, and which rights are missing. */

import { choosePodSource, type PodSource } from "../../agent/open-enricher.ts";
import { type Api, openApi } from "../../identify/kubernetes/api.ts";
import { type ApiCall, CALLS, describeRight, toListPath, toObjectPath } from "../../identify/kubernetes/calls.ts";
import type { Failure } from "../../identify/kubernetes/failure.ts";
import { listAll } from "../../identify/kubernetes/watch/list.ts";
import { followKubelet } from "../../identify/pods/kubelet.ts";
import { countOf } from "../../replay/input/captures.ts";
import type { CheckContext, Finding } from "../check.ts";

export interface KubernetesOptions {
  env: Readonly<Record<string, string | undefined>>;
  /** of each request, milliseconds */
  timeoutMs: number;
}

const DEFAULTS: KubernetesOptions = { env: process.env, timeoutMs: 5000 };
/** A name that no object has: where it may be asked for, the answer is that there is none. */
const NO_OBJECT = "oomscribe-doctor";
const MAX_BYTES = 8 * 1024 * 1024;

export async function checkKubernetes(
  { config, version }: Pick<CheckContext, "config" | "version">,
  { env, timeoutMs } = DEFAULTS,
): Promise<Finding> {
  if (config === undefined) return { status: "skipped", says: "no configuration says whom to ask" };
  const userAgent = `oomscribe/${version}`;
  const source = choosePodSource(config.settings, env);
  switch (source.is) {
    case "nobody":
      return { status: "skipped", says: `no Kubernetes API is asked: ${source.reason}` };
    case "nameless":
      return {
        status: "failed",
        says: "the node's name is not set, so its pods cannot be asked for",
        advice: "set K8S_NODE_NAME to spec.nodeName by the downward API",
      };
    case "kubelet":
      return checkKubelet(source, userAgent, timeoutMs);
    case "api":
      return checkApi(source, userAgent, timeoutMs);
  }
}

async function checkApi(
  { credentials, nodeName }: Extract<PodSource, { is: "api" }>,
  userAgent: string,
  timeoutMs: number,
): Promise<Finding> {
  const api = openApi({ credentials, userAgent });
  try {
    const fieldSelector = `spec.nodeName=${nodeName}`;
    const { signal } = new AbortController();
    const listed = await listAll(api, CALLS.pods, { fieldSelector, resourceVersion: "0", timeoutMs, signal });
    if (listed.failure !== undefined) return unanswered(listed.failure, CALLS.pods);
    const missing = await missingRights(api, fieldSelector, nodeName, timeoutMs);
    return judge(nodeName, listed.items.length, missing);
  } finally {
    api.close();
  }
}

function unanswered({ kind, reason }: Failure, call: ApiCall): Finding {
  const isRight = kind === "forbidden" || kind === "unauthorized";
  return {
    status: "failed",
    says: `the API server does not tell the node's pods: ${reason}`,
    advice: isRight
      ? `grant the agent's account: ${describeRight(call)} (daemonset/base/rbac.yaml); names are those of the node's files until then`
      : "see that it is reachable from here; names are those of the node's files until then",
    detail: { kind },
  };
}

function judge(nodeName: string, pods: number, missing: readonly string[]): Finding {
  const says = `the API server tells of ${countOf(pods, "pod")} on ${nodeName}`;
  const detail = { pods, missing };
  if (missing.length > 0) {
    const advice = `grant the agent's account: ${missing.join("; ")} (daemonset/base/rbac.yaml)`;
    return { status: "warning", says: `${says}; rights are missing`, advice, detail };
  }
  if (pods > 0) return { status: "ok", says, detail };
  return {
    status: "warning",
    says: `${says}: the agent's own should be one`,
    advice: "see that the node's name is the one that `kubectl get nodes` has",
    detail,
  };
}

async function missingRights(api: Api, fieldSelector: string, nodeName: string, timeoutMs: number): Promise<string[]> {
  const isForbidden = (failure: Failure | undefined): boolean => failure?.kind === "forbidden";
  const get = async (path: string): Promise<boolean> =>
    isForbidden((await api.get(path, { timeoutMs, maxBytes: MAX_BYTES })).failure);
  const watch = { ...CALLS.pods, verbs: ["watch"] } as const;
  const asked: [ApiCall, Promise<boolean>][] = [
    [watch, isWatchForbidden(api, fieldSelector, timeoutMs)],
    [CALLS.node, get(toObjectPath(CALLS.node, nodeName))],
    [CALLS.replicaSet, get(toObjectPath(CALLS.replicaSet, NO_OBJECT, "default"))],
    [CALLS.job, get(toObjectPath(CALLS.job, NO_OBJECT, "default"))],
    [CALLS.autoscalers, get(toListPath(CALLS.autoscalers, { limit: "1" }, "default"))],
    [CALLS.events, get(toListPath(CALLS.events, { limit: "1" }, "default"))],
  ];
  const missing: string[] = [];
  for (const [call, isMissing] of asked) if (await isMissing) missing.push(describeRight(call));
  return missing;
}

/** One that the server ends after a second. */
async function isWatchForbidden(api: Api, fieldSelector: string, timeoutMs: number): Promise<boolean> {
  const opened = new AbortController();
  const path = toListPath(CALLS.pods, { watch: "1", fieldSelector, resourceVersion: "0", timeoutSeconds: "1" });
  const failure = await api.watch(path, {
    timeoutMs,
    silenceMs: timeoutMs,
    signal: opened.signal,
    onOpen: () => opened.abort(),
    onLine: () => undefined,
  });
  return failure?.kind === "forbidden";
}

async function checkKubelet(
  { is: _, ...kubelet }: Extract<PodSource, { is: "kubelet" }>,
  userAgent: string,
  timeoutMs: number,
): Promise<Finding> {
  const answer = Promise.withResolvers<Finding>();
  const followed = followKubelet({
    ...kubelet,
    userAgent,
    onReplace: (pods) => answer.resolve({ status: "ok", says: `the kubelet tells of ${countOf(pods.length, "pod")}` }),
    onTrouble(name, detail) {
      if (name === "kubelet_unverified" || name === "kubelet_synced") return;
      answer.resolve(kubeletFailed(String(detail["reason"]), detail["needs"]));
    },
  });
  const timer = setTimeout(() => answer.resolve(kubeletFailed(`no answer within ${timeoutMs} ms`)), timeoutMs);
  try {
    return await answer.promise;
  } finally {
    clearTimeout(timer);
    followed.close();
  }
}

function kubeletFailed(reason: string, needs?: unknown): Finding {
  return {
    status: "failed",
    says: `the kubelet does not tell the node's pods: ${reason}`,
    advice:
      needs === undefined ? "see that its address is right, and kubelet-ca-file its authority" : `grant: ${needs}`,
  };
}
