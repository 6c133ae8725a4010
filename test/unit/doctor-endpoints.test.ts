/** What `oomscribe doctor` says of endpoints: of real servers that take records, refuse them, are none, or are away. */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { readConfig } from "../../src/config/read.ts";
import { type EndpointFacts, judgeAnswer } from "../../src/doctor/checks/endpoint-advice.ts";
import { checkEndpoints } from "../../src/doctor/checks/endpoints.ts";
import { judgeNetwork } from "../../src/doctor/checks/network-advice.ts";
import { openCertificates } from "../certificates.ts";
import { openHttpProxy } from "../http-proxy.ts";
import { type Answer, type OtlpReceiver, openOtlpReceiver, type ReceiverOptions } from "../otlp-receiver.ts";

const receivers: OtlpReceiver[] = [];
const servers: Server[] = [];

afterEach(async () => {
  for (const receiver of receivers.splice(0)) await receiver.close();
  for (const server of servers.splice(0)) server.close();
});

async function open(options?: ReceiverOptions): Promise<OtlpReceiver> {
  const receiver = await openOtlpReceiver(options);
  receivers.push(receiver);
  return receiver;
}

/** A TCP server that is none of HTTP. */
async function openTcp(onConnection: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    onConnection(socket);
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

/** @param settings by their names, as options of the command line */
function check(settings: Record<string, string | string[]>, env: Record<string, string> = {}) {
  const flags = new Map(Object.entries(settings).map(([name, value]) => [name, [value].flat()]));
  return checkEndpoints({ config: readConfig({ flags, env: { OOMSCRIBE_OTLP_TIMEOUT: "1", ...env } }), version: "0" });
}

describe("a server that takes records", () => {
  test.each(["http/protobuf", "http/json"])(
    "as %s: it gets one empty request, with what the agent sends",
    async (protocol) => {
      const receiver = await open();
      const env = { OOMSCRIBE_OTLP_PROTOCOL: protocol, OOMSCRIBE_OTLP_HEADERS: "authorization=secret" };
      const [finding] = await check({ otlp: receiver.url }, env);
      expect(finding).toMatchObject({
        status: "ok",
        says: expect.stringMatching(`^${receiver.url}/v1/logs takes records as ${protocol} \\(\\d+ ms\\)$`),
        detail: { headers: ["authorization"], status: 200, clockAheadSeconds: expect.any(Number) },
      });
      expect(receiver.requests()).toEqual([
        expect.objectContaining({
          method: "POST",
          path: "/v1/logs",
          records: [],
          headers: expect.objectContaining({
            authorization: "secret",
            "user-agent": expect.stringContaining("oomscribe/0"),
          }),
        }),
      ]);
      expect(JSON.stringify(finding)).not.toContain("secret");
    },
  );

  test("each of several is told of", async () => {
    const [one, two] = [await open(), await open({ respond: () => ({ status: 401 }) })];
    const findings = await check({ otlp: [one.url, two.url] });
    expect(findings.map(({ status }) => status)).toEqual(["ok", "failed"]);
  });

  test("its backend's path, and a key that it accepts", async () => {
    const receiver = await open({
      respond: ({ headers }) => (headers["x-cube-token"] === "right" ? {} : { status: 403, body: "bad token" }),
    });
    const settings = { otlp: receiver.url, backend: "cubeapm" };
    expect(await check(settings, { OOMSCRIBE_ACCESS_KEY: "right" })).toMatchObject([{ status: "ok" }]);
    expect(await check(settings, { OOMSCRIBE_ACCESS_KEY: "wrong" })).toMatchObject([
      { status: "failed", says: expect.stringContaining("403"), advice: expect.stringContaining("is not accepted") },
    ]);
    expect(await check(settings)).toMatchObject([{ status: "failed", advice: expect.stringContaining("wants a key") }]);
    expect(receiver.requests()[0]?.path).toBe("/api/logs/insert/opentelemetry/v1/logs");
  });

  test("a clock that is an hour behind is in its Date", async () => {
    const date = new Date(Date.now() - 3_600_000).toUTCString();
    const receiver = await open({ respond: () => ({ headers: { date } }) });
    const [finding] = await check({ otlp: receiver.url });
    expect(Number(finding?.detail?.["clockAheadSeconds"])).toBeGreaterThanOrEqual(3598);
    expect(Number(finding?.detail?.["clockAheadSeconds"])).toBeLessThanOrEqual(3602);
  });

  test("what is sent through a proxy is sent so here", async () => {
    const receiver = await open();
    const proxy = await openHttpProxy();
    // No way there but the proxy's.
    const [finding] = await check({ otlp: receiver.url }, { HTTP_PROXY: proxy.url });
    await proxy.close();
    expect(proxy.asked).toEqual([`POST ${receiver.url}/v1/logs`]);
    expect(finding).toMatchObject({ status: "ok", detail: { proxy: "HTTP_PROXY" } });
  });
});

describe("a server that does not", () => {
  test.each<[string, Answer, Record<string, string>, RegExp]>([
    ["no key", { status: 401 }, {}, /wants a key: set otlp-headers/],
    ["a wrong path", { status: 404 }, {}, /path, which was \/v1\/logs/],
    ["another method", { status: 405 }, {}, /path/],
    [
      "JSON, as VictoriaLogs",
      { status: 400 },
      { OOMSCRIBE_OTLP_PROTOCOL: "http/json" },
      /set otlp-protocol to http\/protobuf/,
    ],
    ["protobuf", { status: 415 }, {}, /http\/json/],
    ["a redirect", { status: 301, headers: { location: "/x" } }, {}, /redirects/],
    ["a fault", { status: 500, body: "disk full" }, {}, /backend's own log/],
    ["busy", { status: 503 }, {}, /busy/],
    ["behind a gateway", { status: 502 }, {}, /cannot reach it/],
    ["no answer", { hang: true }, {}, /does not answer/],
    ["a connection that breaks", { lost: true }, {}, /breaks before an answer/],
  ])("%s", async (_, answer, env, advice) => {
    const receiver = await open({ respond: () => answer });
    const [finding] = await check({ otlp: receiver.url }, env);
    expect(finding).toMatchObject({ status: "failed", advice: expect.stringMatching(advice) });
    expect(finding?.says).toContain(answer.body ?? receiver.url);
  });

  test("Loki refuses the empty request alone", async () => {
    const body = "error at least one valid stream is required for ingestion";
    const receiver = await open({ respond: () => ({ status: 422, body }) });
    expect(await check({ otlp: receiver.url, backend: "loki" })).toMatchObject([
      { status: "ok", says: expect.stringContaining("Loki") },
    ]);
    const other = await open({ respond: () => ({ status: 422, body: "no" }) });
    expect(await check({ otlp: other.url })).toMatchObject([{ status: "failed" }]);
  });

  test("a web page that answers everything", async () => {
    const receiver = await open({ respond: () => ({ headers: { "content-type": "text/html" }, body: "<p>Welcome" }) });
    expect(await check({ otlp: receiver.url })).toMatchObject([
      {
        status: "failed",
        says: expect.stringContaining("answered with text/html, not OTLP"),
        advice: expect.stringContaining("path"),
      },
    ]);
  });

  test("nobody listens", async () => {
    const receiver = await openOtlpReceiver();
    await receiver.close();
    expect(await check({ otlp: receiver.url })).toMatchObject([
      {
        status: "failed",
        says: expect.stringContaining("ECONNREFUSED"),
        advice: expect.stringContaining("4317 is gRPC"),
      },
    ]);
  });

  test("a name that is none", async () => {
    expect(await check({ otlp: "http://no-such-host.invalid:4318" })).toMatchObject([
      {
        status: "failed",
        says: expect.stringContaining("cannot be resolved"),
        advice: expect.stringContaining("ClusterFirstWithHostNet"),
      },
    ]);
  });

  test("gRPC's port: HTTP/2 in place of HTTP/1.1", async () => {
    // What a server of HTTP/2 begins with: an empty SETTINGS frame, https://www.rfc-editor.org/rfc/rfc9113#section-6.5.
    const url = await openTcp((socket) => socket.end(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])));
    expect(await check({ otlp: url })).toMatchObject([
      { status: "failed", advice: expect.stringContaining("4317 is OTLP's gRPC") },
    ]);
  });
});

