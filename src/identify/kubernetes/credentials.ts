/** Where the API server is and how it knows this agent, from the service account that a pod has. */
import { readFileSync } from "node:fs";
import type { Agent } from "node:http";
import { isIPv6 } from "node:net";
import { join } from "node:path";

export interface Connection {
  /** may have a path, where Kubernetes stands behind something else */
  server: URL;
  headers: Readonly<Record<string, string>>;
  tls: Readonly<TlsOptions>;
  /** where a proxy has to be gone through; absent: the client's own */
  agent?: Agent;
}

export interface TlsOptions {
  ca?: string | Buffer;
  cert?: string | Buffer;
  key?: string | Buffer;
  passphrase?: string;
  servername?: string;
  rejectUnauthorized?: boolean;
}

export interface Credentials {
  /** Asked for each request: tokens and certificates change. @throws Error that says what to do */
  connection(): Promise<Connection>;
  /** The server did not accept them (401): what was remembered is not to be used again. */
  refused(): void;
}

export interface ServiceAccountOptions {
  env: Readonly<Record<string, string | undefined>>;
  /** default: where Kubernetes mounts it */
  directory?: string;
}

export const SERVICE_ACCOUNT_DIRECTORY = "/var/run/secrets/kubernetes.io/serviceaccount";

/**
 * Both files are read for each request, some 10 µs every few minutes: a bound token is replaced before it expires, within an
 * hour as a rule, and so may the authority be.
 * Spec: https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
 * @throws Error where this is no pod
 */
export function openServiceAccount({ env, directory = SERVICE_ACCOUNT_DIRECTORY }: ServiceAccountOptions): Credentials {
  const server = readServer(env);
  return {
    async connection() {
      return { server, headers: { authorization: bearer(directory) }, tls: { ca: read(directory, "ca.crt") } };
    },
    refused() {},
  };
}

/** The header of a service account's token. @throws Error */
export function bearer(directory: string): string {
  const token = read(directory, "token").trim();
  if (token === "") throw new Error(`${join(directory, "token")} is empty`);
  return `Bearer ${token}`;
}

function readServer(env: ServiceAccountOptions["env"]): URL {
  const { KUBERNETES_SERVICE_HOST: host = "", KUBERNETES_SERVICE_PORT: port = "" } = env;
  if (host === "" || port === "") {
    throw new Error(
      "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: outside of a pod a kubeconfig is needed",
    );
  }
  return new URL(`https://${isIPv6(host) ? `[${host}]` : host}:${port}`);
}

function read(directory: string, file: string): string {
  try {
    return readFileSync(join(directory, file), "utf8");
  } catch (error) {
    throw new Error(`the service account's ${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
