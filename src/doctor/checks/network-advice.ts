/** What stopped a request on its way, by its step or by what Node says of it → what to do. */
import type { EndpointFacts, Verdict } from "./endpoint-facts.ts";
import type { NetworkResult, NetworkStep } from "./network.ts";

type FailedNetwork = Extract<NetworkResult, { kind: "failed" }>;

export function judgeNetwork({ step, code, message }: FailedNetwork, facts: EndpointFacts): Verdict {
  const { target, hasCa } = facts;
  const advice = stepAdvice(step, code, hasCa);
  switch (step) {
    case "name":
      return { status: "failed", says: `${target}: its name cannot be resolved (${code})`, advice };
    case "connection":
      return { status: "failed", says: `${target} cannot be connected to (${code})`, advice };
    case "certificate":
      return { status: "failed", says: `${target}: TLS fails (${code}: ${message})`, advice };
  }
}

export const PROXY_PASSWORD = "the proxy wants a name and a password: put them into HTTPS_PROXY or HTTP_PROXY";

/**
 * What Node (lib/net.js, lib/dns.js, lib/_tls_wrap.js) and OpenSSL (crypto/x509/x509_txt.c) say, for steps that are not
 * tried one by one as a proxy is set. The first group is the code, where the message has it.
 */
const SAID: readonly { words: RegExp; step: NetworkStep; code?: string }[] = [
  { words: /^getaddrinfo (E[A-Z_]+)/, step: "name" },
  { words: /^connect (E[A-Z]+)/, step: "connection" },
  {
    words: /local issuer certificate|verify the first certificate/,
    step: "certificate",
    code: "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  },
  { words: /self[- ]signed certificate/, step: "certificate", code: "SELF_SIGNED_CERT_IN_CHAIN" },
  { words: /certificate has expired/, step: "certificate", code: "CERT_HAS_EXPIRED" },
  { words: /certificate is not yet valid/, step: "certificate", code: "CERT_NOT_YET_VALID" },
  { words: /does not match certificate's altnames/, step: "certificate", code: "ERR_TLS_CERT_ALTNAME_INVALID" },
  { words: /wrong version number|packet length too long/i, step: "certificate", code: "EPROTO" },
];

/** @param reason of a request that got no answer */
export function noAnswerAdvice(reason: string, { hasCa, proxy }: EndpointFacts): string {
  // lib/internal/http.js of Node: the proxy's answer to CONNECT.
  if (/^Failed to establish tunnel .* 407 /.test(reason)) return PROXY_PASSWORD;
  if (/^Failed to establish tunnel |proxy tunnel/.test(reason)) {
    return `the proxy does not let it through: allow this host and port there, or name the host in NO_PROXY (${proxy ?? "no proxy"} is set)`;
  }
  for (const { words, step, code } of SAID) {
    const [said, itsCode] = words.exec(reason) ?? [];
    if (said === undefined) continue;
    const advice = stepAdvice(step, code ?? itsCode ?? "", hasCa);
    return proxy === undefined || step === "certificate" ? advice : `${advice}; ${ofProxy(proxy)}`;
  }
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

/** The message names the address that was tried, which is the endpoint's or the proxy's. */
function ofProxy(proxy: string): string {
  return `where that address is the proxy's, mend ${proxy}, or name the endpoint's host in NO_PROXY`;
}

function stepAdvice(step: NetworkStep, code: string, hasCa: boolean): string {
  switch (step) {
    case "name":
      return nameAdvice(code);
    case "connection":
      return connectionAdvice(code);
    case "certificate":
      return certificateAdvice(code, hasCa);
  }
}

const DNS_POLICY = "a pod with hostNetwork wants dnsPolicy: ClusterFirstWithHostNet";

/** EAI_AGAIN is glibc's for a name server that fails or is not to be reached, in time: getaddrinfo(3). */
function nameAdvice(code: string): string {
  return code === "EAI_AGAIN" || code === "ETIMEDOUT"
    ? `no name server answers: look at /etc/resolv.conf, at the cluster's DNS and at NetworkPolicies; ${DNS_POLICY}`
    : `look whether it is right (NAME.NAMESPACE.svc for a Service); ${DNS_POLICY}`;
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
