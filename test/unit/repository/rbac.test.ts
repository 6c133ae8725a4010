/** The rights that a manifest grants are those that the calls need: one too few or too many is found. */
import { describe, expect, test } from "vitest";
import { type ApiCall, CALLS } from "../../../src/identify/kubernetes/calls.ts";
import { findRbacDifferences } from "../../rbac.ts";

const DEFAULT: readonly ApiCall[] = Object.values<ApiCall>(CALLS).filter(({ optional }) => !optional);

const MANIFEST = `
apiVersion: v1
kind: ServiceAccount
metadata: { name: oomscribe }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: oomscribe }
rules:
  - { apiGroups: [""], resources: ["pods"], verbs: ["list", "watch"] }
  - { apiGroups: [""], resources: ["nodes"], verbs: ["get"] }
  - { apiGroups: ["apps"], resources: ["replicasets"], verbs: ["get"] }
  - { apiGroups: ["batch"], resources: ["jobs"], verbs: ["get"] }
  - { apiGroups: ["autoscaling"], resources: ["horizontalpodautoscalers"], verbs: ["list"] }
  - { apiGroups: [""], resources: ["events"], verbs: ["list"] }
`;

test("what is granted is what is used", () => {
  expect(findRbacDifferences(MANIFEST, DEFAULT)).toEqual([]);
});

test("the kubelet's pods need a right of their own, where they are asked for", () => {
  expect(findRbacDifferences(MANIFEST, Object.values(CALLS))).toEqual(["missing: get nodes/pods"]);
  const more = `${MANIFEST}  - { apiGroups: [""], resources: ["nodes/pods"], verbs: ["get"] }\n`;
  expect(findRbacDifferences(more, Object.values(CALLS))).toEqual([]);
  expect(findRbacDifferences(more, DEFAULT)).toEqual(["never used: get nodes/pods"]);
});

describe("found", () => {
  test.each<[string, string, string, string[]]>([
    ["a verb too few", '"list", "watch"', '"list"', ["missing: watch pods"]],
    ["a verb too many", '["list", "watch"]', '["list", "watch", "get"]', ["never used: get pods"]],
    [
      "a wildcard",
      '["nodes"], verbs: ["get"]',
      '["nodes"], verbs: ["*"]',
      ["missing: get nodes", "never used: * nodes"],
    ],
    [
      "another group",
      '["batch"]',
      '["jobs.example"]',
      ["missing: get jobs.batch", "never used: get jobs.jobs.example"],
    ],
    [
      "some names only",
      '["replicasets"], verbs: ["get"]',
      '["replicasets"], verbs: ["get"], resourceNames: ["a"]',
      ["missing: get replicasets.apps"],
    ],
    [
      "a role of one namespace",
      "kind: ClusterRole",
      "kind: Role",
      [
        "missing: list pods",
        "missing: watch pods",
        "missing: get nodes",
        "missing: get replicasets.apps",
        "missing: get jobs.batch",
        "missing: list horizontalpodautoscalers.autoscaling",
        "missing: list events",
      ],
    ],
    ["a path", "rules:", 'rules:\n  - { nonResourceURLs: ["/metrics"], verbs: ["get"] }', ["never used: /metrics"]],
  ])("%s", (_, from, to, expected) => {
    expect(findRbacDifferences(MANIFEST.replace(from, to), DEFAULT)).toEqual(expected);
  });
});
