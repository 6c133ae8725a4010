/** The way to an endpoint, a step at a time: its name, its port, its certificate. Nothing is sent. */
import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { OtlpSettings } from "../../otlp/settings.ts";

export type NetworkStep = "name" | "connection" | "certificate";

export type NetworkResult =
  | { kind: "reached"; addresses: readonly string[]; certificateUntilMs?: number }
  | { kind: "failed"; step: NetworkStep; code: string; message: string };

/** @param timeoutMs of each step */
export async function tryNetwork(
  { url, tls }: Pick<OtlpSettings, "url" | "tls">,
  timeoutMs: number,
): Promise<NetworkResult> {
  let step: NetworkStep = "name";
  const isSecure = url.protocol === "https:";
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const port = Number(url.port) || (isSecure ? 443 : 80);
  try {
    const addresses = await resolved(host, timeoutMs);
    step = "connection";
    const socket = connect({ host, port });
    await opened(socket, "connect", timeoutMs);
    const reached = { kind: "reached", addresses: addresses.map(({ address }) => address) } as const;
    if (!isSecure) {
      socket.destroy();
      return reached;
    }
    step = "certificate";
    const secured = connectTls({ ...tls, socket, ...(isIP(host) === 0 ? { servername: host } : { host }) });
    await opened(secured, "secureConnect", timeoutMs);
    const until = Date.parse(secured.getPeerCertificate().valid_to);
    secured.destroy();
    return Number.isNaN(until) ? reached : { ...reached, certificateUntilMs: until };
  } catch (error) {
    return { kind: "failed", step, ...describe(error) };
  }
}

/**
 * By the system's resolver, which takes its own time where no name server answers: 21 s with three search domains
 * (measured). The result does not wait for it; the end of the process does, as its thread cannot be stopped.
 */
async function resolved(host: string, timeoutMs: number): Promise<LookupAddress[]> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new TimeoutError(timeoutMs)), timeoutMs);
  try {
    return await Promise.race([lookup(host, { all: true }), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function opened(socket: Socket | TLSSocket, event: "connect" | "secureConnect", timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail(new TimeoutError(timeoutMs)), timeoutMs);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    const onClose = (): void => fail(new Error("the connection was closed"));
    socket.once("error", fail).once("close", onClose);
    socket.once(event, () => {
      clearTimeout(timer);
      // What happens after that is the next step's.
      socket.off("close", onClose).off("error", fail);
      socket.on("error", () => {});
      resolve();
    });
  });
}

class TimeoutError extends Error {
  readonly code = "ETIMEDOUT";

  constructor(timeoutMs: number) {
    super(`no answer within ${timeoutMs} ms`);
  }
}

/** Of several addresses the first one's error. */
function describe(error: unknown): { code: string; message: string } {
  const one = error instanceof AggregateError ? error.errors[0] : error;
  const { code, message } = one as NodeJS.ErrnoException;
  return { code: code ?? "UNKNOWN", message };
}
