/** Resource attributes of the node, inside a pod and outside. */
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { type Host, readNodeResource } from "../../../src/agent/node-resource.ts";
import { readConfig } from "../../../src/config/read.ts";
import type { Attributes } from "../../../src/record/log-record.ts";
import { parsePageSize, readPageSize } from "../../../src/sources/host.ts";

const ID = "0123456789abcdef0123456789abcdef";

function host(machineId: string | undefined): Host {
  return {
    hostname: () => "oomscribe-x7k2p",
    release: () => "6.12.117-amd64",
    readFile: (path) => (path === "/etc/machine-id" ? machineId : undefined),
  };
}

/** As the agent has them: what names the node is read with its configuration. */
function readFacts(env: Record<string, string>, from?: Host): Attributes {
  const warnings: string[] = [];
  const facts = readNodeResource(readConfig({ flags: new Map(), env }), (reason) => warnings.push(reason), from);
  expect(warnings).toEqual([]);
  return facts;
}

test.each<[string, Record<string, string>, Attributes]>([
  [
    "in a pod",
    { K8S_NODE_NAME: "node-7", K8S_CLUSTER_NAME: "prod" },
    { "host.name": "node-7", "k8s.node.name": "node-7", "k8s.cluster.name": "prod" },
  ],
  ["with the shorter names", { NODE_NAME: "n", CLUSTER_NAME: "c" }, { "k8s.node.name": "n", "k8s.cluster.name": "c" }],
  ["with both names", { NODE_NAME: "n", K8S_NODE_NAME: "k" }, { "k8s.node.name": "k" }],
])("%s", (_, env, facts) => {
  expect(readFacts(env, host(`${ID}\n`))).toMatchObject({ ...facts, "host.id": ID, "os.type": "linux" });
});

test("outside Kubernetes", () => {
  expect(readFacts({ K8S_NODE_NAME: " " }, host(`${ID}\n`))).toEqual({
    "host.name": "oomscribe-x7k2p",
    "host.id": ID,
    "os.type": "linux",
    "os.version": "6.12.117-amd64",
  });
});

test.each([undefined, "", "uninitialized\n", "0123\n"])("a machine ID that is none: %j", (machineId) => {
  expect(readFacts({}, host(machineId))).not.toHaveProperty("host.id");
});

test("on this machine", () => {
  expect(readFacts({})).toMatchObject({ "host.name": expect.any(String), "os.version": expect.any(String) });
});

test("the page size of this kernel, and of others", () => {
  expect(readPageSize()).toBe(Number(execFileSync("getconf", ["PAGESIZE"], { encoding: "utf8" })));
  expect(parsePageSize("Size: 4 kB\nKernelPageSize:       64 kB\nMMUPageSize:       64 kB\n")).toBe(65_536);
  expect(parsePageSize("")).toBeUndefined();
});
