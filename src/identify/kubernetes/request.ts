/** One GET: sent with the credentials of the moment, answered by headers within a time, or a failure that says why. */
import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Connection, Credentials } from "./credentials.ts";
import { type Failure, toConnectionFailure } from "./failure.ts";

export interface Requests {
  /**
   * @param path from the server's root, with its query
   * @param timeoutMs until the answer's headers are there, credentials included
   */
  send(path: string, options: { timeoutMs: number; signal: AbortSignal }): Promise<Sent>;
  /** Lets go of connections that are not in use. */
  close(): void;
}

/** Of `response` the body has to be read, or it has to be destroyed. */
export type Sent = { response: IncomingMessage; failure?: undefined } | { failure: Failure; response?: undefined };

/** The API server lets go of a connection that is idle for 90 s, balancers of one after a minute: so be the first. */
const IDLE_MS = 30_000;

/** @param userAgent as the API server's audit log has it */
export function openRequests(credentials: Credentials, userAgent: string): Requests {
  // One pool for the lists, the watch and the objects: TLS options are part of a connection's name in it.
  const options = {
    keepAlive: true,
    keepAliveMsecs: IDLE_MS,
    timeout: IDLE_MS,
    maxFreeSockets: 2,
    scheduling: "lifo",
  } as const;
  const agents = { "http:": new HttpAgent(options), "https:": new HttpsAgent(options) };

  /** the last one that went through a proxy; what one before has left idle its server ends */
  let proxying: HttpAgent | undefined;

  function start(path: string, { server, headers, tls, agent }: Connection, signal: AbortSignal): ClientRequest {
    const url = new URL(server.pathname.replace(/\/$/, "") + path, server);
    const isPlain = url.protocol === "http:";
    proxying = agent;
    return (isPlain ? httpRequest : httpsRequest)(url, {
      ...tls,
      agent: agent ?? agents[isPlain ? "http:" : "https:"],
      headers: { accept: "application/json", "user-agent": userAgent, ...headers },
      signal,
    }).end();
  }

  function sendOnce(path: string, connection: Connection, signal: AbortSignal): Promise<Sent | "stale"> {
    return new Promise((resolve) => {
      const request = start(path, connection, signal);
      request.once("response", (response) => resolve({ response }));
      // Stays: an error after the headers is the response's matter as well.
      request.on("error", (error: NodeJS.ErrnoException) => {
        // The server let go of the connection while the request was on its way: nothing of it was done.
        if (request.reusedSocket && error.code === "ECONNRESET" && !signal.aborted) resolve("stale");
        else resolve({ failure: toConnectionFailure(error, "unreachable") });
      });
    });
  }

  async function sendFresh(path: string, signal: AbortSignal): Promise<Sent> {
    let connection: Connection;
    try {
      connection = await credentials.connection();
    } catch (error) {
      return { failure: toConnectionFailure(error, "credentials") };
    }
    for (;;) {
      const sent = await sendOnce(path, connection, signal);
      if (sent === "stale") continue;
      if (sent.response?.statusCode === 401) credentials.refused();
      return sent;
    }
  }

  return {
    async send(path, { timeoutMs, signal }) {
      const late = new AbortController();
      let timer: NodeJS.Timeout | undefined;
      const deadline = new Promise<Sent>((resolve) => {
        timer = setTimeout(() => {
          late.abort();
          resolve({ failure: { kind: "silent", reason: `no answer within ${timeoutMs} ms` } });
        }, timeoutMs);
      });
      const sent = await Promise.race([deadline, sendFresh(path, AbortSignal.any([signal, late.signal]))]);
      clearTimeout(timer);
      return sent;
    },
    close() {
      for (const agent of [...Object.values(agents), proxying]) agent?.destroy();
    },
  };
}
