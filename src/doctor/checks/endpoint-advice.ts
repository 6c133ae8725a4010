/** What a backend says to an empty request of OTLP → what it means, and what to do. */
import type { Answer } from "../../ship/otlp-outcome.ts";
import type { OtlpProtocol } from "../../ship/otlp-settings.ts";
import type { Outcome } from "../../ship/outcome.ts";
import type { Finding } from "../check.ts";
import { noAnswerAdvice, PROXY_PASSWORD } from "./network-advice.ts";

export type Verdict = Pick<Finding, "status" | "says" | "advice">;

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
  /** the variable that names a proxy for it; NO_PROXY may still make an exception */
  proxy?: string | undefined;
}

export function judgeAnswer(outcome: Outcome, answer: Answer | undefined, facts: EndpointFacts): Verdict {
  const { target, protocol } = facts;
  if (outcome.kind === "delivered" || outcome.kind === "partial") {
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

function answerAdvice(status: number | undefined, reason: string, facts: EndpointFacts): string {
  switch (status) {
    case undefined:
      return noAnswerAdvice(reason, facts);
    case 401:
    case 403:
      return facts.hasHeaders
        ? "the key is not accepted: look at otlp-headers, otlp-headers-file (CubeAPM: access-key), and what the key may do"
        : "it wants a key: set otlp-headers or otlp-headers-file (CubeAPM: access-key)";
    case 404:
    case 405:
      return pathAdvice(facts);
    case 407:
      return PROXY_PASSWORD;
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
      if (status < 300) return pathAdvice(facts);
      return status < 400
        ? "it redirects, which is not followed: write the address it redirects to in --otlp"
        : "look at the backend's own log";
  }
}

function pathAdvice({ path }: EndpointFacts): string {
  return `look at the path, which was ${path}: --backend collector, cubeapm, victorialogs and loki set their own; a collector wants its otlp receiver with http in a logs pipeline`;
}
