/** Configuration → what the exporter of each endpoint is opened with. */
import type { Config } from "../config/read.ts";
import type { SettingName } from "../config/settings.ts";
import { BACKENDS, type BackendProfile } from "../otlp/backends.ts";
import type { OtlpExportOptions } from "../otlp/exporter.ts";
import type { OtlpVariable, Variable } from "../otlp/settings.ts";

/** @throws Error where settings contradict each other. @returns one for each endpoint, at least one; none for stdout */
export function toEndpoints(config: Config, version: string): OtlpExportOptions[] {
  const { settings, env } = config;
  if (settings.backend === "stdout") return [];
  const backend = withAccessKey(BACKENDS[settings.backend], settings["access-key"]);
  const common = {
    env,
    version,
    backend,
    given: toGiven(config),
    protocol: settings["otlp-protocol"],
    headersFile: settings["otlp-headers-file"],
  };
  return (settings.otlp ?? [undefined]).map((endpoint) => ({ ...common, endpoint }));
}

function withAccessKey(backend: BackendProfile, key: string | undefined): BackendProfile {
  if (key === undefined) return backend;
  if (backend.keyHeader === undefined) {
    throw new Error("access-key is of backend cubeapm: set that, or send the key of another backend with otlp-headers");
  }
  return { ...backend, headers: { ...backend.headers, [backend.keyHeader]: key } };
}

/** Settings that say what one of OpenTelemetry's variables says, in its format. */
function toGiven({ settings, from }: Config): Partial<Record<OtlpVariable, Variable>> {
  const timeout = settings["otlp-timeout"];
  const headers = settings["otlp-headers"];
  const rows: [OtlpVariable, SettingName, string | undefined][] = [
    ["HEADERS", "otlp-headers", headers === undefined ? undefined : toList(headers)],
    ["TIMEOUT", "otlp-timeout", timeout === undefined ? undefined : String(timeout * 1000)],
    ["COMPRESSION", "otlp-compression", settings["otlp-compression"]],
    ["CERTIFICATE", "otlp-ca-file", settings["otlp-ca-file"]],
    ["CLIENT_CERTIFICATE", "otlp-cert-file", settings["otlp-cert-file"]],
    ["CLIENT_KEY", "otlp-key-file", settings["otlp-key-file"]],
  ];
  return Object.fromEntries(
    rows.flatMap(([variable, name, value]) =>
      value === undefined ? [] : [[variable, { name: from[name] ?? name, value }]],
    ),
  );
}

function toList(map: Readonly<Record<string, string>>): string {
  return Object.entries(map)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join(",");
}
