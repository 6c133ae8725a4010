/**
 * Where and how OTLP is sent: the options and OpenTelemetry's standard variables → one set of settings.
 * Spec: https://opentelemetry.io/docs/specs/otel/protocol/exporter/
 *
 * The SDK's exporters read most of these variables themselves, from process.env alone. They are read here once more
 * because the SDK falls back in silence where that sends nothing anywhere: a URL that it cannot read becomes
 * localhost, a certificate that it cannot read is left out.
 */

import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { validateHeaderName, validateHeaderValue } from "node:http";
import { createSecureContext } from "node:tls";
import type { OtlpProtocol } from "./backends.ts";
import { BACKENDS, type BackendProfile } from "./backends.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface OtlpSettings {
  url: URL;
  protocol: OtlpProtocol;
  /** names in lower case */
  headers: Record<string, string>;
  /** with headers that win over these and may change */
  headersFile?: string;
  /** milliseconds that a batch may take, its retries included */
  timeoutMs: number;
  compression: "none" | "gzip";
  /** PEM; absent: the system's authorities, no client certificate */
  tls: { ca?: Buffer; cert?: Buffer; key?: Buffer };
  /** HTTP_PROXY, HTTPS_PROXY, NO_PROXY as they are set, in either case */
  proxyEnv: Record<string, string>;
}

/** What OpenTelemetry's variables can say. */
export type OtlpVariable =
  | "PROTOCOL"
  | "HEADERS"
  | "TIMEOUT"
  | "COMPRESSION"
  | "CERTIFICATE"
  | "CLIENT_CERTIFICATE"
  | "CLIENT_KEY";

export interface OtlpOptions {
  /** wins over the environment; gets the backend's path where it has none */
  endpoint?: string | undefined;
  /** wins over the environment */
  protocol?: OtlpProtocol | undefined;
  env: Environment;
  /** what is set elsewhere, in the format of the variable: wins over the environment */
  given?: Partial<Record<OtlpVariable, Variable>>;
  /** with more headers, which win over all others; read again when it changes */
  headersFile?: string | undefined;
  /** default: a collector */
  backend?: BackendProfile | undefined;
}

/** What is set, and who has set it, for people; of the environment, empty is unset. */
export interface Variable {
  name: string;
  value: string;
}

/**
 * @param warn told of variables that are ignored because nothing is lost by it
 * @throws Error where the setting would send records nowhere, or to the wrong place
 */
export function readOtlpSettings(options: OtlpOptions, warn: (message: string) => void): OtlpSettings {
  const { backend = BACKENDS.collector } = options;
  const protocol = readProtocol(options, backend);
  const settings: OtlpSettings = {
    url: readUrl(options, backend),
    protocol,
    headers: { ...backend.headers, ...readHeaders(options, warn) },
    timeoutMs: readTimeout(options, warn),
    compression: readCompression(options, protocol, warn),
    tls: {},
    proxyEnv: readProxyEnv(options.env),
    ...(options.headersFile === undefined ? {} : { headersFile: options.headersFile }),
  };
  if (settings.url.protocol === "https:") settings.tls = readTls(options, warn);
  return settings;
}

const LOGS_PATH = "v1/logs";

function readUrl({ endpoint, env }: OtlpOptions, backend: BackendProfile): URL {
  if (endpoint !== undefined && endpoint !== "") {
    return withPath(parseUrl({ name: "the OTLP endpoint", value: endpoint }), backend);
  }
  // A signal's own endpoint is used as it is; the general one is the base of every signal's.
  const logs = variable(env, "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT");
  if (logs !== undefined) return parseUrl(logs);
  const base = variable(env, "OTEL_EXPORTER_OTLP_ENDPOINT");
  if (base === undefined) return withPath(new URL(backend.endpoint), backend);
  const url = parseUrl(base);
  if (url.pathname === "/") return withPath(url, backend);
  url.pathname += url.pathname.endsWith("/") ? LOGS_PATH : `/${LOGS_PATH}`;
  return url;
}

function withPath(base: URL, { path }: BackendProfile): URL {
  const url = new URL(base);
  if (url.pathname === "/") url.pathname = path;
  return url;
}

function parseUrl({ name, value }: Variable): URL {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new Error(`${name}: "${value}" is not an http(s) URL; write for example ${BACKENDS.collector.endpoint}`);
  }
  return url;
}

function readProtocol(options: OtlpOptions, backend: BackendProfile): OtlpProtocol {
  const chosen = options.protocol ?? readChosenProtocol(options) ?? "http/protobuf";
  if (backend.protocol === undefined || backend.protocol === chosen) return chosen;
  throw new Error(`this backend takes OTLP as ${backend.protocol} only: set the protocol to that, or not at all`);
}

function readChosenProtocol(options: OtlpOptions): OtlpProtocol | undefined {
  const chosen = either(options, "PROTOCOL");
  if (chosen === undefined || chosen.value === "http/protobuf" || chosen.value === "http/json") {
    return chosen?.value as OtlpProtocol | undefined;
  }
  throw new Error(
    `${chosen.name}=${chosen.value}: only http/protobuf and http/json are sent; set OTEL_EXPORTER_OTLP_LOGS_PROTOCOL ` +
      "to one of them and the endpoint to the backend's HTTP port (4318 as a rule)",
  );
}

