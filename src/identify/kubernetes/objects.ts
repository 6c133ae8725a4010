/** Single answers of the API, owners as a rule: from a cache, else asked for, within a time and a budget. */
import type { Api } from "./api.ts";
import { createBudget } from "./budget.ts";
import { type ApiCall, describeRight, toObjectPath } from "./calls.ts";
import type { Failure } from "./failure.ts";
import { type CachedAnswer, createObjectCache } from "./object-cache.ts";

export type ObjectAnswer<T> = CachedAnswer<T>;

export interface ObjectsOptions<T> {
  api: Pick<Api, "get">;
  /** What is kept of an object. @returns undefined: it is no such object */
  read(json: unknown): T | undefined;
  onTrouble(name: ObjectsTroubleName, detail: Readonly<Record<string, string | number>>): void;
  /** what is asked for under that name; default: the object */
  toPath?: (call: ApiCall, name: string, namespace?: string) => string;
  /** milliseconds that an answer is kept, default 10 minutes */
  foundMs?: number;
  /** kept at most, default 512 */
  maxEntries?: number;
  /** milliseconds that a request may take, default 2 s */
  timeoutMs?: number;
  /** requests in a row and a second; default 20 and 1 */
  budget?: { burst: number; perSecond: number };
  /** milliseconds of a clock that does not go back */
  now?: () => number;
}

/** What any of them needs. */
export type ObjectParts = Pick<ObjectsOptions<unknown>, "api" | "onTrouble">;

export type ObjectsTroubleName = "kubernetes_refused" | "kubernetes_object_failed";

export interface Objects<T> {
  /** Never rejects. Who asks for what is on its way already waits for the same answer. */
  get(call: ApiCall, name: string, namespace?: string): Promise<ObjectAnswer<T>>;
  /** What is known of it now; what is not is asked for, for the next who asks. */
  ask(call: ApiCall, name: string, namespace?: string): ObjectAnswer<T> | undefined;
  readonly counts: Readonly<{ asked: number; cached: number; refusedByBudget: number; failures: number }>;
}

/**
 * For lists of a whole namespace: one of autoscalers may be of megabytes, and an API server keeps no events in its cache
 * (DefaultWatchCacheSizes of pkg/kubeapiserver), so that etcd reads all of the namespace for any list of them.
 */
export const SELDOM = { maxEntries: 32, budget: { burst: 5, perSecond: 0.1 } } as const;

/** A node's owners are some dozens. */
const MAX_ENTRIES = 512;
/** An owner's object is some ten kB; one with much in its annotations 1.5 MiB. */
const MAX_BYTES = 8 * 1024 * 1024;
const MAX_REFUSALS = 64;
const FOR_MS = {
  /** an owner's owner does not change */
  found: 600_000,
  /** it may be younger than the API server's word: one that restarts lags */
  missing: 120_000,
  /** rights are given by people */
  refused: 600_000,
  /** one kill in a storm asks for all of them */
  failed: 10_000,
} as const;

export function openObjects<T>(options: ObjectsOptions<T>): Objects<T> {
  const { api, read, onTrouble, toPath = toObjectPath, foundMs = FOR_MS.found } = options;
  const { timeoutMs = 2000, now = () => performance.now() } = options;
  const cache = createObjectCache<T>(options.maxEntries ?? MAX_ENTRIES);
  /** by call and namespace: what may not be asked of one object may not be asked of another there */
  const refusals = createObjectCache<T>(MAX_REFUSALS);
  const budget = createBudget(options.budget ?? { burst: 20, perSecond: 1 });
  /** bounded by the budget and the timeout */
  const underWay = new Map<string, Promise<ObjectAnswer<T>>>();
  const counts = { asked: 0, cached: 0, refusedByBudget: 0, failures: 0 };
  /** calls whose trouble was said since they last answered */
  const said = new Set<ApiCall>();

  function peek(call: ApiCall, path: string, namespace: string | undefined): ObjectAnswer<T> | undefined {
    return cache.get(path, now()) ?? refusals.get(toPlace(call, namespace), now());
  }

  async function request(call: ApiCall, path: string, namespace: string | undefined): Promise<ObjectAnswer<T>> {
    counts.asked++;
    const got = await api.get(path, { timeoutMs, maxBytes: MAX_BYTES });
    const [answer, forMs] = got.failure === undefined ? toAnswer(read(got.json), foundMs) : toFailedAnswer(got.failure);
    if (answer.is === "unknown") fail(call, answer.why, got.failure);
    else said.delete(call);
    if (got.failure !== undefined && isRefused(got.failure)) {
      refusals.put(toPlace(call, namespace), answer, forMs, now());
    } else cache.put(path, answer, forMs, now());
    return answer;
  }

  function fail(call: ApiCall, reason: string, failure: Failure | undefined): void {
    counts.failures++;
    if (said.has(call)) return;
    said.add(call);
    const name = failure !== undefined && isRefused(failure) ? "kubernetes_refused" : "kubernetes_object_failed";
    onTrouble(name, { reason, needs: describeRight(call) });
  }

  async function get(call: ApiCall, path: string, namespace: string | undefined): Promise<ObjectAnswer<T>> {
    const known = peek(call, path, namespace);
    if (known !== undefined) {
      counts.cached++;
      return known;
    }
    const asked = underWay.get(path);
    if (asked !== undefined) return asked;
    if (!budget.take(now())) {
      counts.refusedByBudget++;
      return { is: "unknown", why: "too many objects were asked for at once" };
    }
    const asking = request(call, path, namespace).finally(() => underWay.delete(path));
    underWay.set(path, asking);
    return asking;
  }

  return {
    get: (call, name, namespace) => get(call, toPath(call, name, namespace), namespace),
    ask(call, name, namespace) {
      const path = toPath(call, name, namespace);
      const answer = peek(call, path, namespace);
      if (answer === undefined) void get(call, path, namespace);
      return answer;
    },
    counts,
  };
}

function toPlace({ group, resource }: ApiCall, namespace = ""): string {
  return `${group}/${resource}/${namespace}`;
}

function toAnswer<T>(value: T | undefined, foundMs: number): [ObjectAnswer<T>, number] {
  if (value !== undefined) return [{ is: "found", value }, foundMs];
  return [{ is: "unknown", why: "an answer that is no such object" }, FOR_MS.failed];
}

function toFailedAnswer(failure: Failure): [ObjectAnswer<never>, number] {
  if (failure.kind === "missing") return [{ is: "missing" }, FOR_MS.missing];
  const forMs = Math.max(failure.afterMs ?? 0, isRefused(failure) ? FOR_MS.refused : FOR_MS.failed);
  return [{ is: "unknown", why: failure.reason }, Math.min(forMs, FOR_MS.refused)];
}

/** A token that has just expired (401) is another one in a moment. */
function isRefused({ kind }: Failure): boolean {
  return kind === "forbidden";
}
