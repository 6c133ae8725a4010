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

export type OtlpProtocol = "http/protobuf" | "http/json";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface OtlpSettings {
  url: URL;
  protocol: OtlpProtocol;
  /** names in lower case */
  headers: Record<string, string>;
  /** milliseconds that a batch may take, its retries included */
  timeoutMs: number;
  compression: "none" | "gzip";
  /** PEM; absent: the system's authorities, no client certificate */
  tls: { ca?: Buffer; cert?: Buffer; key?: Buffer };
}

export interface OtlpOptions {
  /** wins over the environment; gets `/v1/logs` where it has no path */
  endpoint?: string | undefined;
  /** wins over the environment */
  protocol?: OtlpProtocol | undefined;
  env: Environment;
}

/** A variable that is set, and its name: empty is unset. */
interface Variable {
  name: string;
  value: string;
}

/**
 * @param warn told of variables that are ignored because nothing is lost by it
 * @throws Error where the setting would send records nowhere, or to the wrong place
 */
export function readOtlpSettings(options: OtlpOptions, warn: (message: string) => void): OtlpSettings {
  const { env } = options;
  const settings: OtlpSettings = {
    url: readUrl(options.endpoint, env),
    protocol: readProtocol(options.protocol, env),
    headers: readHeaders(env, warn),
    timeoutMs: readTimeout(env, warn),
    compression: readCompression(env, warn),
    tls: {},
  };
  if (settings.url.protocol === "https:") settings.tls = readTls(env, warn);
  return settings;
}

const DEFAULT_ENDPOINT = "http://localhost:4318";
const LOGS_PATH = "v1/logs";

function readUrl(endpoint: string | undefined, env: Environment): URL {
  if (endpoint !== undefined && endpoint !== "") {
    const url = parseUrl({ name: "the OTLP endpoint", value: endpoint });
    return url.pathname === "/" ? withLogsPath(url) : url;
  }
  // A signal's own endpoint is used as it is; the general one is the base of every signal's.
  const logs = variable(env, "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT");
  if (logs !== undefined) return parseUrl(logs);
  const base = variable(env, "OTEL_EXPORTER_OTLP_ENDPOINT") ?? { name: "", value: DEFAULT_ENDPOINT };
  return withLogsPath(parseUrl(base));
}

function parseUrl({ name, value }: Variable): URL {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new Error(`${name}: "${value}" is not an http(s) URL; write for example ${DEFAULT_ENDPOINT}`);
  }
  return url;
}

function withLogsPath(base: URL): URL {
  const url = new URL(base);
  url.pathname += url.pathname.endsWith("/") ? LOGS_PATH : `/${LOGS_PATH}`;
  return url;
}

function readProtocol(protocol: OtlpProtocol | undefined, env: Environment): OtlpProtocol {
  if (protocol !== undefined) return protocol;
  const chosen = either(env, "PROTOCOL");
  if (chosen === undefined || chosen.value === "http/protobuf") return "http/protobuf";
  if (chosen.value === "http/json") return "http/json";
  throw new Error(
    `${chosen.name}=${chosen.value}: only http/protobuf and http/json are sent; set OTEL_EXPORTER_OTLP_LOGS_PROTOCOL ` +
      "to one of them and the endpoint to the backend's HTTP port (4318 as a rule)",
  );
}

function readHeaders(env: Environment, warn: (message: string) => void): Record<string, string> {
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

function readTimeout(env: Environment, warn: (message: string) => void): number {
  const chosen = either(env, "TIMEOUT");
  if (chosen === undefined) return DEFAULT_TIMEOUT_MS;
  const ms = Number(chosen.value);
  if (ms > 0) return Math.min(ms, MAX_TIMEOUT_MS);
  warn(`${chosen.name}=${chosen.value} is no number of milliseconds above 0: ${DEFAULT_TIMEOUT_MS} is used`);
  return DEFAULT_TIMEOUT_MS;
}

function readCompression(env: Environment, warn: (message: string) => void): "none" | "gzip" {
  const chosen = either(env, "COMPRESSION");
  if (chosen === undefined || chosen.value === "none") return "none";
  if (chosen.value === "gzip") return "gzip";
  warn(`${chosen.name}=${chosen.value}: only gzip and none are known; nothing is compressed`);
  return "none";
}

function readTls(env: Environment, warn: (message: string) => void): OtlpSettings["tls"] {
  const ca = either(env, "CERTIFICATE");
  const cert = either(env, "CLIENT_CERTIFICATE");
  const key = either(env, "CLIENT_KEY");
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

/** The variable of logs, or the one of every signal. */
function either(env: Environment, what: string): Variable | undefined {
  return variable(env, `OTEL_EXPORTER_OTLP_LOGS_${what}`) ?? variable(env, `OTEL_EXPORTER_OTLP_${what}`);
}

function variable(env: Environment, name: string): Variable | undefined {
  const value = env[name]?.trim();
  return value === undefined || value === "" ? undefined : { name, value };
}
