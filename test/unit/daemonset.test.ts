/** The manifests: no right that is not used, settings that the agent takes, and every door shut that can be. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { checkSettings } from "../../src/config/schema.ts";
import { CALLS } from "../../src/identify/api/calls.ts";
import { findRbacDifferences } from "../rbac.ts";

const DAEMONSET = new URL("../../daemonset/", import.meta.url);

interface Manifest {
  kind: string;
  data: Record<string, string>;
  spec: {
    template: {
      spec: Record<string, unknown> & {
        containers: [Record<string, unknown> & { volumeMounts: Mount[]; resources: Record<string, unknown> }];
        volumes: { name: string }[];
      };
    };
  };
}

interface Mount {
  name: string;
  mountPath: string;
  readOnly?: boolean;
}

function read(path: string): string {
  return readFileSync(new URL(path, DAEMONSET), "utf8");
}

function manifest(path: string, kind: string): Manifest {
  const found = parseAllDocuments(read(path)).map((document) => document.toJS() as Manifest);
  return found.find((one) => one.kind === kind) as Manifest;
}

test("the rights are what the code asks for, no more and no less", () => {
  const calls = Object.values(CALLS).filter((call) => !("optional" in call));
  expect(findRbacDifferences(read("base/rbac.yaml"), calls)).toEqual([]);
});

const files = readdirSync(DAEMONSET, { recursive: true, encoding: "utf8" });
const configs = files.filter((path) => path.endsWith("/config.yaml"));

test("there are settings to be held against the schema", () => {
  expect(configs).toEqual(expect.arrayContaining(["base/config.yaml", "overlays/cubeapm/config.yaml"]));
});

test.each(configs)("%s: the agent takes its settings", (path) => {
  const { data } = manifest(path, "ConfigMap");
  const [document] = parseAllDocuments(data["config.yaml"] ?? "");
  const checked = checkSettings(document?.toJS() as Record<string, unknown>);
  expect(checked).toMatchObject({
    settings: { "host-root": "/host", "state-dir": "/var/lib/oomscribe", listen: ":9464" },
  });
});

const pod = manifest("base/daemonset.yaml", "DaemonSet").spec.template.spec;
const [container] = pod.containers;

test("of all mounts the state directory alone can be written to; each has its volume", () => {
  const writable = container.volumeMounts.filter(({ readOnly }) => readOnly !== true).map(({ name }) => name);
  expect(writable).toEqual(["state"]);
  expect(pod.volumes.map(({ name }) => name)).toEqual(container.volumeMounts.map(({ name }) => name));
});

test("a root that is read only, no network of the node, Guaranteed QoS, the highest priority", () => {
  expect(container["securityContext"]).toMatchObject({ readOnlyRootFilesystem: true });
  expect(pod).toMatchObject({ hostNetwork: false, priorityClassName: "system-node-critical" });
  expect(container.resources["limits"]).toEqual(container.resources["requests"]);
});

test("probes have a port of their own, which no NetworkPolicy opens; the metrics port is open to some namespaces alone", () => {
  const ports = container["ports"] as { name: string; containerPort: number }[];
  const env = container["env"] as { name: string; value?: string }[];
  const probes = ports.find(({ name }) => name === "probes");
  expect(env).toContainEqual({ name: "OOMSCRIBE_PROBE_LISTEN", value: `:${probes?.containerPort}` });
  for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"]) {
    expect(container[probe]).toMatchObject({ httpGet: { port: "probes" } });
  }
  const { spec } = manifest("base/network-policy.yaml", "NetworkPolicy") as unknown as {
    spec: { ingress: { ports: { port: string }[]; from: object[] }[] };
  };
  expect(spec.ingress.map(({ ports: open }) => open.map(({ port }) => port))).toEqual([["metrics"]]);
  expect(spec.ingress.flatMap(({ from }) => from)).toEqual([
    { namespaceSelector: { matchExpressions: [expect.anything()] } },
  ]);
});

test("no runtime's socket is reachable: no mount is above one", () => {
  const sockets = [
    "/run/containerd/containerd.sock",
    "/run/k3s/containerd/containerd.sock",
    "/var/run/docker.sock",
    "/run/crio/crio.sock",
  ];
  const mounted = files
    .filter((path) => path.endsWith(".yaml"))
    .flatMap((path) => Array.from(read(path).matchAll(/^\s+path: (\/\S*)$/gm), ([, host = ""]) => host));
  expect(mounted.length).toBeGreaterThan(10);
  for (const socket of sockets) expect(mounted.filter((path) => `${socket}/`.startsWith(`${path}/`))).toEqual([]);
});

test("every overlay and component is a kustomization", () => {
  for (const folder of ["overlays", "components"]) {
    for (const name of readdirSync(new URL(folder, DAEMONSET))) {
      expect(read(`${folder}/${name}/kustomization.yaml`)).toContain(
        folder === "overlays" ? "kind: Kustomization" : "kind: Component",
      );
    }
  }
});
