/** What the backends want that take OTLP: where they listen, the path of logs, headers of their own. */
export type OtlpProtocol = "http/protobuf" | "http/json";
export type BackendName = "collector" | "cubeapm" | "victorialogs" | "loki";

export interface BackendProfile {
  /** without a path */
  readonly endpoint: string;
  readonly path: string;
  /** absent: any */
  readonly protocol?: OtlpProtocol;
  readonly headers: Readonly<Record<string, string>>;
  /** header of the key of an account */
  readonly keyHeader?: string;
}

/**
 * What splits the records into streams. Of each only few values are to be expected: a stream of its own for each
 * container, as VictoriaLogs has it by default (every resource attribute), would be one for each record.
 */
const STREAM_FIELDS = [
  "service.name",
  "severity",
  "event.name",
  "oom.scope",
  "k8s.cluster.name",
  "k8s.namespace.name",
].join(",");

export const BACKENDS: Readonly<Record<BackendName, BackendProfile>> = {
  // https://opentelemetry.io/docs/specs/otlp/#otlphttp-request
  collector: { endpoint: "http://localhost:4318", path: "/v1/logs", headers: {} },
  // https://docs.cubeapm.com/logs, https://docs.cubeapm.com/configure/accounts/routing
  cubeapm: {
    endpoint: "http://localhost:3130",
    path: "/api/logs/insert/opentelemetry/v1/logs",
    protocol: "http/protobuf",
    headers: { "cube-stream-fields": STREAM_FIELDS },
    keyHeader: "x-cube-token",
  },
  // https://docs.victoriametrics.com/victorialogs/data-ingestion/opentelemetry/
  victorialogs: {
    endpoint: "http://localhost:9428",
    path: "/insert/opentelemetry/v1/logs",
    protocol: "http/protobuf",
    headers: { "vl-stream-fields": STREAM_FIELDS },
  },
  // https://grafana.com/docs/loki/latest/send-data/otel/: which attributes are labels is Loki's own setting.
  loki: { endpoint: "http://localhost:3100", path: "/otlp/v1/logs", headers: {} },
};
