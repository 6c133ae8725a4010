/** A list of the API, in pages, as one; where its pages expire half-way it is asked for once more, as a whole. */
import type { Api } from "../api.ts";
import { type ApiCall, toListPath } from "../calls.ts";
import type { Failure } from "../failure.ts";

export interface ListOptions {
  fieldSelector: string;
  /** "0": whatever is at hand; "": the newest there is; else at least as new as that */
  resourceVersion: string;
  /** milliseconds for a page */
  timeoutMs: number;
  signal: AbortSignal;
}

export type Listed =
  | { items: readonly unknown[]; resourceVersion: string; failure?: undefined }
  | { failure: Failure; items?: undefined };

const PAGE_SIZE = "500";
/** Of all pages: 5,000 pods of 12 kB. More is no node's. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Pages are asked for as client-go's reflector does (tools/cache/reflector.go, tools/pager/pager.go): with a version that
 * is neither "" nor "0" a limit would take the list out of the API server's cache and make etcd read every pod of the
 * cluster, so there is none. With "0" the cache knows no pages and gives all at once.
 */
export async function listAll(api: Api, call: ApiCall, options: ListOptions): Promise<Listed> {
  const { resourceVersion } = options;
  const isPaged = resourceVersion === "" || resourceVersion === "0";
  const listed = await listPages(api, call, options, isPaged ? PAGE_SIZE : undefined);
  if (!isPaged || listed.failure?.kind !== "gone" || listed.page === 0) return listed;
  return listPages(api, call, options, undefined);
}

async function listPages(
  api: Api,
  call: ApiCall,
  options: ListOptions,
  limit: string | undefined,
): Promise<Listed & { page: number }> {
  const { fieldSelector, resourceVersion, timeoutMs, signal } = options;
  const items: unknown[] = [];
  let left = MAX_BYTES;
  let token: string | undefined;
  for (let page = 0; ; page++) {
    // A page's version is in its token; and without a match a version with a limit means exactly that one.
    const version =
      token !== undefined || resourceVersion === ""
        ? {}
        : { resourceVersion, ...(resourceVersion === "0" ? {} : { resourceVersionMatch: "NotOlderThan" }) };
    const path = toListPath(call, { fieldSelector, limit, continue: token, ...version });
    const answer = await api.get(path, { timeoutMs, maxBytes: left, signal });
    if (answer.failure !== undefined) return { failure: answer.failure, page };
    const read = readList(answer.json);
    if (read === undefined) return { failure: { kind: "unreadable", reason: "an answer that is no list" }, page };
    left -= answer.bytes;
    for (const item of read.items) items.push(item);
    if (read.token === undefined) return { items, resourceVersion: read.resourceVersion, page };
    token = read.token;
  }
}

/** Spec: meta/v1 ListMeta. `items` of an empty list may be null. */
function readList(json: unknown): { items: unknown[]; resourceVersion: string; token: string | undefined } | undefined {
  const { items = null, metadata } = json as { items?: unknown; metadata?: Record<string, unknown> | null };
  const resourceVersion = metadata?.["resourceVersion"];
  const token = metadata?.["continue"];
  if (typeof resourceVersion !== "string" || resourceVersion === "") return undefined;
  if (items !== null && !Array.isArray(items)) return undefined;
  return { items: items ?? [], resourceVersion, token: typeof token === "string" && token !== "" ? token : undefined };
}
