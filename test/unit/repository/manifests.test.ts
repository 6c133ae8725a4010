/** Manifests that Kubernetes would refuse, or whose fields it would drop, are found. */
import { describe, expect, test } from "vitest";
import { type Manifest, readManifests, validateManifest } from "../../deploy/manifests.ts";
import { findLooseReferences } from "../../deploy/references.ts";

const POD = `
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: agent, namespace: here }
spec:
  selector: { matchLabels: { app: agent } }
  template:
    metadata: { labels: { app: agent } }
    spec:
      serviceAccountName: agent
      hostPID: true
      containers:
        - name: agent
          image: agent:1
          ports: [{ name: metrics, containerPort: 9464 }]
          livenessProbe: { httpGet: { path: /healthz, port: metrics } }
          securityContext: { privileged: true, runAsUser: 0 }
          resources: { limits: { memory: 256Mi } }
          volumeMounts: [{ name: settings, mountPath: /etc/agent, readOnly: true }]
      volumes:
        - name: settings
          configMap: { name: agent }
`;
const REST = `
---
apiVersion: v1
kind: ConfigMap
metadata: { name: agent, namespace: here }
data: { config.yaml: "backend: collector" }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: agent, namespace: here }
---
apiVersion: v1
kind: Service
metadata: { name: agent, namespace: here, labels: { app: agent } }
spec: { selector: { app: agent }, ports: [{ name: metrics, port: 9464, targetPort: metrics }] }
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: { name: agent, namespace: here }
spec: { selector: { matchLabels: { app: agent } }, endpoints: [{ port: metrics, interval: 30s }] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: agent }
rules: [{ apiGroups: [""], resources: [pods], verbs: [list] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: agent }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: agent }
subjects: [{ kind: ServiceAccount, name: agent, namespace: here }]
`;

test("a deployment with nothing wrong", () => {
  const manifests = readManifests(POD + REST);
  expect(manifests.map(({ kind }) => kind)).toEqual([
    "DaemonSet",
    "ConfigMap",
    "ServiceAccount",
    "Service",
    "ServiceMonitor",
    "ClusterRole",
    "ClusterRoleBinding",
  ]);
  expect(manifests.flatMap(validateManifest)).toEqual([]);
  expect(findLooseReferences(manifests)).toEqual([]);
});

describe("not valid", () => {
  test.each<[string, string, string, string]>([
    ["a misspelt field", "hostPID:", "hostPid:", '/spec/template/spec has no field "hostPid"'],
    ["one far within", "httpGet:", "httpget:", '/containers/0/livenessProbe has no field "httpget"'],
    ["one at the top", "metadata: { name: agent, namespace: here }", "metadata: { name: agent, labls: {} }", '"labls"'],
    ["a required field that is missing", "mountPath: /etc/agent, ", "", 'volumeMounts/0 lacks "mountPath"'],
    ["text where a flag belongs", "privileged: true", 'privileged: "yes"', "/privileged must be boolean"],
    ["a fraction of a user", "runAsUser: 0", "runAsUser: 0.5", "/runAsUser must be integer"],
    ["a list where an object belongs", "limits: { memory: 256Mi }", "limits: [256Mi]", "/limits must be object"],
    ["a number among labels", "labels: { app: agent }", "labels: { app: 1 }", "/labels/app must be string"],
    ["another group", "apiVersion: apps/v1", "apiVersion: batch/v1", "there is no DaemonSet in batch/v1"],
    [
      "a version that is gone",
      "apiVersion: apps/v1",
      "apiVersion: apps/v1beta2",
      "there is no DaemonSet in apps/v1beta2",
    ],
    ["another kind", "kind: DaemonSet", "kind: DaemonSets", "there is no DaemonSets in apps/v1"],
  ])("%s", (_, from, to, expected) => {
    const [manifest] = readManifests(POD.replace(from, to)) as [Manifest];
    expect(validateManifest(manifest)).toEqual(expect.arrayContaining([expect.stringContaining(expected)]));
  });

  test("fields of objects that are not Kubernetes' own", () => {
    const monitor = readManifests(REST.replace("interval: 30s", "intervall: 30s")).flatMap(validateManifest);
    expect(monitor).toEqual(['ServiceMonitor agent: /spec/endpoints/0 has no field "intervall"']);
  });

  test.each<[string, object]>([
    ["no kind", { apiVersion: "v1", metadata: { name: "a" } }],
    ["no name", { apiVersion: "v1", kind: "ConfigMap", metadata: {} }],
    ["nothing", {}],
  ])("%s", (_, manifest) => {
    expect(validateManifest(manifest)).toEqual(["apiVersion, kind or metadata.name is missing"]);
  });
});

describe("refers to nothing", () => {
  test.each<[string, string, string, string]>([
    ["a mount", "name: settings, mountPath", "name: setings, mountPath", "a mount of no volume: setings"],
    ["a ConfigMap", "configMap: { name: agent }", "configMap: { name: agents }", "no ConfigMap agents"],
    ["an account", "serviceAccountName: agent", "serviceAccountName: other", "no ServiceAccount other"],
    [
      "a selector",
      "matchLabels: { app: agent }",
      "matchLabels: { app: other }",
      "the DaemonSet does not select its pods",
    ],
    ["a Service", "spec: { selector: { app: agent }", "spec: { selector: { app: b }", "Service agent selects no pod"],
    ["a Service's port", "targetPort: metrics", "targetPort: http", "no port http of a container"],
    ["a monitor", "labels: { app: agent } }\nspec: { selector", "}\nspec: { selector", "selects no Service"],
    ["a monitor's port", "[{ port: metrics, int", "[{ port: http, int", "no port http of a Service"],
    ["a role", "kind: ClusterRole, name: agent", "kind: ClusterRole, name: other", "no ClusterRole other"],
    ["another namespace", "name: agent, namespace: here }]", "name: agent, namespace: there }]", "in there"],
  ])("%s", (_, from, to, expected) => {
    const text = POD + REST;
    expect(text).toContain(from);
    const found = findLooseReferences(readManifests(text.replace(from, to)));
    expect(found).toEqual(expect.arrayContaining([expect.stringContaining(expected)]));
  });
});

describe("no manifests", () => {
  test.each<[string, string, RegExp]>([
    ["broken YAML", "a: [", /Flow sequence/],
    ["a key twice", "kind: A\nkind: B", /unique/],
    ["a text", "hello", /no manifest/],
  ])("%s", (_, text, expected) => {
    expect(() => readManifests(text)).toThrow(expected);
  });

  test("empty documents count for nothing", () => {
    expect(readManifests("---\n# a comment\n---\n")).toEqual([]);
  });
});
