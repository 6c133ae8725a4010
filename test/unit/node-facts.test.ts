/** Resource attributes of the node, inside a pod and outside. */
import { expect, test } from "vitest";
import { type Host, readNodeFacts } from "../../src/node-facts.ts";

const ID = "0123456789abcdef0123456789abcdef";

function host(machineId: string | undefined): Host {
  return {
    hostname: () => "oomscribe-x7k2p",
    release: () => "6.12.117-amd64",
    readFile: (path) => (path === "/etc/machine-id" ? machineId : undefined),
  };
}

test.each([
  [
    "in a pod",
    { K8S_NODE_NAME: "node-7", K8S_CLUSTER_NAME: "prod" },
    { "host.name": "node-7", "k8s.node.name": "node-7", "k8s.cluster.name": "prod" },
  ],
  ["with the shorter names", { NODE_NAME: "n", CLUSTER_NAME: "c" }, { "k8s.node.name": "n", "k8s.cluster.name": "c" }],
  ["with both names", { NODE_NAME: "n", K8S_NODE_NAME: "k" }, { "k8s.node.name": "k" }],
])("%s", (_, env, facts) => {
  expect(readNodeFacts(env, host(`${ID}\n`))).toMatchObject({ ...facts, "host.id": ID, "os.type": "linux" });
});

test("outside Kubernetes", () => {
  expect(readNodeFacts({ K8S_NODE_NAME: " " }, host(`${ID}\n`))).toEqual({
    "host.name": "oomscribe-x7k2p",
    "host.id": ID,
    "os.type": "linux",
    "os.version": "6.12.117-amd64",
  });
});

test.each([undefined, "", "uninitialized\n", "0123\n"])("a machine ID that is none: %j", (machineId) => {
  expect(readNodeFacts({}, host(machineId))).not.toHaveProperty("host.id");
});

test("on this machine", () => {
  expect(readNodeFacts({})).toMatchObject({ "host.name": expect.any(String), "os.version": expect.any(String) });
});
