/**
 * Credentials from a kubeconfig, for an agent that runs outside of a pod: tokens, client certificates, and plugins that
 * are run for them. Reading and running is the Kubernetes client's; its own requests are not used.
 */
import { readFileSync } from "node:fs";
import type { Agent } from "node:http";
import type { RequestOptions } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node";
import { loadKubeConfigClass } from "./client-node.ts";
import type { Connection, Credentials, TlsOptions } from "./credentials.ts";

export interface KubeconfigOptions {
  /** path of the file */
  file: string;
  /** default: the file's current one */
  context?: string;
}

/**
 * The file is read again when it changes. Proxies are those of its clusters (`proxy-url`); HTTPS_PROXY is not heeded.
 * Over http:// no credentials are sent at all.
 */
export function openKubeconfig({ file, context }: KubeconfigOptions): Credentials {
  let text: string | undefined;
  let loaded: KubeConfig | undefined;

  async function load(): Promise<KubeConfig> {
    const Class = await loadKubeConfigClass();
    const now = readFileSync(file, "utf8");
    if (loaded !== undefined && now === text) return loaded;
    const config = new Class();
    config.loadFromFile(file);
    if (context !== undefined) config.setCurrentContext(context);
    text = now;
    loaded = config;
    return config;
  }

  return {
    async connection() {
      try {
        return await toConnection(await load(), context);
      } catch (error) {
        const reason = error instanceof Error ? error.message.trim() : String(error);
        throw new Error(`the kubeconfig ${file} cannot be used: ${reason}`, { cause: error });
      }
    },
    refused() {
      // With it goes what a plugin said: it is asked again.
      loaded = undefined;
    },
  };
}

async function toConnection(config: KubeConfig, context: string | undefined): Promise<Connection> {
  const cluster = config.getCurrentCluster();
  if (cluster === null)
    throw new Error(`it has no cluster for ${describeContext(context ?? config.getCurrentContext())}`);
  const server = new URL(cluster.server);
  if (server.protocol === "http:") return { server, headers: {}, tls: {} };
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  return {
    server,
    headers: toHeaders(options),
    tls: toTls(options),
    // Else it is one that keeps no connection: ours does.
    ...(cluster.proxyUrl === undefined ? {} : { agent: keepAlive(options.agent as Agent) }),
  };
}

/** hpagent 1.2 leaves a socket open with each connection that is not kept: so keep it. */
function keepAlive(agent: Agent): Agent {
  return Object.assign(agent, { keepAlive: true });
}

function describeContext(name: string | undefined): string {
  return name === undefined ? "its current context, which is not set" : `the context ${name}`;
}

function toHeaders({ headers, auth }: RequestOptions): Record<string, string> {
  const all = Object.entries((headers ?? {}) as Record<string, unknown>).map(([name, value]) => [
    name.toLowerCase(),
    String(value),
  ]);
  const basic = typeof auth === "string" ? { authorization: `Basic ${Buffer.from(auth).toString("base64")}` } : {};
  return { ...basic, ...Object.fromEntries(all) };
}

const TLS_OPTIONS = ["ca", "cert", "key", "passphrase", "servername", "rejectUnauthorized"] as const;

function toTls(options: RequestOptions): TlsOptions {
  return Object.fromEntries(
    TLS_OPTIONS.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
  );
}
