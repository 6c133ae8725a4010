/** What every record says of the node it was made on: OpenTelemetry's resource attributes of a host. */
import { readFileSync } from "node:fs";
import { hostname, release } from "node:os";
import type { Config } from "../config/read.ts";
import type { Settings } from "../config/schema.ts";
import type { Attributes } from "../record/log-record.ts";
import { readResourceEnv } from "../record/resource-env.ts";

/** Where the facts come from; a test puts its own in their place. */
export interface Host {
  hostname(): string;
  /** the kernel's release */
  release(): string;
  /** a file of the node, or undefined where it cannot be read */
  readFile(path: string): string | undefined;
}

const SYSTEM: Host = { hostname, release, readFile };

/**
 * The resource attributes that every record of the agent starts from: the node's facts, then what the configuration says.
 * @param warn told why OTEL_RESOURCE_ATTRIBUTES is ignored
 */
export function readNodeResource({ settings, env }: Config, warn: (reason: string) => void, host?: Host): Attributes {
  const { environment, backend } = settings;
  return {
    ...readNodeFacts(settings, host),
    // https://opentelemetry.io/docs/specs/semconv/resource/deployment-environment/
    ...(environment === undefined ? {} : { "deployment.environment.name": environment }),
    // https://docs.cubeapm.com/logs/ingestion/opentelemetry: what CubeAPM tells environments apart by.
    ...(environment === undefined || backend !== "cubeapm" ? {} : { "cube.environment": environment }),
    ...settings["resource-attributes"],
    ...readResourceEnv(env, warn),
  };
}

/**
 * Reads the node's facts. In a pod, the names have to be set (the node's by the downward API, spec.nodeName) and the
 * node's /etc/machine-id mounted: a container has neither by itself.
 */
function readNodeFacts(settings: Settings, host: Host = SYSTEM): Attributes {
  const { "node-name": nodeName, "cluster-name": clusterName } = settings;
  const machineId = readMachineId(host);
  return {
    // The host name of a container is the pod's: the node's name in Kubernetes is nearer to the truth.
    "host.name": nodeName ?? host.hostname(),
    ...(machineId === undefined ? {} : { "host.id": machineId }),
    "os.type": "linux",
    "os.version": host.release(),
    ...(nodeName === undefined ? {} : { "k8s.node.name": nodeName }),
    ...(clusterName === undefined ? {} : { "k8s.cluster.name": clusterName }),
  };
}

/** Spec: machine-id(5). On first boot the file may say `uninitialized`, in an image it is empty. */
const MACHINE_ID = /^[0-9a-f]{32}$/;

function readMachineId(host: Host): string | undefined {
  const id = host.readFile("/etc/machine-id")?.trim();
  return id !== undefined && MACHINE_ID.test(id) ? id : undefined;
}

function readFile(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
