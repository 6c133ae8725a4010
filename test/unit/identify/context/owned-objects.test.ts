/** What the API says of owners, asked over a real connection and never waited for. */
import { afterEach, expect, test } from "vitest";
import {
  createOwnedObjects,
  type OwnedObjects,
  readOwnedObject,
} from "../../../../src/identify/context/owned-objects.ts";
import { openApi } from "../../../../src/identify/kubernetes/api.ts";
import { openObjects } from "../../../../src/identify/kubernetes/objects.ts";
import { ownersOf } from "../../../../src/identify/pods/owners.ts";
import type { PodFacts } from "../../../../src/identify/pods/pod.ts";
import { toPodFacts } from "../../../../src/identify/pods/pod.ts";
import { type KubeApi, openKubeApi } from "../../../kube-api.ts";
import { sampleObject, samplePods } from "../../../pods.ts";

const REPLICA_SET = "/apis/apps/v1/namespaces/shop/replicasets/checkout-54b94897df";
const pod = toPodFacts(samplePods("deployment")[0]) as PodFacts;
const [controller] = ownersOf(pod);

let server: KubeApi;
const closes: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closes.splice(0)) await close();
});

async function open(): Promise<OwnedObjects> {
  server = await openKubeApi();
  const url = new URL(server.url);
  const credentials = { connection: async () => ({ server: url, headers: {}, tls: {} }), refused() {} };
  const api = openApi({ credentials, userAgent: "test" });
  closes.push(api.close, server.close);
  const objects = openObjects({ api, read: readOwnedObject, onTrouble: () => {} });
  return createOwnedObjects(objects);
}

test("a ReplicaSet is not known at first, then with its age and its Deployment; it was asked for once", async () => {
  const owned = await open();
  server.objects.set(REPLICA_SET, sampleObject("deployment-owners", "checkout-54b94897df"));
  if (controller === undefined) throw new Error("the sample has an owner");
  expect(owned.ownersOf(pod, controller)).toBeUndefined();
  await expect.poll(() => owned.ownersOf(pod, controller)).toBeDefined();
  expect(owned.ownersOf(pod, controller)).toEqual([
    {
      kind: "ReplicaSet",
      name: "checkout-54b94897df",
      uid: "cba366ed-8cd5-45b5-a7ee-f0798736ab86",
      evidence: "owner_reference",
      createdMs: Date.parse("2026-11-24T06:20:17Z"),
    },
    { kind: "Deployment", name: "checkout", uid: "46eb8867-fe95-4163-8166-e602505f6e2c", evidence: "api" },
  ]);
  expect(server.requests).toHaveLength(1);
});

test("another one of that name, made since, is not the pod's", async () => {
  const owned = await open();
  server.objects.set(REPLICA_SET, { kind: "ReplicaSet", metadata: { name: "checkout-54b94897df", uid: "other" } });
  if (controller === undefined) throw new Error("the sample has an owner");
  owned.ownersOf(pod, controller);
  await expect.poll(() => server.requests.length).toBe(1);
  for (let i = 0; i < 20; i++) {
    expect(owned.ownersOf(pod, controller)).toBeUndefined();
    await new Promise(setImmediate);
  }
});

test("of a StatefulSet, a DaemonSet or a kind of somebody's own nothing is asked", async () => {
  const owned = await open();
  for (const kind of ["StatefulSet", "DaemonSet", "Rollout"]) {
    expect(owned.ownersOf(pod, { kind, name: "x", evidence: "owner_reference" })).toBeUndefined();
  }
  expect(server.requests).toEqual([]);
});

test.each([[null], [1], [{}], [{ metadata: null }], [{ metadata: { name: 1 } }]])("%j is no object", (json) => {
  expect(readOwnedObject(json)).toBeUndefined();
});

test.each([
  [{ kind: "ReplicaSet", metadata: { name: "r", uid: "u" } }, { uid: "u" }],
  [{ kind: "Job", metadata: { name: "j", ownerReferences: [{ kind: "CronJob", name: "c" }] } }, {}],
])("%j is one without much", (json, expected) => {
  expect(readOwnedObject(json)).toEqual(expected);
});