describe("TLS", () => {
  let folder: string;
  let plain: OtlpReceiver;
  let secure: OtlpReceiver;
  let mutual: OtlpReceiver;
  const path = (file: string): string => join(folder, file);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "oomscribe-doctor-tls-"));
    const certificates = openCertificates(folder);
    for (const name of ["ca", "stranger"]) certificates.makeAuthority(name);
    for (const name of ["server", "client"]) certificates.make(name, "ca");
    const [ca, cert, key] = ["ca.pem", "server.pem", "server.key"].map(certificates.read) as [Buffer, Buffer, Buffer];
    plain = await openOtlpReceiver();
    secure = await openOtlpReceiver({ tls: { cert, key } });
    mutual = await openOtlpReceiver({ tls: { cert, key, ca, requestCert: true, rejectUnauthorized: true } });
  });

  afterAll(async () => {
    for (const receiver of [plain, secure, mutual]) await receiver.close();
    rmSync(folder, { recursive: true });
  });

  test("the authority that signed it is known; that the certificate ends soon is told", async () => {
    const [finding] = await check({ otlp: secure.url }, { OOMSCRIBE_OTLP_CA_FILE: path("ca.pem") });
    expect(finding).toMatchObject({
      status: "warning",
      says: expect.stringMatching(/takes records .*; its certificate expires on \d{4}-\d\d-\d\d$/),
    });
  });

  test.each<[string, () => string, () => Record<string, string>, RegExp, RegExp]>([
    ["no authority", () => secure.url, () => ({}), /TLS fails/, /set otlp-ca-file/],
    [
      "another authority",
      () => secure.url,
      () => ({ OOMSCRIBE_OTLP_CA_FILE: path("stranger.pem") }),
      /TLS fails/,
      /the authority in otlp-ca-file did not sign it/,
    ],
    [
      "an authority's file that is none",
      () => secure.url,
      () => ({ OOMSCRIBE_OTLP_CA_FILE: path("names") }),
      /OOMSCRIBE_OTLP_CA_FILE=.* cannot be used/,
      /mend that setting/,
    ],
    [
      "no client certificate",
      () => mutual.url,
      () => ({ OOMSCRIBE_OTLP_CA_FILE: path("ca.pem") }),
      /./,
      /client certificate/,
    ],
    ["https to a port of http", () => plain.url.replace("http:", "https:"), () => ({}), /TLS fails/, /write http:\/\//],
    ["http to a port of https", () => secure.url.replace("https:", "http:"), () => ({}), /./, /https:\/\//],
  ])("%s", async (_, url, env, says, advice) => {
    expect(await check({ otlp: url() }, env())).toMatchObject([
      { status: "failed", says: expect.stringMatching(says), advice: expect.stringMatching(advice) },
    ]);
  });

  test.each<[string, () => string, () => Record<string, string>, RegExp]>([
    ["no authority", () => secure.url, () => ({}), /set otlp-ca-file/],
    [
      "another authority",
      () => secure.url,
      () => ({ OOMSCRIBE_OTLP_CA_FILE: path("stranger.pem") }),
      /the authority in otlp-ca-file did not sign it/,
    ],
    ["https to a port of http", () => plain.url.replace("http:", "https:"), () => ({}), /write http:\/\//],
  ])("%s, through a proxy", async (_, url, env, advice) => {
    const proxy = await openHttpProxy();
    const [finding] = await check({ otlp: url() }, { ...env(), HTTPS_PROXY: proxy.url });
    await proxy.close();
    expect(proxy.asked).toContain(`CONNECT ${new URL(url()).host}`);
    expect(finding).toMatchObject({ status: "failed", advice: expect.stringMatching(advice) });
  });

  test("a client certificate is shown", async () => {
    const before = mutual.requests().length;
    const [finding] = await check(
      { otlp: mutual.url },
      {
        OOMSCRIBE_OTLP_CA_FILE: path("ca.pem"),
        OOMSCRIBE_OTLP_CERT_FILE: path("client.pem"),
        OOMSCRIBE_OTLP_KEY_FILE: path("client.key"),
      },
    );
    expect(finding?.says).toContain("takes records");
    expect(mutual.requests().length).toBe(before + 1);
  });
});

describe("through a proxy, where the steps cannot be tried one by one", () => {
  /** A port at which nobody listens. */
  async function closedPort(): Promise<string> {
    const receiver = await openOtlpReceiver();
    await receiver.close();
    return receiver.url;
  }

  test("the proxy is down", async () => {
    const proxy = await closedPort();
    const receiver = await open();
    const [finding] = await check({ otlp: receiver.url }, { HTTP_PROXY: proxy });
    expect(finding).toMatchObject({
      status: "failed",
      says: expect.stringContaining(`ECONNREFUSED ${new URL(proxy).host}`),
      advice: expect.stringMatching(/nothing listens there.*the proxy's, mend HTTP_PROXY, or .* NO_PROXY$/),
    });
    expect(receiver.requests()).toEqual([]);
  });

  test("an exception is made for an endpoint that is down", async () => {
    const url = await closedPort();
    const [finding] = await check({ otlp: url }, { HTTP_PROXY: "http://127.0.0.1:1", NO_PROXY: "127.0.0.1" });
    expect(finding).toMatchObject({
      status: "failed",
      says: expect.stringContaining(`ECONNREFUSED ${new URL(url).host}`),
      advice: expect.stringMatching(/^nothing listens there/),
    });
  });

  test("an exception is made for a name that is none", async () => {
    const env = { HTTP_PROXY: "http://127.0.0.1:1", NO_PROXY: ".invalid" };
    expect(await check({ otlp: "http://no-such-host.invalid:4318" }, env)).toMatchObject([
      { status: "failed", advice: expect.stringMatching(/ClusterFirstWithHostNet/) },
    ]);
  });

  test.each<[string, string, RegExp]>([
    [
      "lets nobody through",
      "HTTP/1.1 403 Forbidden\r\n\r\n",
      /does not let it through: .*NO_PROXY \(HTTPS_PROXY is set\)/,
    ],
    ["wants a password", "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", /wants a name and a password/],
    ["hangs up", "", /does not let it through/],
  ])("a proxy that %s, whose own password is not told", async (_, answer, advice) => {
    const proxy = await openTcp((socket) => socket.once("data", () => socket.end(answer)));
    const env = { HTTPS_PROXY: proxy.replace("//", "//user:secret@") };
    const [finding] = await check({ otlp: "https://no-such-host.invalid:4318" }, env);
    expect(finding).toMatchObject({ status: "failed", advice: expect.stringMatching(advice) });
    expect(JSON.stringify(finding)).not.toContain("secret");
  });
});

test("records that are printed are sent nowhere", async () => {
  expect(await check({ backend: "stdout" })).toMatchObject([
    { status: "skipped", says: expect.stringContaining("printed on standard output") },
  ]);
});

test("without a configuration there is no endpoint", async () => {
  expect(await checkEndpoints({ config: undefined, version: "0" })).toMatchObject([{ status: "skipped" }]);
});

const FACTS: EndpointFacts = {
  target: "https://b/v1/logs",
  path: "/v1/logs",
  protocol: "http/protobuf",
  hasCa: false,
  hasHeaders: false,
};

test.each<["connection" | "certificate" | "name", string, RegExp]>([
  ["name", "ENOTFOUND", /NAMESPACE\.svc/],
  ["name", "EAI_AGAIN", /no name server answers/],
  ["name", "ETIMEDOUT", /no name server answers.*ClusterFirstWithHostNet/],
  ["connection", "ETIMEDOUT", /NetworkPolicies/],
  ["connection", "ENETUNREACH", /routes/],
  ["connection", "EMFILE", /address, port/],
  ["certificate", "CERT_HAS_EXPIRED", /renew/],
  ["certificate", "CERT_NOT_YET_VALID", /clock is behind/],
  ["certificate", "ERR_TLS_CERT_ALTNAME_INVALID", /made out to/],
  ["certificate", "ECONNRESET", /otlp-cert-file/],
])("%s: %s", (step, code, advice) => {
  const verdict = judgeNetwork({ kind: "failed", step, code, message: "m" }, FACTS);
  expect(verdict).toMatchObject({
    status: "failed",
    says: expect.stringContaining(code),
    advice: expect.stringMatching(advice),
  });
});

test("a proxy that wants a password", () => {
  const answer = { status: 407, statusLine: "407 Proxy Authentication Required" };
  expect(judgeAnswer({ kind: "blocked", reason: "HTTP 407" }, answer, FACTS).advice).toMatch(/HTTPS_PROXY/);
});
