/**
 * Every setting of the agent, once, in words: its name, who may set it, what it does. What values it takes says
 * schema.ts. Here is no package, as the help of every command is made from this.
 */

export interface SettingEntry {
  /** what stands for the value; of a `list` for one of them */
  readonly value: string;
  /** how a value that is written as text is read: `list` by blanks, `map` as name=value,name=value */
  readonly kind: "text" | "number" | "list" | "map";
  readonly choices?: readonly string[];
  readonly help: string;
  /** for people; absent: it is not set */
  readonly default?: string;
  /** also an option of the command line; what is secret or seldom is not */
  readonly option?: true;
  /** variables of others that set it where its own does not, the first that is there */
  readonly standard?: readonly string[];
  /** is never printed */
  readonly secret?: true;
  /** SIGHUP lets a new value take effect */
  readonly reload?: true;
}

const OTLP = "OTEL_EXPORTER_OTLP";

export const SETTINGS = {
  since: {
    value: "WHEN",
    kind: "text",
    choices: ["boot", "now"],
    default: "boot",
    option: true,
    help: "report the kills that the kernel's log still holds as well (the default), or only those to come",
  },
  backend: {
    value: "NAME",
    kind: "text",
    choices: ["collector", "cubeapm", "victorialogs", "loki", "stdout"],
    default: "collector",
    option: true,
    reload: true,
    help: "what takes the records: sets path and headers as it wants them",
  },
  otlp: {
    value: "URL",
    kind: "list",
    default: "the backend's port on localhost",
    option: true,
    standard: [`${OTLP}_LOGS_ENDPOINT`, `${OTLP}_ENDPOINT`],
    reload: true,
    help: "OTLP endpoint, gets the backend's path where it has none; may be given again to send to several",
  },
  "otlp-protocol": {
    value: "NAME",
    kind: "text",
    choices: ["http/protobuf", "http/json"],
    default: "http/protobuf",
    standard: [`${OTLP}_LOGS_PROTOCOL`, `${OTLP}_PROTOCOL`],
    reload: true,
    help: "how OTLP is sent",
  },
  "otlp-headers": {
    value: "NAME=VALUE,…",
    kind: "map",
    standard: [`${OTLP}_LOGS_HEADERS`, `${OTLP}_HEADERS`],
    secret: true,
    reload: true,
    help: "headers of every request; percent-encoded where it is text",
  },
  "otlp-headers-file": {
    value: "FILE",
    kind: "text",
    option: true,
    reload: true,
    help: "more headers, one `name: value` a line; read again whenever the file changes",
  },
  "otlp-timeout": {
    value: "SECONDS",
    kind: "number",
    default: "10",
    standard: [`${OTLP}_LOGS_TIMEOUT`, `${OTLP}_TIMEOUT`],
    reload: true,
    help: "what a batch may take (OpenTelemetry's variables count milliseconds)",
  },
  "otlp-compression": {
    value: "NAME",
    kind: "text",
    choices: ["gzip", "none"],
    default: "gzip for http/protobuf, none for http/json",
    standard: [`${OTLP}_LOGS_COMPRESSION`, `${OTLP}_COMPRESSION`],
    reload: true,
    help: "of the body of a request",
  },
  "otlp-ca-file": {
    value: "FILE",
    kind: "text",
    default: "the system's authorities",
    standard: [`${OTLP}_LOGS_CERTIFICATE`, `${OTLP}_CERTIFICATE`],
    reload: true,
    help: "PEM: the authority that signed the backend's certificate",
  },
  "otlp-cert-file": {
    value: "FILE",
    kind: "text",
    standard: [`${OTLP}_LOGS_CLIENT_CERTIFICATE`, `${OTLP}_CLIENT_CERTIFICATE`],
    reload: true,
    help: "PEM: the certificate that is shown to the backend; needs otlp-key-file",
  },
  "otlp-key-file": {
    value: "FILE",
    kind: "text",
    standard: [`${OTLP}_LOGS_CLIENT_KEY`, `${OTLP}_CLIENT_KEY`],
    reload: true,
    help: "PEM: the key of otlp-cert-file",
  },
  "access-key": {
    value: "KEY",
    kind: "text",
    secret: true,
    reload: true,
    help: "CubeAPM's key of an account, sent as x-cube-token (backend cubeapm only)",
  },
  environment: {
    value: "NAME",
    kind: "text",
    option: true,
    help: "of the node, such as production: deployment.environment.name of every record, and cube.environment for CubeAPM",
  },
  "node-name": {
    value: "NAME",
    kind: "text",
    standard: ["K8S_NODE_NAME", "NODE_NAME"],
    help: "the node's name in Kubernetes",
  },
  "cluster-name": {
    value: "NAME",
    kind: "text",
    standard: ["K8S_CLUSTER_NAME", "CLUSTER_NAME"],
    help: "the cluster's name",
  },
  kubernetes: {
    value: "WHEN",
    kind: "text",
    choices: ["auto", "off"],
    default: "auto",
    help: "ask the API server or the kubelet for the names of this node's pods where they can be reached, or never; names that the node's own files have need neither",
  },
  kubeconfig: {
    value: "FILE",
    kind: "text",
    option: true,
    default: "in a pod its service account",
    help: "where the API server is and how it is spoken to, for an agent that is in no pod",
  },
  kubelet: {
    value: "ADDRESS",
    kind: "text",
    help: "ask the kubelet for the node's pods every ten seconds, and not the API server: the node's address, or a URL such as http://127.0.0.1:10255",
  },
  "kubelet-ca-file": {
    value: "FILE",
    kind: "text",
    default: "the cluster's authority",
    help: "PEM: the authority that signed the kubelet's certificate; `anyone`: it is not checked, as many kubelets sign their own",
  },
  "service-labels": {
    value: "WHETHER",
    kind: "text",
    choices: ["use", "ignore"],
    default: "ignore",
    help: "name services by the labels app.kubernetes.io/instance, name and version too, before their owner's name",
  },
  "resource-attributes": {
    value: "KEY=VALUE,…",
    kind: "map",
    standard: ["OTEL_RESOURCE_ATTRIBUTES"],
    help: "defaults for the resource of every record",
  },
  "state-dir": {
    value: "DIR",
    kind: "text",
    option: true,
    help: "keep unsent records and the read position here, over restarts; default: nowhere",
  },
  "outbox-max-bytes": {
    value: "BYTES",
    kind: "number",
    default: "67108864",
    help: "of unsent records for one endpoint; the oldest are dropped first, which a record tells",
  },
  "outbox-max-age": {
    value: "SECONDS",
    kind: "number",
    default: "604800",
    help: "that a record is kept unsent",
  },
  "near-limit": {
    value: "PERCENT",
    kind: "number",
    default: "90",
    option: true,
    help: "of a limit: when the working set passes it, a record tells before anybody is killed; 0: never",
  },
  listen: {
    value: "ADDRESS:PORT",
    kind: "text",
    option: true,
    help: "answer /metrics, /healthz and /readyz there, such as 127.0.0.1:9464 or :9464; default: not at all",
  },
  "probe-listen": {
    value: "ADDRESS:PORT",
    kind: "text",
    help: "answer /healthz and /readyz there as well, such as :9465: a listener of its own, so that connections to the other one cannot make a probe fail",
  },
  "host-root": {
    value: "DIR",
    kind: "text",
    default: "/",
    option: true,
    help: "where the node's file system is mounted; default: /",
  },
  kmsg: {
    value: "PATH",
    kind: "text",
    default: "/dev/kmsg",
    option: true,
    help: "the kernel's log; default: /dev/kmsg",
  },
} as const satisfies Record<string, SettingEntry>;

export type SettingName = keyof typeof SETTINGS;

export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];

/** The entry, with every field that one may have. */
export function settingOf(name: SettingName): SettingEntry {
  return SETTINGS[name];
}

/** `state-dir` → `OOMSCRIBE_STATE_DIR` */
export function variableOf(name: string): string {
  return `OOMSCRIBE_${name.toUpperCase().replaceAll("-", "_")}`;
}
