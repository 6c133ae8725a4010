/** What the network or a backend says to an empty request of OTLP → what it means, and what to do. */
import type { Answer } from "../../ship/otlp-outcome.ts";
import type { OtlpProtocol } from "../../ship/otlp-settings.ts";
import type { Outcome } from "../../ship/outcome.ts";
import type { Finding } from "../check.ts";
import type { NetworkResult } from "./network.ts";

type Verdict = Pick<Finding, "status" | "says" | "advice">;

/** What is known of the endpoint beside its answer. */
export interface EndpointFacts {
  /** without credentials */
  target: string;
  path: string;
  protocol: OtlpProtocol;
  /** an authority of one's own is set */
  hasCa: boolean;
  /** headers are sent, by whatever setting */
  hasHeaders: boolean;
}

type FailedNetwork = Extract<NetworkResult, { kind: "failed" }>;

export function judgeNetwork({ step, code, message }: FailedNetwork, facts: EndpointFacts): Verdict {
  const { target, hasCa } = facts;
  switch (step) {
    case "name":
      return {
        status: "failed",
        says: `${target}: its name cannot be resolved (${code})`,
        advice:
          "look whether it is right (NAME.NAMESPACE.svc for a Service); a pod with hostNetwork wants dnsPolicy: ClusterFirstWithHostNet",
      };
    case "connection":
      return { status: "failed", says: `${target} cannot be connected to (${code})`, advice: connectionAdvice(code) };
    case "certificate":
      return {
        status: "failed",
        says: `${target}: TLS fails (${code}: ${message})`,
        advice: certificateAdvice(code, hasCa),
      };
  }
}

export function judgeAnswer(outcome: Outcome, answer: Answer | undefined, facts: EndpointFacts): Verdict {
  const { target, protocol } = facts;
  if (outcome.kind === "delivered" || outcome.kind === "partial") {
    if (answer?.contentType?.startsWith("text/html")) {
      return {
        status: "warning",
        says: `${target} answers with a web page: it may be no endpoint of OTLP`,
        advice: pathAdvice(facts),
      };
    }
    return { status: "ok", says: `${target} takes records as ${protocol}` };
  }
  const { reason } = outcome;
  const status = answer?.status;
  // https://github.com/grafana/loki/pull/13706: that there is nothing in it is found after path, key and format.
  if (status === 422 && /at least one valid stream/.test(reason)) {
    return {
      status: "ok",
      says: `${target} takes records as ${protocol} (Loki, which refuses only the empty request)`,
    };
  }
  return { status: "failed", says: `${target}: ${reason}`, advice: answerAdvice(status, reason, facts) };
}

function connectionAdvice(code: string): string {
  switch (code) {
    case "ECONNREFUSED":
      return "nothing listens there: start the backend, or mend the port of --otlp (OTLP over HTTP is on 4318 as a rule, 4317 is gRPC)";
    case "ETIMEDOUT":
      return "something drops what is sent there: look at firewalls, security groups and NetworkPolicies";
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return "there is no way to it from this node: look at routes and at the address";
    default:
      return "look at address, port and network";
  }
}

const UNTRUSTED = new Set([
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "CERT_SIGNATURE_FAILURE",
]);

/** Codes of OpenSSL's X509_V_ERR_… and of Node: https://nodejs.org/api/tls.html#x509-certificate-error-codes */
function certificateAdvice(code: string, hasCa: boolean): string {
  if (UNTRUSTED.has(code)) {
    return hasCa
      ? "the authority in otlp-ca-file did not sign it: put the one there that did (PEM), with all that is between"
      : "set otlp-ca-file (OTEL_EXPORTER_OTLP_CERTIFICATE) to the certificate of the authority that signed it (PEM)";
  }
  switch (code) {
    case "CERT_HAS_EXPIRED":
      return "renew the backend's certificate; if it has not expired, this node's clock is wrong";
    case "CERT_NOT_YET_VALID":
      return "this node's clock is behind, or the backend's certificate is of the future";
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return "use the name that the certificate is made out to in --otlp, or have that name put into it";
    case "EPROTO":
    case "ERR_SSL_WRONG_VERSION_NUMBER":
    case "ERR_SSL_PACKET_LENGTH_TOO_LONG":
      return "that port does not speak TLS: write http:// in --otlp, or the port that does";
    default:
      return "look at the backend's TLS; a client certificate is set by otlp-cert-file and otlp-key-file";
  }
}

function answerAdvice(status: number | undefined, reason: string, facts: EndpointFacts): string {
  switch (status) {
    case undefined:
      return noAnswerAdvice(reason);
    case 401:
    case 403:
      return facts.hasHeaders
        ? "the key is not accepted: look at otlp-headers, otlp-headers-file (CubeAPM: access-key), and what the key may do"
        : "it wants a key: set otlp-headers or otlp-headers-file (CubeAPM: access-key)";
    case 404:
    case 405:
      return pathAdvice(facts);
    case 407:
      return "the proxy wants a name and a password: put them into HTTPS_PROXY or HTTP_PROXY";
    case 400:
    case 415:
      return facts.protocol === "http/json"
        ? "it does not read OTLP as JSON (VictoriaLogs and CubeAPM do not): set otlp-protocol to http/protobuf"
        : "it does not read OTLP as protobuf: look at the path, then set otlp-protocol to http/json, otlp-compression to none";
    case 429:
    case 503:
      return "the backend is busy or not ready: the agent keeps records and sends them again; look at the backend if it lasts";
    case 502:
    case 504:
      return "what stands before the backend cannot reach it: look whether the backend runs";
    default:
      return status < 400
        ? "it redirects, which is not followed: write the address it redirects to in --otlp"
        : "look at the backend's own log";
  }
}

function noAnswerAdvice(reason: string): string {
  if (/certificate required|bad certificate|handshake failure/i.test(reason)) {
    return "the backend wants a client certificate: set otlp-cert-file and otlp-key-file (PEM)";
  }
  if (/Parse Error|Expected HTTP/i.test(reason)) {
    return "that port does not speak HTTP/1.1 (4317 is OTLP's gRPC): use the port of OTLP over HTTP, 4318 as a rule; or it wants https://";
  }
  if (/no answer within/.test(reason))
    return "it is connected and does not answer: look at the backend, or raise otlp-timeout";
  return "the connection breaks before an answer: look at the backend, at proxies, and whether it wants https:// or a client certificate";
}

function pathAdvice({ path }: EndpointFacts): string {
  return `look at the path, which was ${path}: --backend collector, cubeapm, victorialogs and loki set their own; a collector wants its otlp receiver with http in a logs pipeline`;
}
