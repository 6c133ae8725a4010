/**
 * The node's pods from its kubelet, where the API server is not to be asked for them: read as a whole every ten seconds.
 * Spec: https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/, KEP-2862 for the right that it needs.
 */
import { readFileSync } from "node:fs";
import { isIPv6 } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { type BackoffOptions, createBackoff } from "../../shared/backoff.ts";
import { openApi } from "../kubernetes/api.ts";
import { CALLS, describeRight } from "../kubernetes/calls.ts";
import { bearer, type Credentials, SERVICE_ACCOUNT_DIRECTORY } from "../kubernetes/credentials.ts";
import { type Failure, isBlocked } from "../kubernetes/failure.ts";
import { createFollowState, type FollowState, type FollowTroubleName } from "../kubernetes/watch/follow-state.ts";

export interface KubeletOptions {
  /** of the node; or the whole URL, such as `http://127.0.0.1:10255` of a kubelet's read-only port */
  address: string;
  /** whom its certificate has to be of: a file of PEM, or nobody, since many kubelets sign their own; default the cluster's */
  trust?: { caFile: string } | "anyone";
  /** of the service account, default where Kubernetes mounts it */
  directory?: string;
  userAgent: string;
  /** All there are, as in a list of the API; static pods have their config hash as UID. */
  onReplace(pods: readonly unknown[]): void;
  onState?(state: FollowState): void;
  onTrouble(name: FollowTroubleName | "kubelet_unverified", detail: Readonly<Record<string, string | number>>): void;
  /** milliseconds between two looks, default 10 s, of which up to a tenth more */
  intervalMs?: number;
  /** for tests */
  backoff?: BackoffOptions;
  now?: () => number;
}

export interface FollowedKubelet {
  readonly state: FollowState;
  /** since the start */
  readonly counts: Readonly<{ requests: number; failures: number; bytes: number }>;
  /** No callback is called any more. */
  close(): void;
}

const PORT = 10_250;
const TIMEOUT_MS = 5000;
const MAX_BYTES = 64 * 1024 * 1024;
const JITTER = 0.1;

/** @throws Error where the address is none */
export function followKubelet(options: KubeletOptions): FollowedKubelet {
  const { onReplace, onState, onTrouble, intervalMs = 10_000, now = Date.now, trust } = options;
  const server = readAddress(options.address);
  const api = openApi({ credentials: openKubeletCredentials(server, options), userAgent: options.userAgent });
  const closing = new AbortController();
  const { signal } = closing;
  const backoff = createBackoff({ maxMs: 60_000, ...options.backoff });
  const state = createFollowState({
    needs: `${describeRight(CALLS.kubeletPods)}, before Kubernetes 1.33 get nodes/proxy`,
    names: {
      synced: "kubelet_synced",
      failed: "kubelet_failed",
      refused: "kubelet_refused",
      unreadable: "kubelet_failed",
    },
    onState,
    onTrouble,
  });

  /** @returns milliseconds until the next look */
  async function look(): Promise<number> {
    const answer = await api.get("/pods", { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES, signal });
    if (signal.aborted) return 0;
    const pods = answer.failure === undefined ? readPods(answer.json) : answer.failure;
    if (!isPods(pods)) {
      const waitMs = isBlocked(pods) ? backoff.afterBlock() : backoff.afterFailure(pods.afterMs);
      state.failed(pods, waitMs, now());
      return waitMs;
    }
    backoff.reset();
    state.listed(pods.length, now());
    onReplace(pods);
    state.opened(now());
    return intervalMs * (1 + Math.random() * JITTER);
  }

  async function run(): Promise<void> {
    while (!signal.aborted) await wait(await look(), undefined, { signal }).catch(() => {});
  }

  if (trust === "anyone" && server.protocol === "https:") onTrouble("kubelet_unverified", { server: server.origin });
  void run();
  return {
    get state() {
      return state.current;
    },
    counts: api.counts,
    close() {
      closing.abort();
      api.close();
    },
  };
}

/** `10.0.0.7` → `https://10.0.0.7:10250` */
function readAddress(address: string): URL {
  if (address.includes("://")) return new URL(address);
  return new URL(`https://${isIPv6(address) ? `[${address}]` : address}:${PORT}`);
}

/** A kubelet that is not encrypted asks for no token, and is told none. */
function openKubeletCredentials(server: URL, options: KubeletOptions): Credentials {
  const { trust, directory = SERVICE_ACCOUNT_DIRECTORY } = options;
  const tls =
    trust === "anyone"
      ? () => ({ rejectUnauthorized: false })
      : () => ({ ca: readFileSync(trust?.caFile ?? `${directory}/ca.crt`) });
  return {
    connection: async () =>
      server.protocol === "http:"
        ? { server, headers: {}, tls: {} }
        : { server, headers: { authorization: bearer(directory) }, tls: tls() },
    refused() {},
  };
}

function readPods(json: unknown): readonly unknown[] | Failure {
  const { kind, items = null } = json as { kind?: unknown; items?: unknown };
  if (kind === "PodList" && (items === null || Array.isArray(items))) return items ?? [];
  return { kind: "unreadable", reason: "an answer that is no list of pods" };
}

function isPods(value: readonly unknown[] | Failure): value is readonly unknown[] {
  return Array.isArray(value);
}
