/** A test's own view of a node's pods, as whoever follows them would have it, and what was said about the following. */
import { setTimeout } from "node:timers/promises";
import { type Api, openApi } from "../src/identify/kubernetes/api.ts";
import type { Connection, Credentials } from "../src/identify/kubernetes/credentials.ts";
import { type FollowedPods, type FollowPodsOptions, followPods } from "../src/identify/kubernetes/watch/follow-pods.ts";
import type { TestPod } from "./kube-api.ts";

export interface Followed extends FollowedPods {
  api: Api;
  /** by UID */
  known: Map<string, TestPod>;
  lists: number;
  troubles: [name: string, detail: Readonly<Record<string, string | number>>][];
  states: string[];
}

/** Well beyond what any test takes; nothing is asserted about how long it does. */
const PATIENCE_MS = 20_000;
const QUICK = { firstMs: 5, maxMs: 20, blockedMs: 10 };

export function plainCredentials(url: string, changes: Partial<Connection> = {}): Credentials {
  return { connection: async () => ({ server: new URL(url), headers: {}, tls: {}, ...changes }), refused() {} };
}

export function follow(
  credentials: Credentials | string,
  options: Partial<FollowPodsOptions> & { nodeName?: string } = {},
): Followed {
  const api = openApi({
    credentials: typeof credentials === "string" ? plainCredentials(credentials) : credentials,
    userAgent: "oomscribe/test",
  });
  const seen: Pick<Followed, "known" | "lists" | "troubles" | "states"> = {
    known: new Map(),
    lists: 0,
    troubles: [],
    states: [],
  };
  const followed = followPods({
    api,
    nodeName: "node-1",
    backoff: QUICK,
    onReplace(pods) {
      seen.lists++;
      seen.known = new Map((pods as TestPod[]).map((pod) => [pod.metadata.uid, pod]));
      result.known = seen.known;
      result.lists = seen.lists;
    },
    onChange(type, pod) {
      const { uid } = (pod as TestPod).metadata;
      if (type === "DELETED") seen.known.delete(uid);
      else seen.known.set(uid, pod as TestPod);
    },
    onState: (state) => seen.states.push(state.is),
    onTrouble: (...trouble) => seen.troubles.push(trouble),
    ...options,
  });
  const result: Followed = Object.assign(Object.create(followed, Object.getOwnPropertyDescriptors(followed)), {
    ...seen,
    api,
    close() {
      followed.close();
      api.close();
    },
  });
  return result;
}

export async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!condition()) {
    if (Date.now() > end) throw new Error("it did not come to this");
    await setTimeout(2);
  }
}
