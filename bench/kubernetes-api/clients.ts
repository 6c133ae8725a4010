/** Agents' Kubernetes clients, many in one process: each follows its node, as the agent does. `node clients.ts URL FROM COUNT` */

import type { Who } from "../../src/identify/container-metadata.ts";
import { openAutoscalers } from "../../src/identify/context/autoscalers.ts";
import { readNode } from "../../src/identify/context/node.ts";
import { openPodEvents } from "../../src/identify/follow-up/pod-events.ts";
import { openApi } from "../../src/identify/kubernetes/api.ts";
import { CALLS } from "../../src/identify/kubernetes/calls.ts";
import { openObjects } from "../../src/identify/kubernetes/objects.ts";
import { followNode } from "../../src/identify/kubernetes/watch/follow-node.ts";
import { followPods } from "../../src/identify/kubernetes/watch/follow-pods.ts";
import { plainCredentials } from "../../test/followed.ts";
import { answerParent } from "./child.ts";

const [url = "", from = "0", count = "1"] = process.argv.slice(2);
let pods = 0;
let nodes = 0;

const clients = Array.from({ length: Number(count) }, (_, index) => {
  const api = openApi({ credentials: plainCredentials(url), userAgent: "bench" });
  const followed = followPods({
    api,
    nodeName: `node-${Number(from) + index}`,
    onReplace: (all) => {
      pods += all.length;
    },
    onChange() {},
    onTrouble() {},
  });
  const objects = openObjects({
    api,
    read: (json) => (json as { metadata?: { name?: string } }).metadata?.name,
    onTrouble() {},
  });
  followNode({
    api,
    nodeName: `node-${Number(from) + index}`,
    read: readNode,
    isTroubled: () => false,
    onNode() {
      nodes++;
    },
    onTrouble() {},
  });
  const parts = { api, onTrouble() {} };
  const who: Who = {
    sources: ["kubernetes_api"],
    missing: [],
    namespace: "shop",
    podUid: `uid-${Number(from) + index}-0`,
    owners: [{ kind: "Deployment", name: "checkout", evidence: "template_hash" }],
  };
  return { followed, objects, who, autoscalerOf: openAutoscalers(parts), eventsOf: openPodEvents(parts) };
});

answerParent({
  synced: () => clients.filter(({ followed }) => followed.state.is === "synced").length,
  changes: () => clients.reduce((sum, { followed }) => sum + followed.counts.changes, 0),
  listed: () => pods,
  nodes: () => nodes,
  /** as for a kill, and as for its follow-up */
  scaled: () => clients.filter(({ who, autoscalerOf }) => typeof autoscalerOf(who) === "object").length,
  noted: () => clients.filter(({ who, eventsOf }) => Array.isArray(eventsOf(who))).length,
  async owners() {
    await Promise.all(clients.map(({ objects }) => objects.get(CALLS.replicaSet, "checkout-54b94897df", "shop")));
  },
  memory() {
    globalThis.gc?.();
    const { rss, heapUsed } = process.memoryUsage();
    return { rss, heapUsed };
  },
});
