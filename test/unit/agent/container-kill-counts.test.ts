/** Kills by container for /metrics: those that have names, a bounded number, each once. */
import { expect, test } from "vitest";
import { createContainerKillCounts } from "../../../src/agent/container-kill-counts.ts";
import type { LogRecord } from "../../../src/record/log-record.ts";

const kill = (pod: string | undefined, container?: string, eventName = "oom.kill"): LogRecord => ({
  severityText: "ERROR",
  severityNumber: 17,
  eventName,
  body: "",
  resource: {
    ...(pod === undefined ? {} : { "k8s.namespace.name": "shop", "k8s.pod.name": pod }),
    ...(container === undefined ? {} : { "k8s.container.name": container }),
  },
  attributes: {},
});

test("by names; what has none, and what is no kill, is not counted here", () => {
  const counts = createContainerKillCounts();
  counts.add([kill("web-0", "app"), kill("web-0"), kill(undefined), kill("web-0", "app", "oom.follow_up")], () => true);
  counts.add([kill("web-0", "app")], () => true);
  counts.add([kill("web-0", "app")], () => false);
  expect(counts.list()).toEqual([
    { namespace: "shop", pod: "web-0", container: "", kills: 1 },
    { namespace: "shop", pod: "web-0", container: "app", kills: 2 },
  ]);
});

test("a kill line that no count confirms is nobody's kill", () => {
  const counts = createContainerKillCounts();
  counts.add([{ ...kill("web-0", "app"), attributes: { "oom.attribution": "unverified" } }], () => true);
  expect(counts.list()).toEqual([]);
});

test("they go on from the last run", () => {
  const counts = createContainerKillCounts([{ namespace: "shop", pod: "web-0", container: "app", kills: 4 }]);
  counts.add([kill("web-0", "app")], () => true);
  expect(counts.list()).toEqual([{ namespace: "shop", pod: "web-0", container: "app", kills: 5 }]);
});

test("200 are kept: the one that was not killed for longest goes", () => {
  const counts = createContainerKillCounts();
  for (let i = 0; i < 300; i++) counts.add([kill("first", "app"), kill(`job-${i}`, "app")], () => true);
  const list = counts.list();
  expect(list).toHaveLength(200);
  expect(list.find(({ pod }) => pod === "first")?.kills).toBe(300);
  expect(list.some(({ pod }) => pod === "job-99")).toBe(false);
  expect(list.at(-1)?.pod).toBe("job-299");
});
