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
/** Of the body of a successful answer: OTLP's is a few bytes, or one message of an error. */
const MAX_BODY = 64 * 1024;

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
    const answer: Answer = { status, statusLine: `${status} ${statusMessage}`.trim() };
    if (headers["retry-after"] !== undefined) answer.retryAfter = headers["retry-after"];
    if (headers["content-type"] !== undefined) answer.contentType = headers["content-type"];
    if (headers.date !== undefined) answer.date = headers.date;
    if (status >= 200 && status < 300) collectBody(response, answer);
    lastAnswer = answer;
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

/**
 * The exporter listens as well, from the same turn of the event loop on, and is called after this: when it reports the
 * answer, the body is complete here.
 */
function collectBody(response: IncomingMessage, answer: Answer): void {
  const chunks: Buffer[] = [];
  let length = 0;
  response.on("data", (chunk: Buffer) => {
    length += chunk.length;
    if (length <= MAX_BODY) chunks.push(chunk);
  });
  response.on("end", () => {
    if (!response.complete) return;
    answer.body = length <= MAX_BODY ? Buffer.concat(chunks) : "too_long";
  });
}
