/** The chart as the real helm renders it: valid, whole, no right that is not used, and the same pod as kustomize's. */
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { parse, stringify } from "yaml";
import { checkSettings } from "../../src/config/schema.ts";
import { SETTING_NAMES, type SettingName, settingOf } from "../../src/config/settings.ts";
import { type ApiCall, CALLS } from "../../src/identify/api/calls.ts";
import { findRbacDifferences } from "../rbac.ts";
import { CHART, lintChart, NAMESPACE, RELEASE, renderChart, renderNotes } from "./helm.ts";
import { buildKustomization } from "./kustomize.ts";
import { type Manifest, validateManifest } from "./manifests.ts";
import { whyNoPrograms } from "./programs.ts";
import { type Container, type DaemonSet, daemonSetOf, findLooseReferences, type Pod } from "./references.ts";

interface Env {
  name: string;
  value?: string;
  valueFrom?: object;
}

const reason = whyNoPrograms();
const NEEDED: readonly ApiCall[] = Object.values<ApiCall>(CALLS).filter(({ optional }) => !optional);
const CUBEAPM = { backend: "cubeapm", endpoint: "http://cubeapm:3130", environment: "production", clusterName: "1" };

function read(file: string): string {
  return readFileSync(join(CHART, file), "utf8");
}

function ofKind(manifests: readonly Manifest[], kind: string): Manifest[] {
  return manifests.filter((one) => one.kind === kind);
}

function podOf(manifests: readonly Manifest[]): Pod {
  return daemonSetOf(manifests).spec.template.spec;
}

function containerOf(manifests: readonly Manifest[]): Container {
  return podOf(manifests).containers[0] as Container;
}

function envOf(manifests: readonly Manifest[]): Env[] {
  return containerOf(manifests)["env"] as Env[];
}

function settingsOf(manifests: readonly Manifest[]): Record<string, unknown> {
  const [map] = ofKind(manifests, "ConfigMap") as [Manifest & { data: Record<string, string> }];
  return parse(map.data["config.yaml"] ?? "") as Record<string, unknown>;
}

test("the version is that of the package", () => {
  const { version } = JSON.parse(readFileSync(join(CHART, "../../package.json"), "utf8")) as { version: string };
  expect(parse(read("Chart.yaml"))).toMatchObject({ version, appVersion: version });
});

test("values.yaml has every value of the schema, and no other", () => {
  const { properties } = JSON.parse(read("values.schema.json")) as { properties: object };
  const names = Object.keys(properties).filter((name) => name !== "global");
  expect(Object.keys(parse(read("values.yaml")) as object).sort()).toEqual(names.sort());
});

