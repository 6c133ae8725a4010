/** How the agent shows who it is: a service account's files as they change, TLS, kubeconfigs with all they can name. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Api, openApi } from "../../../../src/identify/kubernetes/api.ts";
import { type Credentials, openServiceAccount } from "../../../../src/identify/kubernetes/credentials.ts";
import { openKubeconfig } from "../../../../src/identify/kubernetes/kubeconfig.ts";
import { openCertificates } from "../../../certificates.ts";
import { openHttpProxy } from "../../../http-proxy.ts";
import { type KubeApi, openKubeApi } from "../../../kube-api.ts";

let folder = "";
let server: KubeApi;
/** Wants a client's certificate. */
let mutual: KubeApi;
let token = "good";
const opened: Api[] = [];
const path = (file: string): string => join(folder, file);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "oomscribe-credentials-"));
  const { ca, cert, key } = openCertificates(folder).makeServerAndClient();
  const authorize: Parameters<typeof openKubeApi>[0] = {
    authorize: ({ authorization }) => authorization === `Bearer ${token}`,
  };
  server = await openKubeApi({ tls: { cert, key }, ...authorize });
  mutual = await openKubeApi({ tls: { cert, key, ca, requestCert: true, rejectUnauthorized: true } });
  for (const one of [server, mutual]) one.objects.set("/api/v1/nodes/a", { kind: "Node" });
});

afterEach(() => {
  for (const api of opened.splice(0)) api.close();
});

afterAll(async () => {
  await server.close();
  await mutual.close();
  rmSync(folder, { recursive: true });
});

/** `ok`, or why not. */
async function ask(credentials: Credentials, api = openApi({ credentials, userAgent: "x" })): Promise<string> {
  opened.push(api);
  const answer = await api.get("/api/v1/nodes/a", { timeoutMs: 5000, maxBytes: 1000 });
  return answer.failure === undefined ? "ok" : `${answer.failure.kind}: ${answer.failure.reason}`;
}

function serviceAccount(env: Record<string, string> = {}): Credentials {
  const address = { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: String(server.port), ...env };
  return openServiceAccount({ env: address, directory: folder });
}

describe("a service account", () => {
  test("token and authority are read for each request", async () => {
    writeFileSync(path("token"), "old\n");
    writeFileSync(path("ca.crt"), openCertificates(folder).read("stranger.pem"));
    const credentials = serviceAccount();
    const api = openApi({ credentials, userAgent: "x" });
    expect(await ask(credentials, api)).toMatch(/^untrusted: /);
    writeFileSync(path("ca.crt"), openCertificates(folder).read("ca.pem"));
    const again = openApi({ credentials, userAgent: "x" });
    expect(await ask(credentials, again)).toBe("unauthorized: HTTP 401: Unauthorized");
    writeFileSync(path("token"), "good\n");
    expect(await ask(credentials, again)).toBe("ok");
    token = "better";
    expect(await ask(credentials, again)).toMatch(/^unauthorized/);
    writeFileSync(path("token"), "better");
    expect(await ask(credentials, again)).toBe("ok");
    token = "good";
  });

  test.each([
    ["10.96.0.1", "https://10.96.0.1/"],
    ["fd00::1", "https://[fd00::1]/"],
    ["kubernetes.default", "https://kubernetes.default/"],
  ])("the server's address %s", async (host, url) => {
    writeFileSync(path("token"), "t");
    writeFileSync(path("ca.crt"), "c");
    const env = { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: "443" };
    const connection = await openServiceAccount({ env, directory: folder }).connection();
    expect(connection.server.href).toBe(url);
  });

  test("outside of a pod", () => {
    expect(() => openServiceAccount({ env: {} })).toThrow("a kubeconfig is needed");
  });

  test.each(["token", "ca.crt"])("without its %s", async (file) => {
    writeFileSync(path("token"), "t");
    writeFileSync(path("ca.crt"), "c");
    rmSync(path(file));
    expect(await ask(serviceAccount())).toMatch(
      new RegExp(`^credentials: the service account's ${file} cannot be read: ENOENT`),
    );
  });

  test("with an empty token", async () => {
    writeFileSync(path("token"), "\n");
    writeFileSync(path("ca.crt"), "c");
    expect(await ask(serviceAccount())).toMatch(/^credentials: .*token is empty$/);
  });
});

interface Parts {
  server?: string;
  cluster?: Record<string, unknown>;
  user?: Record<string, unknown>;
}

function writeKubeconfig(parts: Parts, name = "kubeconfig"): string {
  const cluster = { server: server.url, "certificate-authority": "ca.pem", ...parts.cluster };
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "x",
    clusters: [{ name: "c", cluster }],
    contexts: [
      { name: "x", context: { cluster: "c", user: "u" } },
      { name: "lost", context: { cluster: "none", user: "u" } },
    ],
    users: [{ name: "u", user: parts.user ?? {} }],
  };
  writeFileSync(path(name), JSON.stringify(config));
  return path(name);
}

/** A program that prints an ExecCredential. */
function writePlugin(name: string, lines: string): string {
  writeFileSync(path(name), `#!/bin/sh\n${lines}\n`);
  chmodSync(path(name), 0o755);
  return path(name);
}

