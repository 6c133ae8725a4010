/** OTLP over https: an authority of one's own, client certificates, and what is said where they cannot be used. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openOtlpShipper } from "../../../src/otlp/shipper.ts";
import type { LogRecord } from "../../../src/record/log-record.ts";
import { openCertificates } from "../../certificates.ts";
import { type OtlpReceiver, openOtlpReceiver } from "../../otlp-receiver.ts";

const RECORD: LogRecord = {
  severityText: "ERROR",
  severityNumber: 17,
  eventName: "oom.kill",
  body: "a",
  resource: {},
  attributes: {},
};

let folder = "";
let open: OtlpReceiver;
let mutual: OtlpReceiver;

function path(file: string): string {
  return join(folder, file);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "oomscribe-tls-"));
  writeFileSync(path("garbage.pem"), "not a certificate");
  writeFileSync(path("broken.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  const { ca, cert, key } = openCertificates(folder).makeServerAndClient();
  open = await openOtlpReceiver({ tls: { cert, key } });
  mutual = await openOtlpReceiver({ tls: { cert, key, ca, requestCert: true, rejectUnauthorized: true } });
});

afterAll(async () => {
  await open.close();
  await mutual.close();
  rmSync(folder, { recursive: true });
});

/** Variables whose values are files of the temporary folder. */
function withFiles(files: Record<string, string>): Record<string, string> {
  const named = Object.entries(files).map(([name, file]) => [`OTEL_EXPORTER_OTLP_${name}`, path(file)]);
  return { OTEL_EXPORTER_OTLP_TIMEOUT: "900", ...Object.fromEntries(named) };
}

async function shipOne(receiver: OtlpReceiver, files: Record<string, string>) {
  const warnings: string[] = [];
  const env = withFiles(files);
  const shipper = openOtlpShipper({
    endpoint: receiver.url,
    env,
    version: "0",
    onWarning: (text) => warnings.push(text),
  });
  const before = receiver.records().length;
  shipper.ship(RECORD);
  const result = await shipper.close();
  return { ...result, arrived: receiver.records().length - before, warnings };
}

const ARRIVES = { exported: 1, failed: 0, arrived: 1, warnings: [] };
const CLIENT = { CLIENT_CERTIFICATE: "client.pem", CLIENT_KEY: "client.key" };
const LOGS_CLIENT = { LOGS_CLIENT_CERTIFICATE: "client.pem", LOGS_CLIENT_KEY: "client.key" };

test.each<[string, Record<string, string>]>([
  ["CERTIFICATE", { CERTIFICATE: "ca.pem" }],
  ["LOGS_CERTIFICATE", { LOGS_CERTIFICATE: "ca.pem" }],
  ["LOGS_CERTIFICATE above CERTIFICATE", { LOGS_CERTIFICATE: "ca.pem", CERTIFICATE: "stranger.pem" }],
])("an authority of one's own: %s", async (_, files) => {
  expect(await shipOne(open, files)).toEqual(ARRIVES);
});

test.each<[string, Record<string, string>]>([
  ["CLIENT_CERTIFICATE and CLIENT_KEY", { CERTIFICATE: "ca.pem", ...CLIENT }],
  ["LOGS_CLIENT_CERTIFICATE and LOGS_CLIENT_KEY", { CERTIFICATE: "ca.pem", ...LOGS_CLIENT }],
])("a client certificate: %s", async (_, files) => {
  expect(await shipOne(mutual, files)).toEqual(ARRIVES);
});

test.each<[string, Record<string, string>, RegExp]>([
  ["no authority", {}, /certificate/],
  ["another authority", { CERTIFICATE: "stranger.pem" }, /certificate|signature/],
])("a server that is not trusted gets nothing: %s", async (_, files, error) => {
  const result = await shipOne(open, files);
  expect(result).toMatchObject({ exported: 0, failed: 1, arrived: 0 });
  expect(result.lastError).toMatch(error);
});

test("a server that wants a client certificate takes nothing without", async () => {
  expect(await shipOne(mutual, { CERTIFICATE: "ca.pem" })).toMatchObject({ exported: 0, failed: 1, arrived: 0 });
});

test("half of a client certificate is ignored with a warning", async () => {
  const { warnings } = await shipOne(open, { CERTIFICATE: "ca.pem", CLIENT_KEY: "client.key" });
  expect(warnings).toEqual([expect.stringMatching(/^OTEL_EXPORTER_OTLP_CLIENT_KEY is ignored: /)]);
});

describe("a file that cannot be used is an error when the shipper opens", () => {
  test.each<[string, Record<string, string>, string, string]>([
    ["absent", { CERTIFICATE: "none.pem" }, "CERTIFICATE", "ENOENT"],
    ["not PEM", { LOGS_CERTIFICATE: "garbage.pem" }, "LOGS_CERTIFICATE", "not in PEM format"],
    ["broken", { CERTIFICATE: "broken.pem" }, "CERTIFICATE", "cannot be used"],
    ["another certificate's key", { ...CLIENT, CLIENT_KEY: "server.key" }, "CLIENT_KEY", "mismatch"],
  ])("%s", (_, files, name, reason) => {
    const attempt = (): unknown => openOtlpShipper({ endpoint: open.url, env: withFiles(files), version: "0" });
    expect(attempt).toThrow(`OTEL_EXPORTER_OTLP_${name}=`);
    expect(attempt).toThrow(reason);
  });

  test("unless nothing is encrypted", async () => {
    const env = withFiles({ CERTIFICATE: "none.pem" });
    const shipper = openOtlpShipper({ endpoint: "http://127.0.0.1:9", env, version: "0" });
    expect(await shipper.close()).toEqual({ exported: 0, failed: 0 });
  });
});
