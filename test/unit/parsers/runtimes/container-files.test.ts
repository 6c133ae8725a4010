/** What the texts of runtimes' files and the names of logs say: tables of text and answer. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ContainerNames, checkNames, isInPod, isNamed } from "../../../../parsers/runtimes/container-names.ts";
import { parseContainerdBundle } from "../../../../parsers/runtimes/containerd-bundle.ts";
import { parseDockerConfig, parseDockerDataRoot } from "../../../../parsers/runtimes/docker-config.ts";
import {
  parseContainerLogName,
  parseContainerLogPath,
  parsePodLogDirectory,
} from "../../../../parsers/runtimes/log-names.ts";
import { parseStorageBundle, parseStorageList } from "../../../../parsers/runtimes/storage-bundle.ts";

const ID = "9bca8d63d5fa610783847915bcff0ecac1273e5b4bed3f6fa1b07350e0135961";
const UID = "cb5f2e5c-bcb0-42df-92bc-28e301331a12";
const HASH = "d8c9b774b8740642565fea02f8465ca2";

function annotated(annotations: object, memory?: object): string {
  return JSON.stringify({ ociVersion: "1.1.0", annotations, linux: { resources: { memory } } });
}

describe("containerd's bundle", () => {
  const made = { source: "containerd", runtime: "containerd" };
  test.each<[what: string, json: string, expected: object | undefined]>([
    ["cut in the middle", '{"annotations":{"io.kubernetes.cri.con', undefined],
    ["no object", "[]", undefined],
    ["an empty file", "", undefined],
    ["nothing of Kubernetes", "{}", made],
    ["annotations that are none", '{"annotations":7,"linux":null}', made],
    ["a name that is no text", annotated({ "io.kubernetes.cri.sandbox-name": 7 }), made],
    ["no limit", annotated({}, { limit: -1 }), made],
    ["a limit that is none", annotated({}, { limit: "64" }), made],
    ["a limit", annotated({}, { limit: 67_108_864 }), { ...made, memoryLimit: 67_108_864 }],
    ["nerdctl's name", annotated({ "nerdctl/name": "web" }), { ...made, name: "web" }],
  ])("%s", (_, json, expected) => expect(parseContainerdBundle(json)).toEqual(expected));
});

describe("a bundle of containers/storage", () => {
  test.each<[what: string, json: string, expected: object | undefined]>([
    ["cut in the middle", '{"annotations":', undefined],
    [
      "CRI-O, where the image has no name left",
      annotated({ "io.kubernetes.cri-o.ImageName": "", "io.kubernetes.cri-o.Image": "quay.io/a/b:1" }),
      { source: "cri-o", runtime: "cri-o", image: "quay.io/a/b:1" },
    ],
    [
      "CRI-O, where the count of restarts is none",
      annotated({ "io.kubernetes.container.restartCount": "-1" }),
      { source: "cri-o", runtime: "cri-o" },
    ],
    [
      "Podman's, with a user's annotations that look as CRI-O's",
      annotated({ "io.container.manager": "libpod", "io.kubernetes.pod.name": "forged" }),
      { source: "podman", runtime: "podman" },
    ],
  ])("%s", (_, json, expected) => expect(parseStorageBundle(json)).toEqual(expected));

  test.each<[what: string, json: string, expected: object | undefined]>([
    ["cut in the middle", `[{"id":"${ID}","na`, undefined],
    ["an object", "{}", undefined],
    ["another's", `[{"id":"x","names":["web"]},7,null]`, {}],
    ["a name alone", `[{"id":"${ID}","names":["web"],"metadata":"{"}]`, { name: "web" }],
    ["names that are none", `[{"id":"${ID}","names":{},"metadata":7}]`, {}],
    ["its image", `[{"id":"${ID}","metadata":"{\\"image-name\\":\\"a:1\\"}"}]`, { image: "a:1" }],
  ])("the list: %s", (_, json, expected) => expect(parseStorageList(json, ID)).toEqual(expected));
});

describe("Docker's files", () => {
  const made = { source: "docker", runtime: "docker" };
  const labelled = (labels: object): string => JSON.stringify({ Name: "/k8s_x", Config: { Labels: labels } });
  const inPod = {
    "io.kubernetes.pod.name": "a-0",
    "io.kubernetes.pod.namespace": "shop",
    "io.kubernetes.pod.uid": UID,
  };
  const pod = { pod: "a-0", namespace: "shop", podUid: UID };
  test.each<[what: string, config: string, host: string | undefined, expected: object | undefined]>([
    ["cut in the middle", '{"Name":"/we', undefined, undefined],
    ["limits cut in the middle", "{}", '{"Memory":', undefined],
    ["limits that are none", "{}", '{"Memory":0}', made],
    ["a name", '{"Name":"/web"}', '{"Memory":1}', { ...made, name: "web", memoryLimit: 1 }],
    ["labels of the wrong kind", '{"Config":{"Labels":["a"],"Image":7},"Name":8}', undefined, made],
    [
      "a pod's container, by cri-dockerd",
      labelled({
        ...inPod,
        "io.kubernetes.docker.type": "container",
        "io.kubernetes.container.name": "api",
        "annotation.io.kubernetes.container.restartCount": "69",
        "io.kubernetes.sandbox.id": ID,
      }),
      undefined,
      { ...made, ...pod, container: "api", restarts: 69, sandboxId: ID },
    ],
    [
      "a pod's sandbox, by cri-dockerd",
      labelled({ ...inPod, "io.kubernetes.docker.type": "podsandbox", "io.kubernetes.container.name": "POD" }),
      undefined,
      { ...made, ...pod, isSandbox: true },
    ],
  ])("%s", (_, config, host, expected) => expect(parseDockerConfig(config, host)).toEqual(expected));
});

test.each([
  ['{"data-root":"/mnt/docker"}', "/mnt/docker"],
  ['{"graph":"/mnt/docker"}', "/mnt/docker"],
  ['{"data-root":"docker"}', undefined],
  ['{"data-root":"/a\\u0000b"}', undefined],
  ['{"data-root":7}', undefined],
  ["{}", undefined],
  ["", undefined],
])("Docker's daemon.json: %s", (json, expected) => expect(parseDockerDataRoot(json)).toBe(expected));

describe("names of logs", () => {
  test.each([
    [`shop_checkout-0_${UID}`, { namespace: "shop", pod: "checkout-0", podUid: UID }],
    [`kube-system_static-oom-node1_${HASH}`, { namespace: "kube-system", pod: "static-oom-node1", podUid: HASH }],
    ["shop_checkout-0", undefined],
    [`shop_check_out-0_${UID}`, undefined],
    [`shop__${UID}`, undefined],
    ["", undefined],
  ])("a pod's directory %s", (name, expected) => expect(parsePodLogDirectory(name)).toEqual(expected));

  test.each([
    [`a-0_shop_api-${ID}.log`, { pod: "a-0", namespace: "shop", container: "api", containerId: ID }],
    [`a.b_shop_log-sidecar-${ID}.log`, { pod: "a.b", namespace: "shop", container: "log-sidecar", containerId: ID }],
    [`a-0_shop_api-${ID.slice(1)}.log`, undefined],
    [`a-0_shop_api-${ID}.log.gz`, undefined],
    [`a_b_shop_api-${ID}.log`, undefined],
    [`_shop_api-${ID}.log`, undefined],
  ])("a container's link %s", (name, expected) => expect(parseContainerLogName(name)).toEqual(expected));

  test.each([
    [
      `/var/log/pods/shop_a-0_${UID}/api/12.log`,
      { namespace: "shop", pod: "a-0", podUid: UID, container: "api", restarts: 12 },
    ],
    [`/var/log/pods/shop_a-0_${UID}/api/0.log.20261125-070000`, undefined],
    [`/var/log/pods/shop_a-0_${UID}/api/.log`, undefined],
    [`/var/lib/docker/containers/${ID}/${ID}-json.log`, undefined],
  ])("where a link leads: %s", (path, expected) => expect(parseContainerLogPath(path)).toEqual(expected));
});

describe("what can be a name", () => {
  const base: ContainerNames = { source: "containerd" };
  test.each<[field: keyof ContainerNames, good: string[], bad: string[]]>([
    ["namespace", ["shop", "kube-system", "a".repeat(63)], ["Shop", "a.b", "-a", "a-", "a_b", "a".repeat(64)]],
    ["pod", ["a-0", "a.b-1.c", "a".repeat(253)], ["a..b", "../etc", "a/b", "a b", "a\n", "a".repeat(254), "é"]],
    ["container", ["api"], ["api/x", "POD", "a".repeat(64)]],
    ["podUid", [UID, HASH], ["", `${UID}/..`, HASH.slice(1), `${HASH}\n`]],
    ["name", ["web", "Web_1.2-x"], ["/web", "", ".web", "a".repeat(256)]],
    ["image", ["localhost/a:1", `a@sha256:${ID}`], ["a b", "a\u0000", "a".repeat(513)]],
    ["sandboxId", [ID], [ID.slice(1), ID.toUpperCase()]],
  ])("%s", (field, good, bad) => {
    for (const value of good)
      expect(checkNames({ ...base, [field]: value }).names).toEqual({ ...base, [field]: value });
    for (const value of bad) expect(checkNames({ ...base, [field]: value })).toEqual({ names: base, refused: [field] });
  });

  test("somebody is named by a pod in a namespace, or by a name of its own", () => {
    expect(isNamed({ ...base, namespace: "shop", pod: "a-0" })).toBe(true);
    expect(isNamed({ ...base, name: "web" })).toBe(true);
    expect(isNamed({ ...base, pod: "a-0" })).toBe(false);
    expect(isNamed({ ...base, image: "a:1", memoryLimit: 1 })).toBe(false);
  });

  test("of two pods' UIDs that differ in more than case one is another's", () => {
    expect(isInPod({ ...base, podUid: UID }, UID.toUpperCase())).toBe(true);
    expect(isInPod({ ...base, podUid: UID }, HASH)).toBe(false);
    expect(isInPod(base, UID)).toBe(true);
  });
});

test("any text gives names that can be names, or none, and never an exception", () => {
  const text = fc.oneof(
    fc.json(),
    fc.string(),
    fc.string().map((name) => annotated({ "io.kubernetes.cri.sandbox-name": name })),
  );
  fc.assert(
    fc.property(text, text, (one, other) => {
      for (const said of [parseContainerdBundle(one), parseStorageBundle(one), parseDockerConfig(one, other)]) {
        if (said !== undefined) expect(checkNames(checkNames(said).names).refused).toEqual([]);
      }
      parseStorageList(one, ID);
      parsePodLogDirectory(one);
      parseContainerLogName(one);
      parseContainerLogPath(one);
    }),
  );
});
