/**
 * The HTTP side of OTLP: the agent that the SDK's exporter sends through. Ours, because the exporter keeps to itself
 * what it learns there (the status of an answer that it retries) and cannot let go of a request under way.
 */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { Agent as HttpAgent, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Answer } from "./otlp-outcome.ts";
import type { OtlpSettings } from "./otlp-settings.ts";

export interface OtlpConnection {
  readonly agent: HttpAgent;
  readonly lastAnswer: Answer | undefined;
  /** Drops every connection; requests under way fail. The next request opens a new one. */
  abort(): void;
  close(): void;
}

/** https://nodejs.org/api/diagnostics_channel.html#http: each answer, whoever asked. */
const RESPONSES = "http.client.response.finish";

export function openConnection(settings: OtlpSettings): OtlpConnection {
  const isSecure = settings.url.protocol === "https:";
  // https://nodejs.org/api/http.html#built-in-proxy-support: an https backend is reached by CONNECT, so that TLS is its own.
  const options = { keepAlive: true, proxyEnv: settings.proxyEnv };
  const agent = isSecure ? new HttpsAgent({ ...options, ...settings.tls }) : new HttpAgent(options);
  let lastAnswer: Answer | undefined;

  function onResponse(message: unknown): void {
    const { request, response } = message as { request: { agent?: unknown }; response: IncomingMessage };
    if (request.agent !== agent) return;
    const { statusCode: status = 0, statusMessage, headers } = response;
    lastAnswer = { status, statusLine: `${status} ${statusMessage}`.trim() };
    if (headers["retry-after"] !== undefined) lastAnswer.retryAfter = headers["retry-after"];
    if (headers["content-type"] !== undefined) lastAnswer.contentType = headers["content-type"];
    if (headers.date !== undefined) lastAnswer.date = headers.date;
  }
  subscribe(RESPONSES, onResponse);

  return {
    agent,
    get lastAnswer() {
      return lastAnswer;
    },
    abort() {
      agent.destroy();
    },
    close() {
      unsubscribe(RESPONSES, onResponse);
      // The exporter may still try a request again that close() has cut off: what was given up must not arrive later.
      agent.createConnection = () => {
        throw new Error("the connection to the OTLP backend is closed");
      };
      agent.destroy();
    },
  };
}
