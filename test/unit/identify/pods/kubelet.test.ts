/** The pods of a node from its kubelet: read as a whole again and again, over TLS with a token, or from its plain port. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type FollowedKubelet, followKubelet, type KubeletOptions } from "../../../../src/identify/pods/kubelet.ts";
import { openCertificates } from "../../../certificates.ts";
import { until } from "../../../followed.ts";
import { type KubeApi, makePod, openKubeApi, type TestPod } from "../../../kube-api.ts";

let folder = "";
let tls: { cert: Buffer; key: Buffer };
const opened: { close(): unknown }[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "oomscribe-kubelet-"));
  const certificates = openCertificates(folder);
  certificates.makeAuthority("ca");
  certificates.makeAuthority("stranger");
  certificates.make("server", "ca");
  tls = { cert: certificates.read("server.pem"), key: certificates.read("server.key") };
  writeFileSync(join(folder, "ca.crt"), certificates.read("ca.pem"));
  writeFileSync(join(folder, "token"), "good");
});

afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

afterAll(() => rmSync(folder, { recursive: true }));

interface Followed extends FollowedKubelet {
  lists: string[][];
  troubles: [string, Readonly<Record<string, string | number>>][];
}

async function serve(isTls: boolean): Promise<KubeApi> {
  const authorize = ({ authorization }: { authorization?: string | undefined }): boolean =>
    !isTls || authorization === "Bearer good";
  const server = await openKubeApi({ ...(isTls ? { tls } : {}), authorize });
  opened.push(server);
  return server;
}

function start(server: KubeApi, options: Partial<KubeletOptions> = {}): Followed {
  const lists: Followed["lists"] = [];
  const troubles: Followed["troubles"] = [];
  const followed = followKubelet({
    address: server.url,
    directory: folder,
    userAgent: "x",
    intervalMs: 5,
    backoff: { firstMs: 5, maxMs: 10, blockedMs: 5 },
    onReplace: (pods) => lists.push((pods as TestPod[]).map(({ metadata }) => metadata.name)),
    onTrouble: (...trouble) => troubles.push(trouble),
    ...options,
  });
  opened.push(followed);
  return Object.assign(Object.create(followed, Object.getOwnPropertyDescriptors(followed)) as Followed, {
    lists,
    troubles,
  });
}

test.each([true, false])("all there are, again and again; TLS: %s", async (isTls) => {
  const server = await serve(isTls);
  server.set(makePod("a"));
  const followed = start(server);
  await until(() => followed.lists.length > 0);
  server.set(makePod("b"));
  await until(() => followed.lists.at(-1)?.length === 2);
  server.delete("uid-a");
  await until(() => followed.lists.at(-1)?.length === 1);
  expect(followed.lists.at(-1)).toEqual(["b"]);
  expect(followed.troubles).toEqual([["kubelet_synced", { pods: 1 }]]);
  expect(server.requests[0]).toMatchObject({ path: "/pods", query: {} });
  expect(server.requests[0]?.headers.authorization).toBe(isTls ? "Bearer good" : undefined);
});

test("one that is away: what was known stays, and is said to be old", async () => {
  const server = await serve(false);
  server.set(makePod("a"));
  const followed = start(server);
  await until(() => followed.state.is === "synced");
  const before = followed.lists.length;
  server.failNext("list", { status: 500 }, { body: "{}" }, { cut: true }, { body: '{"kind":"PodList","items":7}' });
  await until(() => followed.troubles.some(([name]) => name === "kubelet_failed"));
  await until(() => followed.state.is === "synced" && followed.lists.length > before);
  expect(followed.lists.every((list) => list.length === 1)).toBe(true);
});

test.each<[string, Partial<KubeletOptions>, string[]]>([
  ["of the cluster's authority", {}, ["kubelet_synced"]],
  ["of another authority", { trust: { caFile: "stranger.pem" } }, ["kubelet_refused"]],
  ["of an authority that is given", { trust: { caFile: "ca.pem" } }, ["kubelet_synced"]],
  ["of anyone, which is said", { trust: "anyone" }, ["kubelet_unverified", "kubelet_synced"]],
])("its certificate: %s", async (_, options, expected) => {
  const { trust } = options;
  const file = typeof trust === "object" ? { trust: { caFile: join(folder, trust.caFile) } } : options;
  const followed = start(await serve(true), file);
  await until(() => followed.troubles.length === expected.length);
  expect(followed.troubles.map(([name]) => name)).toEqual(expected);
});

test("a right that is missing is named", async () => {
  const server = await serve(false);
  server.failNext("list", { status: 403 });
  const followed = start(server);
  await until(() => followed.troubles.length > 0);
  expect(followed.troubles[0]).toEqual([
    "kubelet_refused",
    { reason: "HTTP 403", needs: "get nodes/pods, before Kubernetes 1.33 get nodes/proxy", waitMs: expect.any(Number) },
  ]);
});
