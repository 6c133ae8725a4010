/** Small values of Kubernetes' API: quantities, images, owners, services. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Who } from "../../../../src/identify/container-metadata.ts";
import { parseImage } from "../../../../src/identify/pods/image.ts";
import { ownersOf } from "../../../../src/identify/pods/owners.ts";
import type { PodFacts } from "../../../../src/identify/pods/pod.ts";
import { parseQuantity } from "../../../../src/identify/pods/quantity.ts";
import { serviceOf } from "../../../../src/identify/pods/service.ts";

describe("quantities", () => {
  test.each([
    ["64Mi", 67_108_864],
    ["1Gi", 1_073_741_824],
    ["1.5Gi", 1_610_612_736],
    ["128974848", 128_974_848],
    ["129e6", 129_000_000],
    ["129E6", 129_000_000],
    ["129M", 129_000_000],
    ["128974848000m", 128_974_848],
    ["1.1k", 1100],
    ["1500m", 2],
    ["1E", 1e18],
    ["0", 0],
    [".5Ki", 512],
    [67_108_864, 67_108_864],
  ])("%s is %d", (text, value) => {
    expect(parseQuantity(text)).toBe(value);
  });

  test.each([[""], ["64MiB"], ["Mi"], ["1 Gi"], ["1,5Gi"], ["NaN"], [Number.NaN], [null], [undefined], [{}], ["1e"]])(
    "%j is none",
    (text) => {
      expect(parseQuantity(text)).toBeUndefined();
    },
  );
});

describe("images", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  test.each([
    ["nginx", { name: "nginx" }],
    ["nginx:1.27", { name: "nginx", tag: "1.27" }],
    ["registry.example:5000/shop/web", { name: "registry.example:5000/shop/web" }],
    ["registry.example:5000/shop/web:1.4", { name: "registry.example:5000/shop/web", tag: "1.4" }],
    [`registry.example/shop/web:1.4@${digest}`, { name: "registry.example/shop/web", tag: "1.4", digest }],
    [`registry.example/shop/web@${digest}`, { name: "registry.example/shop/web", digest }],
    [`docker-pullable://registry.example/shop/web@${digest}`, { name: "registry.example/shop/web", digest }],
    [digest, { digest }],
    ["web@", { name: "web" }],
    ["", {}],
  ])("%s", (reference, parts) => {
    expect(parseImage(reference)).toEqual(parts);
  });
});

describe("owners", () => {
  const hash = { "pod-template-hash": "54b94897df" };
  test.each([
    ["no controller", undefined, {}, []],
    [
      "a Deployment's ReplicaSet",
      { kind: "ReplicaSet", name: "checkout-54b94897df" },
      hash,
      ["ReplicaSet checkout-54b94897df owner_reference", "Deployment checkout template_hash"],
    ],
    [
      "a ReplicaSet that happens to end like one",
      { kind: "ReplicaSet", name: "checkout-54b94897df" },
      {},
      ["ReplicaSet checkout-54b94897df owner_reference"],
    ],
    [
      "a ReplicaSet of another name",
      { kind: "ReplicaSet", name: "checkout" },
      hash,
      ["ReplicaSet checkout owner_reference"],
    ],
    [
      "a CronJob's Job",
      { kind: "Job", name: "backup-28912345" },
      {},
      ["Job backup-28912345 owner_reference", "CronJob backup job_name"],
    ],
    ["a Job", { kind: "Job", name: "migrate-2" }, {}, ["Job migrate-2 owner_reference"]],
    ["a StatefulSet", { kind: "StatefulSet", name: "db" }, {}, ["StatefulSet db owner_reference"]],
    ["something else", { kind: "Rollout", name: "web" }, {}, ["Rollout web owner_reference"]],
  ])("%s", (_, owner, labels, expected) => {
    const pod = { labels, ...(owner === undefined ? {} : { owner }) };
    expect(ownersOf(pod).map(({ kind, name, evidence }) => `${kind} ${name} ${evidence}`)).toEqual(expected);
  });
});

describe("services, by OpenTelemetry's rules for Kubernetes", () => {
  const who: Who = {
    sources: ["kubernetes_api"],
    missing: [],
    namespace: "shop",
    pod: "checkout-54b94897df-9s5wg",
    container: "api",
    image: { name: "registry.example/checkout", tag: "1.4", digest: "sha256:ab" },
    owners: [
      { kind: "ReplicaSet", name: "checkout-54b94897df", evidence: "owner_reference" },
      { kind: "Deployment", name: "checkout", evidence: "template_hash" },
    ],
  };
  const facts = (more: Partial<PodFacts>): PodFacts => ({
    namespace: "shop",
    name: "checkout-54b94897df-9s5wg",
    labels: {},
    resourceAnnotations: {},
    memoryVolumes: [],
    containers: [],
    ...more,
  });
  const labels = { "app.kubernetes.io/name": "checkout-service", "app.kubernetes.io/version": "2026.3" };

  test("the Deployment's name, the namespace, the image's tag and digest, the container's path", () => {
    expect(serviceOf(who, false)).toEqual({
      name: "checkout",
      namespace: "shop",
      version: "1.4@sha256:ab",
      instanceId: "shop.checkout-54b94897df-9s5wg.api",
    });
  });
  test("annotations stand above all", () => {
    const resourceAnnotations = { "service.name": "a", "service.version": "b", "service.instance.id": "c" };
    expect(serviceOf({ ...who, podFacts: facts({ resourceAnnotations, labels }) }, true)).toEqual({
      name: "a",
      namespace: "shop",
      version: "b",
      instanceId: "c",
    });
  });
  test("labels only where they are asked for", () => {
    const labelled = { ...who, podFacts: facts({ labels }) };
    expect(serviceOf(labelled, true)).toMatchObject({ name: "checkout-service", version: "2026.3" });
    expect(serviceOf(labelled, false)).toMatchObject({ name: "checkout", version: "1.4@sha256:ab" });
  });
  test("a pod of its own has its own name; nothing is made up", () => {
    expect(serviceOf({ sources: [], missing: [], owners: [], pod: "web" }, false)).toEqual({ name: "web" });
  });
});

test("whatever a quantity or an image is, it is a value or none", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const bytes = parseQuantity(text);
      expect(bytes === undefined || Number.isFinite(bytes)).toBe(true);
      const { name, tag, digest } = parseImage(text);
      for (const part of [name, tag, digest]) expect(part).not.toBe("");
    }),
  );
});