test("docs/install.md has every value", () => {
  // Other sections have tables of their own.
  const [, helm = ""] = /^## (?:With )?Helm\n([^]*?)(?=^## |$(?![^]))/m.exec(read("../../docs/install.md")) ?? [];
  const rows = helm.match(/^\| `.*$/gm) ?? [];
  const named = rows.flatMap((row) => Array.from((row.split("|")[1] ?? "").matchAll(/`(\w+)`/g), ([, name]) => name));
  expect(named.sort()).toEqual(Object.keys(parse(read("values.yaml")) as object).sort());
});

test("`config` takes every setting that is no secret, has no value of its own, and does not depend on the node", () => {
  const elsewhere: SettingName[] = [
    "backend",
    "otlp",
    "otlp-headers-file",
    "environment",
    "cluster-name",
    "kubernetes",
  ];
  const ofThePod: SettingName[] = [
    "state-dir",
    "host-root",
    "listen",
    "probe-listen",
    "kmsg",
    "node-name",
    "kubeconfig",
  ];
  const ofTheNode: SettingName[] = ["kubelet", "kubelet-ca-file"];
  const not = new Set([...elsewhere, ...ofThePod, ...ofTheNode]);
  const schema = JSON.parse(read("values.schema.json")) as {
    properties: { config: { propertyNames: { enum: string[] } } };
  };
  expect(schema.properties.config.propertyNames.enum).toEqual(
    SETTING_NAMES.filter((name) => !not.has(name) && settingOf(name).secret !== true),
  );
});

describe.skipIf(reason !== undefined)("rendered", () => {
  test.each<[string, object]>([
    ["by default", {}],
    ["for CubeAPM", { ...CUBEAPM, accessKey: { existingSecret: "keys", key: "oomscribe" } }],
    ["for CubeAPM, with a key", { ...CUBEAPM, accessKey: { value: "secret" } }],
    ["for a collector behind a Service", { endpoint: "http://collector.here:4318" }],
    [
      "for several",
      { endpoint: ["http://a:4318", "https://b:4318"], headers: { values: { authorization: "Bearer a" } } },
    ],
    ["with a Secret of headers", { headers: { existingSecret: "headers", key: "all" } }],
    ["to standard output", { backend: "stdout" }],
    ["without privilege", { privileged: false }],
    ["without the API", { kubernetes: false }],
    ["for k3s", { runtime: "k3s" }],
    ["for CRI-O", { runtime: "cri-o", tracing: true }],
    ["for Docker", { runtime: "docker" }],
    [
      "for the Prometheus Operator",
      { serviceMonitor: { enabled: true, interval: "30s", labels: { release: "prom" } } },
    ],
    ["without a NetworkPolicy", { networkPolicy: { enabled: false } }],
    ["with a NetworkPolicy for nobody", { networkPolicy: { namespaces: [] } }],
    ["with another account", { serviceAccount: { name: "other", annotations: { a: "b" } } }],
    ["with other names", { fullnameOverride: "kills", nameOverride: "agent" }],
    [
      "with everything else",
      {
        image: { repository: "registry.example.com/oomscribe", tag: "2", pullPolicy: "Always", pullSecrets: ["pull"] },
        config: { "service-labels": "use", "outbox-max-bytes": 67_108_864, "otlp-ca-file": "/ca/ca.crt" },
        podAnnotations: { a: "1" },
        podLabels: { team: "x", "app.kubernetes.io/name": "mine" },
        nodeSelector: { pool: "a", "kubernetes.io/os": "windows" },
        tolerations: [],
        priorityClassName: "",
        maxUnavailable: 1,
        extraEnv: [{ name: "HTTPS_PROXY", value: "http://proxy:3128" }],
        extraArgs: ["--since", "now"],
        extraVolumes: [{ name: "ca", configMap: { name: "ca", optional: true } }],
        extraVolumeMounts: [{ name: "ca", mountPath: "/ca", readOnly: true }],
        global: { anything: true },
      },
    ],
  ])("%s", async (_, values) => {
    await lintChart(values);
    const manifests = await renderChart(values);
    expect(manifests.flatMap(validateManifest)).toEqual([]);
    // A user's own ConfigMap is none of the chart's.
    expect(findLooseReferences(manifests).filter((sentence) => sentence !== "no ConfigMap ca")).toEqual([]);
    const checked = checkSettings(settingsOf(manifests));
    expect(checked).toMatchObject({ settings: { "host-root": "/host", "state-dir": "/var/lib/oomscribe" } });
    expect(ofKind(manifests, "Namespace")).toEqual([]);
  });

  test("what is said after an installation names where records go", async () => {
    expect(await renderNotes({})).toContain("sends to port 4318 of the node's own address (collector)");
    expect(await renderNotes(CUBEAPM)).toContain("sends to http://cubeapm:3130 (cubeapm)");
    expect(await renderNotes({ backend: "stdout" })).toContain("sends to its standard output");
    expect(await renderNotes({ networkPolicy: { namespaces: ["a", "b"] } })).toContain(
      "pods of the namespaces a, b scrape",
    );
    expect(await renderNotes({ networkPolicy: { namespaces: [] } })).toContain("pods of no namespace scrape");
    expect(await renderNotes({ networkPolicy: { enabled: false } })).not.toContain("NetworkPolicy");
  });
});

describe.skipIf(reason !== undefined)("where records go", () => {
  test("by default: to the node's own address, which the pod is told", async () => {
    const manifests = await renderChart();
    expect(envOf(manifests)).toContainEqual({ name: "OOMSCRIBE_OTLP", value: "http://$(HOST_IP):4318" });
    expect(envOf(manifests).map(({ name }) => name)).toEqual([
      "K8S_NODE_NAME",
      "OOMSCRIBE_PROBE_LISTEN",
      "HOST_IP",
      "OOMSCRIBE_OTLP",
    ]);
    expect(settingsOf(manifests)).not.toHaveProperty("otlp");
  });

  test("CubeAPM: its address, environment and cluster, the latter a text though it looks like a number", async () => {
    const manifests = await renderChart(CUBEAPM);
    expect(settingsOf(manifests)).toEqual({
      backend: "cubeapm",
      otlp: "http://cubeapm:3130",
      environment: "production",
      "cluster-name": "1",
      kubernetes: "auto",
      "state-dir": "/var/lib/oomscribe",
      "host-root": "/host",
      listen: ":9464",
    });
    expect(envOf(manifests).map(({ name }) => name)).toEqual(["K8S_NODE_NAME", "OOMSCRIBE_PROBE_LISTEN"]);
    expect(ofKind(manifests, "Secret")).toEqual([]);
  });

  test.each<[string, object, object]>([
    ["a Secret of the user's", { existingSecret: "keys", key: "mine" }, { name: "keys", key: "mine" }],
    ["a Secret of the chart's", { value: "k3y", key: "mine" }, { name: "oomscribe", key: "access-key" }],
  ])("the key of an account: %s", async (_, accessKey, secretKeyRef) => {
    const manifests = await renderChart({ ...CUBEAPM, accessKey });
    expect(envOf(manifests)).toContainEqual({ name: "OOMSCRIBE_ACCESS_KEY", valueFrom: { secretKeyRef } });
    const data = ofKind(manifests, "Secret").map((one) => (one as Manifest & { data: object }).data);
    expect(data).toEqual("value" in accessKey ? [{ "access-key": btoa("k3y") }] : []);
    expect(JSON.stringify(ofKind(manifests, "ConfigMap"))).not.toContain("k3y");
  });

  test("headers lie in a Secret, a line each, and are a file to the agent", async () => {
    const manifests = await renderChart({ headers: { values: { authorization: "Bearer a:b", "x-scope": "c" } } });
    const [secret] = ofKind(manifests, "Secret") as [Manifest & { data: Record<string, string> }];
    expect(atob(secret.data["headers"] ?? "")).toBe("authorization: Bearer a:b\nx-scope: c\n");
    expect(settingsOf(manifests)["otlp-headers-file"]).toBe("/etc/oomscribe-headers/headers");
    expect(containerOf(manifests).volumeMounts).toContainEqual({
      name: "headers",
      mountPath: "/etc/oomscribe-headers",
      readOnly: true,
    });
  });

  test("new settings and new keys restart the agents", async () => {
    const checksum = async (values: object): Promise<string | undefined> => {
      const { metadata } = daemonSetOf(await renderChart(values)).spec.template as DaemonSet["spec"]["template"] & {
        metadata: { annotations: Record<string, string> };
      };
      return metadata.annotations["checksum/settings"];
    };
    const variants = [CUBEAPM, { ...CUBEAPM, environment: "test" }, { ...CUBEAPM, accessKey: { value: "a" } }];
    expect(new Set(await Promise.all(variants.map(checksum))).size).toBe(3);
    expect(await checksum({ ...CUBEAPM, maxUnavailable: 1 })).toBe(await checksum(CUBEAPM));
  });
});

describe.skipIf(reason !== undefined)("who may connect", () => {
  const specOf = (manifests: readonly Manifest[]): unknown[] =>
    ofKind(manifests, "NetworkPolicy").map((one) => (one as Manifest & { spec: unknown }).spec);

  test("the rule of the kustomization", async () => {
    const [[chart], [base]] = await Promise.all([renderChart().then(specOf), buildBase([]).then(specOf)]);
    expect(chart).toMatchObject({ ingress: (base as { ingress: unknown }).ingress, policyTypes: ["Ingress"] });
  });

  test("other namespaces, none, no rule at all", async () => {
    const [other] = specOf(await renderChart({ networkPolicy: { namespaces: ["metrics"] } }));
    const selector = {
      matchExpressions: [{ key: "kubernetes.io/metadata.name", operator: "In", values: ["metrics"] }],
    };
    expect(other).toMatchObject({
      ingress: [{ from: [{ namespaceSelector: selector }], ports: [{ port: "metrics" }] }],
    });
    // A policy without a rule lets nobody in; one with an empty `from` would let everybody in.
    expect(specOf(await renderChart({ networkPolicy: { namespaces: [] } }))).toMatchObject([{ ingress: [] }]);
    expect(specOf(await renderChart({ networkPolicy: { enabled: false } }))).toEqual([]);
  });
});

describe.skipIf(reason !== undefined)("rights", () => {
  test("what the code asks for, no more and no less", async () => {
    expect(findRbacDifferences((await renderChart()).map((one) => stringify(one)).join("---\n"), NEEDED)).toEqual([]);
  });

  test("two namespaces have two ClusterRoles, which the cluster has one of a name of", async () => {
    const names = ofKind(await renderChart(), "ClusterRole").map(({ metadata }) => metadata.name);
    expect(names).toEqual([`${NAMESPACE}-${RELEASE}`]);
  });

  test("none, and no token, where the API is not asked", async () => {
    const manifests = await renderChart({ kubernetes: false });
    expect(manifests.filter(({ kind }) => /Role|Binding/.test(kind))).toEqual([]);
    expect(podOf(manifests)["automountServiceAccountToken"]).toBe(false);
    expect(settingsOf(manifests)["kubernetes"]).toBe("off");
  });
});

describe.skipIf(reason !== undefined)("the pod is that of the kustomization", () => {
  test.each<[string, object, string[]]>([
    ["base", { endpoint: "http://collector:4318" }, []],
    ["node-collector", {}, ["node-collector"]],
    ["unprivileged", { privileged: false }, ["node-collector", "unprivileged"]],
    ["k3s", { runtime: "k3s" }, ["node-collector", "k3s"]],
    ["cri-o", { runtime: "cri-o" }, ["node-collector", "cri-o"]],
    ["docker", { runtime: "docker" }, ["node-collector", "docker"]],
    ["tracing", { tracing: true }, ["node-collector", "tracing"]],
  ])("%s", async (_, values, components) => {
    const [chart, base] = await Promise.all([renderChart(values), buildBase(components)]);
    expect(toCompare(chart)).toEqual(toCompare(base));
  });
});

/** Of daemonset/base with components. */
async function buildBase(components: readonly string[]): Promise<Manifest[]> {
  const directory = await mkdtemp(join(tmpdir(), "oomscribe-base-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const daemonset = relative(directory, join(CHART, ".."));
  const kustomization = {
    resources: [join(daemonset, "base")],
    components: components.map((name) => join(daemonset, "components", name)),
  };
  await writeFile(join(directory, "kustomization.yaml"), stringify(kustomization));
  return buildKustomization(directory);
}

/** What both have to agree in: the whole pod, but for its order and what is an option in one of them alone. */
function toCompare(manifests: readonly Manifest[]): object {
  const { spec } = daemonSetOf(manifests) as DaemonSet & { spec: { updateStrategy: object } };
  const { containers, volumes = [], ...pod } = spec.template.spec;
  const [{ env, volumeMounts = [], ...container }, ...more] = containers as [
    Container & { env: Env[] },
    ...Container[],
  ];
  expect(more).toEqual([]);
  return {
    updateStrategy: spec.updateStrategy,
    pod,
    container,
    // In base a Secret of that name counts wherever there is one; the chart has accessKey for it.
    env: sortByName(env.filter(({ name }) => name !== "OOMSCRIBE_ACCESS_KEY")),
    mounts: sortByName(volumeMounts),
    volumes: sortByName(volumes),
    rules: ofKind(manifests, "ClusterRole").map((role) => (role as Manifest & { rules: object[] }).rules),
  };
}

function sortByName<Named extends { name: string }>(list: readonly Named[]): Named[] {
  return [...list].sort((a, b) => (a.name < b.name ? -1 : 1));
}

describe.skipIf(reason !== undefined)("refused", () => {
  test.each<[string, object, string]>([
    ["a value that there is not", { endpont: "http://a" }, "additional properties 'endpont' not allowed"],
    ["one within another", { image: { name: "a" } }, "at '/image': additional properties 'name' not allowed"],
    ["another backend", { backend: "elastic" }, "at '/backend'"],
    ["an endpoint that is no URL", { endpoint: "collector:4318" }, "at '/endpoint'"],
    ["a header of two lines", { headers: { values: { a: "b\nc: d" } } }, "at '/headers/values/a'"],
    ["a header's name with a blank", { headers: { values: { "a b": "c" } } }, "invalid propertyName 'a b'"],
    ["a secret among the settings", { config: { "access-key": "a" } }, "invalid propertyName 'access-key'"],
    ["a setting that there is not", { config: { "outbox-max": 1 } }, "invalid propertyName 'outbox-max'"],
    ["a setting that the chart makes", { config: { "state-dir": "/tmp" } }, "invalid propertyName 'state-dir'"],
    ["text for a flag", { privileged: "no" }, "at '/privileged': got string, want boolean"],
    ["a cluster's name that is a number", { clusterName: 1 }, "at '/clusterName': got number, want string"],
    [
      "a namespace that there cannot be",
      { networkPolicy: { namespaces: ["a b"] } },
      "at '/networkPolicy/namespaces/0'",
    ],
    ["another runtime", { runtime: "rkt" }, "at '/runtime'"],
    ["limits beside requests", { resources: { limits: {} } }, "additional properties 'limits' not allowed"],
    ["a Secret's name that cannot be", { headers: { existingSecret: "My Secret" } }, "at '/headers/existingSecret'"],
    ["no node at a time", { maxUnavailable: 0 }, "at '/maxUnavailable'"],
    ["a toleration's misspelt field", { tolerations: [{ operater: "Exists" }] }, "properties 'operater' not allowed"],
  ])("by the schema: %s", async (_, values, expected) => {
    const rendering = renderChart(values);
    await expect(rendering).rejects.toThrow("values don't meet the specifications of the schema");
    await expect(rendering).rejects.toThrow(expected);
  });

  test.each<[string, object, string]>([
    ["CubeAPM without an endpoint", { backend: "cubeapm" }, "endpoint is empty: set it to the address of cubeapm"],
    ["standard output with one", { backend: "stdout", endpoint: "http://a" }, "leave one of them out"],
    ["a key for a collector", { accessKey: { value: "a" } }, "accessKey is for the backend cubeapm alone"],
    ["a key twice", { ...CUBEAPM, accessKey: { value: "a", existingSecret: "b" } }, "accessKey has both"],
    ["headers twice", { headers: { values: { a: "b" }, existingSecret: "c" } }, "headers has both"],
  ])("with a word on what to do: %s", async (_, values, expected) => {
    await expect(renderChart(values)).rejects.toThrow(expected);
  });
});
