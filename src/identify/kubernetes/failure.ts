/** Why a request to the API server (or a kubelet) gave nothing that can be used, and what an answer's status means. */
import { parseRetryAfter } from "../../../parsers/retry-after.ts";

export type FailureKind =
  /** the token, a certificate or a plugin's answer could not be had */
  | "credentials"
  /** no connection */
  | "unreachable"
  /** the server's certificate is not one of the authority's, or it wants another one of ours */
  | "untrusted"
  /** a connection, and nothing on it for too long */
  | "silent"
  /** the connection ended before the answer did */
  | "broken"
  /** an answer that is not what Kubernetes says */
  | "unreadable"
  | "unauthorized"
  | "forbidden"
  | "missing"
  /** 410: what was asked for is older than what the server remembers */
  | "gone"
  /** what was asked for is newer than what the server knows: its store was set back, or it lags behind */
  | "too_new"
  | "throttled"
  /** 5xx */
  | "failing"
  /** an ERROR in a watch: the server ends it, and what was missed is not known */
  | "given_up"
  /** any other answer */
  | "refused";

export interface Failure {
  kind: FailureKind;
  /** for people; nothing of credentials is in it */
  reason: string;
  /** milliseconds that the server asks to be left alone */
  afterMs?: number;
}

/** Somebody has to mend a setting first. */
const BLOCKED: ReadonlySet<FailureKind> = new Set(["credentials", "untrusted", "unauthorized", "forbidden"]);
const KIND_OF_STATUS: Readonly<Record<number, FailureKind>> = {
  401: "unauthorized",
  403: "forbidden",
  404: "missing",
  410: "gone",
  429: "throttled",
};
/** Node's and OpenSSL's codes where a certificate is not accepted, ours by the server among them. */
const TLS_CODE = /^(?:CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_|ERR_SSL_|EPROTO|HOSTNAME_MISMATCH)/;
const MAX_REASON = 500;

export function isBlocked({ kind }: Failure): boolean {
  return BLOCKED.has(kind);
}

/**
 * @param body as it came: a Status of meta/v1 as a rule
 * @param retryAfter the header
 * @param nowMs since the Unix epoch
 */
export function toStatusFailure(status: number, body: string, retryAfter: string | undefined, nowMs: number): Failure {
  const said = parseStatus(body);
  const afterMs = parseRetryAfter(retryAfter, nowMs) ?? said?.afterMs;
  return {
    kind: said?.isTooNew === true ? "too_new" : kindOfStatus(status),
    reason: `HTTP ${status}${describeBody(said?.message ?? body)}`,
    ...(afterMs === undefined ? {} : { afterMs }),
  };
}

/** @param object of an ERROR in a watch: a Status too */
export function toErrorEventFailure(object: unknown): Failure {
  const said = readStatus(object);
  const kind = said?.isTooNew === true ? "too_new" : (KIND_OF_STATUS[said?.code ?? 0] ?? "given_up");
  return { kind, reason: `ERROR in the watch${describeBody(said?.message ?? "")}` };
}

/** @param error of a connection */
export function toConnectionFailure(error: unknown, kind: "unreachable" | "broken" | "credentials"): Failure {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const isTls = typeof code === "string" && TLS_CODE.test(code);
  // Of several addresses that were tried Node's message is empty.
  const reason = typeof message === "string" && message !== "" ? message : String(code ?? error);
  return { kind: isTls ? "untrusted" : kind, reason: reason.slice(0, MAX_REASON) };
}

function kindOfStatus(status: number): FailureKind {
  return KIND_OF_STATUS[status] ?? (status >= 500 ? "failing" : "refused");
}

function describeBody(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line === "" ? "" : `: ${line.slice(0, MAX_REASON)}`;
}

interface Said {
  code: number | undefined;
  message: string | undefined;
  isTooNew: boolean;
  afterMs: number | undefined;
}

function parseStatus(body: string): Said | undefined {
  try {
    return readStatus(JSON.parse(body));
  } catch {
    return undefined;
  }
}

/** Spec: meta/v1 Status. A version from the future is 504 with a cause (apimachinery, IsTooLargeResourceVersionError). */
function readStatus(json: unknown): Said | undefined {
  if (typeof json !== "object" || json === null) return undefined;
  const { code, message, details } = json as Record<string, unknown>;
  const { causes, retryAfterSeconds } = (details ?? {}) as Record<string, unknown>;
  const isTooNew = Array.isArray(causes) && causes.some((cause) => (cause as { reason?: unknown })?.reason === TOO_NEW);
  return {
    code: typeof code === "number" ? code : undefined,
    message: typeof message === "string" ? message : undefined,
    isTooNew,
    afterMs: typeof retryAfterSeconds === "number" && retryAfterSeconds > 0 ? retryAfterSeconds * 1000 : undefined,
  };
}

const TOO_NEW = "ResourceVersionTooLarge";
