/** A real HTTP proxy for tests: forwards requests, tunnels CONNECT, and says what it was asked for. */
import { once } from "node:events";
import { createServer, request } from "node:http";
import { type AddressInfo, connect } from "node:net";

export interface HttpProxy {
  readonly url: string;
  /** `POST http://…` and `CONNECT host:port` */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

export async function openHttpProxy(): Promise<HttpProxy> {
  const asked: string[] = [];
  const server = createServer((message, response) => {
    asked.push(`${message.method} ${message.url}`);
    const { method = "GET", headers } = message;
    const forward = request(message.url ?? "", { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    message.pipe(forward);
  });
  server.on("connect", (message, client) => {
    asked.push(`${message.method} ${message.url}`);
    const [host = "", port = ""] = (message.url ?? "").split(":");
    const upstream = connect(Number(port), host, () => {
      client.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      upstream.pipe(client).pipe(upstream);
    });
    upstream.on("error", () => client.destroy());
    client.on("error", () => upstream.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
