/** Bounds the connections of an HTTP server so that clients which send or read slowly cannot keep others out. */
import type { Server } from "node:http";
import type { Socket } from "node:net";

export interface ConnectionLimitOptions {
  /** the longest that a connection stays open, whatever it does */
  lifeMs: number;
  onDropped(peer: string | undefined): void;
}

/** Prometheus and the kubelet have one each. */
const MAX_CONNECTIONS = 64;

/**
 * When there are too many connections, closes the one whose last progress is the oldest: a whole request is progress, a
 * piece of one is none. Refusing new ones instead would let whoever came first keep the server for themselves. A round
 * of the event loop accepts one connection and reads from those before it, so a request that comes with its connection
 * is answered before 64 others can take its place.
 */
export function limitConnections(server: Server, { lifeMs, onDropped }: ConnectionLimitOptions): void {
  // A set keeps the order in which its members were added.
  const open = new Set<Socket>();

  server.on("connection", (socket: Socket) => {
    open.add(socket);
    const timer = setTimeout(() => socket.destroy(), lifeMs).unref();
    socket.once("close", () => {
      clearTimeout(timer);
      open.delete(socket);
    });
    const [oldest] = open;
    if (oldest === undefined || open.size <= MAX_CONNECTIONS) return;
    open.delete(oldest);
    onDropped(oldest.remoteAddress);
    oldest.destroy();
  });

  server.on("request", ({ socket }) => {
    if (open.delete(socket)) open.add(socket);
  });
}