function execCredential(status: object): string {
  return JSON.stringify({ apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential", status });
}

describe("a kubeconfig", () => {
  const base64 = (file: string): string => openCertificates(folder).read(file).toString("base64");

  test.each<[string, () => Parts, string | RegExp]>([
    ["with a token", () => ({ user: { token: "good" } }), "ok"],
    ["with a token that is wrong", () => ({ user: { token: "bad" } }), "unauthorized: HTTP 401: Unauthorized"],
    [
      "with the authority in it",
      () => ({
        cluster: { "certificate-authority": undefined, "certificate-authority-data": base64("ca.pem") },
        user: { token: "good" },
      }),
      "ok",
    ],
    [
      "with another authority",
      () => ({ cluster: { "certificate-authority": "stranger.pem" }, user: { token: "good" } }),
      /^untrusted: /,
    ],
    [
      "that trusts anyone",
      () => ({
        cluster: { "certificate-authority": undefined, "insecure-skip-tls-verify": true },
        user: { token: "good" },
      }),
      "ok",
    ],
    [
      "with a client certificate, as files beside it",
      () => ({
        cluster: { server: mutual.url },
        user: { "client-certificate": "client.pem", "client-key": "client.key" },
      }),
      "ok",
    ],
    [
      "with a client certificate in it",
      () => ({
        cluster: { server: mutual.url },
        user: { "client-certificate-data": base64("client.pem"), "client-key-data": base64("client.key") },
      }),
      "ok",
    ],
    [
      "without a client certificate, where one is wanted",
      () => ({ cluster: { server: mutual.url } }),
      /^(?:untrusted|unreachable|broken): /,
    ],
    [
      "with a plugin",
      () => ({ user: { exec: { command: writePlugin("plugin", `echo '${execCredential({ token: "good" })}'`) } } }),
      "ok",
    ],
    [
      "with a plugin that fails",
      () => ({ user: { exec: { command: writePlugin("failing", "echo no login >&2; exit 1") } } }),
      /^credentials: the kubeconfig .* cannot be used: no login$/,
    ],
    [
      "with a plugin that is not there",
      () => ({ user: { exec: { command: "/nonexistent/plugin" } } }),
      /^credentials: .*ENOENT/,
    ],
  ])("%s", async (_, parts, expected) => {
    expect(await ask(openKubeconfig({ file: writeKubeconfig(parts()) }))).toMatch(expected);
  });

  test("is read again when it changes", async () => {
    const file = writeKubeconfig({ user: { token: "bad" } }, "changing");
    const credentials = openKubeconfig({ file });
    const api = openApi({ credentials, userAgent: "x" });
    expect(await ask(credentials, api)).toMatch(/^unauthorized/);
    writeKubeconfig({ user: { token: "good" } }, "changing");
    expect(await ask(credentials, api)).toBe("ok");
  });

  test("a plugin is asked again when what it said is refused, and not before", async () => {
    const command = writePlugin("counting", `echo x >> runs; echo '${execCredential({ token: "TOKEN" })}'`);
    writePlugin(
      "counting",
      `cd ${folder}; echo x >> runs; if [ $(wc -l < runs) = 1 ]; then T=bad; else T=good; fi; echo '${execCredential({ token: "TOKEN" })}' | sed s/TOKEN/$T/`,
    );
    const credentials = openKubeconfig({ file: writeKubeconfig({ user: { exec: { command } } }, "with-plugin") });
    const api = openApi({ credentials, userAgent: "x" });
    const answers = [await ask(credentials, api), await ask(credentials, api), await ask(credentials, api)];
    expect(answers).toEqual(["unauthorized: HTTP 401: Unauthorized", "ok", "ok"]);
    expect(openCertificates(folder).read("runs").toString()).toBe("x\nx\n");
  });

  test("a proxy of its cluster is gone through", async () => {
    const proxy = await openHttpProxy();
    const file = writeKubeconfig({ cluster: { "proxy-url": proxy.url }, user: { token: "good" } }, "proxied");
    expect(await ask(openKubeconfig({ file }))).toBe("ok");
    expect(proxy.asked).toEqual([`CONNECT 127.0.0.1:${server.port}`]);
    for (const api of opened.splice(0)) api.close();
    await proxy.close();
  });

  test("over http:// nobody is told a token", async () => {
    const plain = await openKubeApi();
    plain.objects.set("/prefix/api/v1/nodes/a", {});
    const cluster = { server: `${plain.url}/prefix/` };
    const file = writeKubeconfig({ cluster, user: { token: "good" } }, "plain");
    expect(await ask(openKubeconfig({ file }))).toBe("ok");
    expect(plain.requests[0]?.headers).not.toHaveProperty("authorization");
    await plain.close();
  });

  test.each([
    ["is not there", "nonexistent", undefined, /^credentials: the kubeconfig .*nonexistent cannot be used: ENOENT/],
    ["has no such context", undefined, "other", /cannot be used: it has no cluster for the context other$/],
    ["has no such cluster", undefined, "lost", /cannot be used: it has no cluster for the context lost$/],
  ])("that %s", async (_, name, context, expected) => {
    const file = name === undefined ? writeKubeconfig({}) : path(name);
    expect(await ask(openKubeconfig({ file, ...(context === undefined ? {} : { context }) }))).toMatch(expected);
  });
});
