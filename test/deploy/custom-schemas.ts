/** JSON schemas of the objects that are not Kubernetes' own, as far as manifests here use them. */
import type { Schema } from "./kubernetes-schema.ts";

const text = { type: "string" };
const texts = { type: "array", items: text };
const flag = { type: "boolean" };
const labels = { type: "object", additionalProperties: text };
const metadata = object({ name: text, namespace: text, labels, annotations: labels }, ["name"]);
const strategy = object({ type: text }, ["type"]);

const SCHEMAS: Readonly<Record<string, Schema>> = {
  // github.com/prometheus-operator/prometheus-operator, pkg/apis/monitoring/v1/servicemonitor_types.go
  "monitoring.coreos.com/v1 ServiceMonitor": object(
    {
      apiVersion: text,
      kind: text,
      metadata,
      spec: object(
        {
          selector: object({ matchLabels: labels }, ["matchLabels"]),
          endpoints: {
            type: "array",
            minItems: 1,
            items: object({ port: text, interval: text, scrapeTimeout: text, path: text, honorLabels: flag }, ["port"]),
          },
          attachMetadata: object({ node: flag }, []),
        },
        ["selector", "endpoints"],
      ),
    },
    ["apiVersion", "kind", "metadata", "spec"],
  ),
  // github.com/openshift/api, security/v1/types.go; required are those without `omitempty`.
  "security.openshift.io/v1 SecurityContextConstraints": object(
    {
      apiVersion: text,
      kind: text,
      metadata,
      priority: { type: ["integer", "null"] },
      users: texts,
      groups: texts,
      allowPrivilegedContainer: flag,
      allowPrivilegeEscalation: flag,
      allowHostDirVolumePlugin: flag,
      allowHostNetwork: flag,
      allowHostPorts: flag,
      allowHostPID: flag,
      allowHostIPC: flag,
      readOnlyRootFilesystem: flag,
      allowedCapabilities: texts,
      defaultAddCapabilities: texts,
      requiredDropCapabilities: texts,
      runAsUser: strategy,
      seLinuxContext: strategy,
      fsGroup: strategy,
      supplementalGroups: strategy,
      seccompProfiles: texts,
      volumes: texts,
    },
    [
      "apiVersion",
      "kind",
      "metadata",
      "allowPrivilegedContainer",
      "defaultAddCapabilities",
      "requiredDropCapabilities",
      "allowedCapabilities",
      "allowHostDirVolumePlugin",
      "volumes",
      "allowHostNetwork",
      "allowHostPorts",
      "allowHostPID",
      "allowHostIPC",
      "readOnlyRootFilesystem",
    ],
  ),
};

/** @returns undefined: nothing is known of such a kind */
export function customSchema(apiVersion: string, kind: string): Schema | undefined {
  return SCHEMAS[`${apiVersion} ${kind}`];
}

function object(properties: Readonly<Record<string, Schema>>, required: readonly string[]): Schema {
  return { type: "object", properties, required, additionalProperties: false };
}
