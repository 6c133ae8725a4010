/** Proxy variables: http by forwarding, https by CONNECT, with exceptions. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { openOtlpExport } from "../../../src/otlp/exporter.ts";
import { type HttpProxy, openHttpProxy } from "../../http-proxy.ts";
import { type OtlpReceiver, openOtlpReceiver } from "../../otlp-receiver.ts";
import { numbered } from "../../outbox-fixture.ts";

const folder = mkdtempSync(join(tmpdir(), "oomscribe-proxy-"));
let proxy: HttpProxy;
let plain: OtlpReceiver;
let secure: OtlpReceiver;

beforeAll(async () => {
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
  const files = ["-keyout", "key.pem", "-out", "cert.pem"];
  execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", ...names, ...files], {
    cwd: folder,
    stdio: "pipe",
  });
  const [key, cert] = ["key.pem", "cert.pem"].map((name) => readFileSync(join(folder, name)));
  plain = await openOtlpReceiver();
  secure = await openOtlpReceiver({ tls: { key, cert } });
});
afterAll(async () => {
  await plain.close();
  await secure.close();
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  proxy = await openHttpProxy();
});
afterEach(() => proxy.close());

async function send(endpoint: string, env: Record<string, string>): Promise<unknown> {
  const backend = openOtlpExport({
    endpoint,
    env: { OTEL_EXPORTER_OTLP_CERTIFICATE: join(folder, "cert.pem"), ...env },
    version: "0",
  });
  try {
    return await backend.export([numbered(1)]);
  } finally {
    backend.close();
  }
}

test("HTTP_PROXY: requests are forwarded", async () => {
  expect(await send(plain.url, { HTTP_PROXY: proxy.url })).toEqual({ kind: "delivered" });
  expect(proxy.asked).toEqual([`POST ${plain.url}/v1/logs`]);
});

test.each(["HTTPS_PROXY", "https_proxy"])("%s: a tunnel, with TLS from end to end", async (name) => {
  expect(await send(secure.url, { [name]: proxy.url })).toEqual({ kind: "delivered" });
  expect(proxy.asked).toEqual([`CONNECT ${new URL(secure.url).host}`]);
  expect(secure.records().at(-1)?.body).toContain("1");
});

test("NO_PROXY: not for these", async () => {
  const env = { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url, NO_PROXY: "example.com,127.0.0.1" };
  expect(await send(plain.url, env)).toEqual({ kind: "delivered" });
  expect(await send(secure.url, env)).toEqual({ kind: "delivered" });
  expect(proxy.asked).toEqual([]);
});

test("a proxy that is away is a backend that is away: to be sent again", async () => {
  expect(await send(plain.url, { HTTP_PROXY: "http://127.0.0.1:9" })).toMatchObject({ kind: "retry" });
  expect(await send(secure.url, { HTTPS_PROXY: "http://127.0.0.1:9" })).toMatchObject({ kind: "retry" });
}, 30_000);
