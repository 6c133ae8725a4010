/** OTLP's standard variables, one by one, and what is said where one of them cannot be used. */
import { describe, expect, test } from "vitest";
import { BACKENDS, type BackendName } from "../../../src/otlp/backends.ts";
import { type OtlpOptions, readOtlpSettings } from "../../../src/otlp/settings.ts";

type Env = Record<string, string>;

function read(env: Env, more: Partial<OtlpOptions> = {}) {
  const warnings: string[] = [];
  const settings = readOtlpSettings({ env, ...more }, (message) => warnings.push(message));
  return { ...settings, url: settings.url.href, warnings };
}

test("without any: http/protobuf to this machine's collector", () => {
  expect(read({})).toEqual({
    url: "http://localhost:4318/v1/logs",
    protocol: "http/protobuf",
    headers: {},
    timeoutMs: 10_000,
    compression: "gzip",
    tls: {},
    proxyEnv: {},
    warnings: [],
  });
});

test("JSON is for reading along: not compressed by itself", () => {
  expect(read({ OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" }).compression).toBe("none");
});

describe("backends", () => {
  test.each<[BackendName, string | undefined, Env, string]>([
    ["cubeapm", "http://cube:3130", {}, "http://cube:3130/api/logs/insert/opentelemetry/v1/logs"],
    ["cubeapm", undefined, {}, "http://localhost:3130/api/logs/insert/opentelemetry/v1/logs"],
    [
      "cubeapm",
      undefined,
      { OTEL_EXPORTER_OTLP_ENDPOINT: "http://a:1" },
      "http://a:1/api/logs/insert/opentelemetry/v1/logs",
    ],
    ["cubeapm", "http://proxy/own/path", {}, "http://proxy/own/path"],
    ["victorialogs", "http://vl:9428/", {}, "http://vl:9428/insert/opentelemetry/v1/logs"],
    ["loki", "https://loki", {}, "https://loki/otlp/v1/logs"],
    ["collector", "http://c", {}, "http://c/v1/logs"],
  ])("%s at %s", (name, endpoint, env, expected) => {
    expect(read(env, { endpoint, backend: BACKENDS[name] }).url).toBe(expected);
  });

  test("their headers stand below those that are set", () => {
    const { headers } = read({}, { backend: BACKENDS.cubeapm });
    expect(headers["cube-stream-fields"]?.split(",")).toEqual(expect.arrayContaining(["severity", "event.name"]));
    expect(headers["cube-stream-fields"]).not.toMatch(/pod|container|pid|uid/);
    const env = { OTEL_EXPORTER_OTLP_HEADERS: "Cube-Stream-Fields=host.name" };
    expect(read(env, { backend: BACKENDS.cubeapm }).headers).toEqual({ "cube-stream-fields": "host.name" });
  });

  test("JSON where only protobuf is taken is an error", () => {
    const attempt = (): unknown => read({}, { protocol: "http/json", backend: BACKENDS.cubeapm });
    expect(attempt).toThrow(/takes OTLP as http\/protobuf only/);
  });
});

test("what is given wins over the environment, and is named in what is said of it", () => {
  const env = { OTEL_EXPORTER_OTLP_HEADERS: "a=1", OTEL_EXPORTER_OTLP_LOGS_TIMEOUT: "5" };
  const given = {
    HEADERS: { name: "--h", value: "b=2" },
    TIMEOUT: { name: "--t", value: "7" },
    CERTIFICATE: { name: "otlp-ca-file in x.yaml", value: "/nonexistent" },
  };
  expect(read(env, { given })).toMatchObject({ headers: { b: "2" }, timeoutMs: 7 });
  expect(() => read(env, { given, endpoint: "https://a" })).toThrow(/^otlp-ca-file in x\.yaml=\/nonexistent cannot/);
});

describe("the endpoint", () => {
  test.each<[string, string | undefined, Env, string]>([
    ["of every signal is a base", undefined, { OTEL_EXPORTER_OTLP_ENDPOINT: "http://a:1" }, "http://a:1/v1/logs"],
    [
      "of every signal with a path",
      undefined,
      { OTEL_EXPORTER_OTLP_ENDPOINT: "http://a/otlp" },
      "http://a/otlp/v1/logs",
    ],
    [
      "of every signal with a slash",
      undefined,
      { OTEL_EXPORTER_OTLP_ENDPOINT: "http://a/otlp/" },
      "http://a/otlp/v1/logs",
    ],
    [
      "of every signal with a query",
      undefined,
      { OTEL_EXPORTER_OTLP_ENDPOINT: "http://a?k=v" },
      "http://a/v1/logs?k=v",
    ],
    ["of logs is used as it is", undefined, { OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: "http://a/x" }, "http://a/x"],
    ["of logs without a path too", undefined, { OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: "http://a" }, "http://a/"],
    [
      "of logs wins",
      undefined,
      { OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: "http://a/x", OTEL_EXPORTER_OTLP_ENDPOINT: "http://b" },
      "http://a/x",
    ],
    ["given wins", "http://c/y", { OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: "http://a/x" }, "http://c/y"],
    ["given without a path gets one", "http://c:4318", {}, "http://c:4318/v1/logs"],
    ["given with a slash gets one", "https://c/", {}, "https://c/v1/logs"],
    ["given with a query gets one", "https://c?token=x", {}, "https://c/v1/logs?token=x"],
    ["that is empty is none", "", { OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: " " }, "http://localhost:4318/v1/logs"],
  ])("%s", (_, endpoint, env, expected) => {
    expect(read(env, { endpoint }).url).toBe(expected);
  });

  test.each<[string | undefined, Env, RegExp]>([
    ["localhost:4318", {}, /^the OTLP endpoint: "localhost:4318" is not an http\(s\) URL/],
    [undefined, { OTEL_EXPORTER_OTLP_ENDPOINT: "collector" }, /^OTEL_EXPORTER_OTLP_ENDPOINT: "collector" is not/],
    [undefined, { OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: "grpc://a" }, /^OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: "grpc:/],
  ])("that is no URL is an error: %s %j", (endpoint, env, expected) => {
    expect(() => read(env, { endpoint })).toThrow(expected);
  });
});

describe("the protocol", () => {
  test.each<[Env, OtlpOptions["protocol"], string]>([
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" }, undefined, "http/json"],
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: "grpc", OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: "http/json" }, undefined, "http/json"],
    [{ OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: "http/protobuf" }, undefined, "http/protobuf"],
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, "http/json", "http/json"],
  ])("%j, given %s", (env, protocol, expected) => {
    expect(read(env, { protocol }).protocol).toBe(expected);
  });

  test("grpc is an error that says what to do", () => {
    expect(() => read({ OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" })).toThrow(
      /^OTEL_EXPORTER_OTLP_PROTOCOL=grpc: only http\/protobuf and http\/json are sent; set /,
    );
  });
});

describe("headers", () => {
  test.each<[Env, Record<string, string>]>([
    [{ OTEL_EXPORTER_OTLP_HEADERS: "a=1, B = two%20words ,c=x=y" }, { a: "1", b: "two words", c: "x=y" }],
    [
      {
        OTEL_EXPORTER_OTLP_HEADERS: "Authorization=general,a=1",
        OTEL_EXPORTER_OTLP_LOGS_HEADERS: "authorization=logs",
      },
      { authorization: "logs", a: "1" },
    ],
    [{ OTEL_EXPORTER_OTLP_LOGS_HEADERS: "a=" }, { a: "" }],
  ])("%j", (env, expected) => {
    const { headers, warnings } = read(env);
    expect(headers).toEqual(expected);
    expect(warnings).toEqual([]);
  });

  test("an entry without a name is ignored, and its value told to nobody", () => {
    const { headers, warnings } = read({ OTEL_EXPORTER_OTLP_HEADERS: "a=1,=secret,secret" });
    expect(headers).toEqual({ a: "1" });
    expect(warnings).toHaveLength(2);
    expect(warnings.join()).not.toContain("secret");
  });

  test.each(["a b=secret", "a=%0asecret", "a=%zzsecret", "a=secr\u4e2det"])("%j cannot be sent", (list) => {
    const attempt = (): unknown => read({ OTEL_EXPORTER_OTLP_LOGS_HEADERS: list });
    expect(attempt).toThrow(/^OTEL_EXPORTER_OTLP_LOGS_HEADERS: the header "a( b)?" cannot be sent/);
    expect(attempt).not.toThrow(/secr/);
  });
});

describe("time and size", () => {
  test.each<[Env, number]>([
    [{ OTEL_EXPORTER_OTLP_TIMEOUT: "2500" }, 2500],
    [{ OTEL_EXPORTER_OTLP_TIMEOUT: "2500", OTEL_EXPORTER_OTLP_LOGS_TIMEOUT: "300" }, 300],
    [{ OTEL_EXPORTER_OTLP_TIMEOUT: "1e12" }, 3_600_000],
  ])("%j", (env, expected) => {
    expect(read(env)).toMatchObject({ timeoutMs: expected, warnings: [] });
  });

  test.each(["0", "-1", "10s"])("a timeout of %s is ignored with a warning", (value) => {
    const { timeoutMs, warnings } = read({ OTEL_EXPORTER_OTLP_TIMEOUT: value });
    expect(timeoutMs).toBe(10_000);
    expect(warnings).toEqual([expect.stringContaining(`OTEL_EXPORTER_OTLP_TIMEOUT=${value}`)]);
  });

  test.each<[Env, string]>([
    [{ OTEL_EXPORTER_OTLP_COMPRESSION: "gzip" }, "gzip"],
    [{ OTEL_EXPORTER_OTLP_COMPRESSION: "gzip", OTEL_EXPORTER_OTLP_LOGS_COMPRESSION: "none" }, "none"],
  ])("%j", (env, expected) => {
    expect(read(env)).toMatchObject({ compression: expected, warnings: [] });
  });

  test("an unknown compression is ignored with a warning", () => {
    const { compression, warnings } = read({ OTEL_EXPORTER_OTLP_COMPRESSION: "zstd" });
    expect(compression).toBe("none");
    expect(warnings).toEqual([expect.stringContaining("OTEL_EXPORTER_OTLP_COMPRESSION=zstd")]);
  });
});