function readHeaders({ env, given }: OtlpOptions, warn: (message: string) => void): Record<string, string> {
  if (given?.HEADERS !== undefined) return parseHeaders(given.HEADERS, warn);
  return {
    ...parseHeaders(variable(env, "OTEL_EXPORTER_OTLP_HEADERS"), warn),
    ...parseHeaders(variable(env, "OTEL_EXPORTER_OTLP_LOGS_HEADERS"), warn),
  };
}

/** `name=value,name=value`, percent-encoded, as in W3C Baggage. Values are secrets: no message holds one. */
function parseHeaders(list: Variable | undefined, warn: (message: string) => void): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const pair of list?.value.split(",") ?? []) {
    if (pair.trim() === "") continue;
    const equals = pair.indexOf("=");
    const name = pair.slice(0, Math.max(equals, 0)).trim().toLowerCase();
    if (name === "") {
      warn(`${list?.name}: an entry without a name or a value is ignored; write name=value,name=value`);
      continue;
    }
    try {
      const value = decodeURIComponent(pair.slice(equals + 1).trim());
      validateHeaderName(name);
      validateHeaderValue(name, value);
      headers[name] = value;
    } catch {
      throw new Error(`${list?.name}: the header ${JSON.stringify(name)} cannot be sent; percent-encode its value`);
    }
  }
  return headers;
}

const DEFAULT_TIMEOUT_MS = 10_000;
/** Timers count in 32 bits; nobody waits an hour for a batch. */
const MAX_TIMEOUT_MS = 3_600_000;

function readTimeout(options: OtlpOptions, warn: (message: string) => void): number {
  const chosen = either(options, "TIMEOUT");
  if (chosen === undefined) return DEFAULT_TIMEOUT_MS;
  const ms = Number(chosen.value);
  if (ms > 0) return Math.min(ms, MAX_TIMEOUT_MS);
  warn(`${chosen.name}=${chosen.value} is no number of milliseconds above 0: ${DEFAULT_TIMEOUT_MS} is used`);
  return DEFAULT_TIMEOUT_MS;
}

function readCompression(
  options: OtlpOptions,
  protocol: OtlpProtocol,
  warn: (message: string) => void,
): "none" | "gzip" {
  const chosen = either(options, "COMPRESSION");
  // A kill's record is a third of its size in gzip, which every receiver of protobuf takes: the collector sends so too.
  if (chosen === undefined) return protocol === "http/protobuf" ? "gzip" : "none";
  if (chosen.value === "none" || chosen.value === "gzip") return chosen.value;
  warn(`${chosen.name}=${chosen.value}: only gzip and none are known; nothing is compressed`);
  return "none";
}

function readTls(options: OtlpOptions, warn: (message: string) => void): OtlpSettings["tls"] {
  const ca = either(options, "CERTIFICATE");
  const cert = either(options, "CLIENT_CERTIFICATE");
  const key = either(options, "CLIENT_KEY");
  if ((cert === undefined) !== (key === undefined)) {
    warn(`${(cert ?? key)?.name} is ignored: a client certificate needs both CLIENT_CERTIFICATE and CLIENT_KEY`);
  }
  const tls: OtlpSettings["tls"] = {};
  // TLS itself passes over an authority that it cannot read, and finds a wrong key when the first batch is due.
  if (ca !== undefined) tls.ca = readPem(ca, (pem) => new X509Certificate(pem));
  if (cert !== undefined && key !== undefined) {
    tls.cert = readPem(cert, (pem) => new X509Certificate(pem));
    tls.key = readPem(key, (pem) => createSecureContext({ cert: tls.cert, key: pem }));
  }
  return tls;
}

/** @param check throws where the file is not what it should be */
function readPem(file: Variable, check: (pem: Buffer) => unknown): Buffer {
  try {
    const pem = readFileSync(file.value);
    if (!pem.includes("-----BEGIN ")) throw new Error("not in PEM format");
    check(pem);
    return pem;
  } catch (error) {
    throw new Error(`${file.name}=${file.value} cannot be used: ${error instanceof Error ? error.message : error}`);
  }
}

const PROXY = /^(?:https?|no)_proxy$/i;

function readProxyEnv(env: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (PROXY.test(name) && value !== undefined ? [[name, value]] : [])),
  );
}

/** What is given, else the variable of logs, else the one of every signal. */
function either({ env, given }: OtlpOptions, what: OtlpVariable): Variable | undefined {
  return (
    given?.[what] ?? variable(env, `OTEL_EXPORTER_OTLP_LOGS_${what}`) ?? variable(env, `OTEL_EXPORTER_OTLP_${what}`)
  );
}

function variable(env: Environment, name: string): Variable | undefined {
  const value = env[name]?.trim();
  return value === undefined || value === "" ? undefined : { name, value };
}
