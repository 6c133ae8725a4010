/**
 * An API server for tests, over real sockets: lists in pages, watches with a history that expires, bookmarks, objects,
 * and whatever goes wrong with them, as a test says. It follows the API's concepts, not any client's needs:
 * https://kubernetes.io/docs/reference/using-api/api-concepts/
 */
import { once } from "node:events";
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttpsServer, type ServerOptions } from "node:https";
import type { AddressInfo, Socket } from "node:net";

export interface TestPod {
  metadata: { name: string; namespace: string; uid: string; resourceVersion?: string; labels?: Record<string, string> };
  spec: { nodeName: string };
}

export type RequestKind = "list" | "watch" | "get";

/** What is answered instead of what should be. */
export interface WrongAnswer {
  status?: number;
  headers?: Record<string, string>;
  body?: string;
  /** the connection is cut without an answer */
  cut?: true;
  /** cut in the middle of the body */
  cutBody?: true;
  /** nothing, ever */
  hang?: true;
}

export interface SeenRequest {
  kind: RequestKind;
  path: string;
  query: Record<string, string>;
  headers: IncomingMessage["headers"];
}

export interface KubeApiOptions {
  tls?: ServerOptions;
  /** default: a free one */
  port?: number;
  /** @returns whether it is let in: 401 where not */
  authorize?: (headers: IncomingMessage["headers"]) => boolean;
  /** pods a page where a limit is asked for, whatever its figure; default: as asked */
  pageSize?: number;
  /** of its store at the start, default 1000: what was before is not remembered */
  version?: number;
  /** watches end after the time that they ask for */
  endsWatches?: true;
  /** before it is answered */
  onRequest?: (request: SeenRequest) => void;
  /** how a watch from too far back is told: default as an ERROR in the stream */
  goneAs?: "status" | "event";
}

export interface KubeApi {
  readonly url: string;
  readonly port: number;
  readonly requests: readonly SeenRequest[];
  /** open watches */
  readonly watches: number;
  /** open connections */
  readonly connections: number;
  /** bytes of bodies */
  readonly sentBytes: number;
  /** Of all nodes, as a list would have them. */
  pods(): TestPod[];
  set(pod: TestPod): void;
  delete(uid: string): void;
  /** by path: `/apis/apps/v1/namespaces/a/replicasets/b` */
  readonly objects: Map<string, unknown>;
  failNext(kind: RequestKind, ...answers: WrongAnswer[]): void;
  /** To all watches, as it is. */
  write(text: string | Buffer): void;
  bookmark(): void;
  /** As at the end of their time. */
  endWatches(): void;
  cutWatches(): void;
  /** What has been until now is not remembered: neither versions nor pages. */
  forget(): void;
  close(): Promise<void>;
}

interface Change {
  version: number;
  line: string;
  node: string;
}

const JSON_TYPE = { "content-type": "application/json" };

export async function openKubeApi(options: KubeApiOptions = {}): Promise<KubeApi> {
  const { authorize = () => true, goneAs = "event" } = options;
  const pods = new Map<string, TestPod>();
  const objects = new Map<string, unknown>();
  const requests: SeenRequest[] = [];
  const wrong: Record<RequestKind, WrongAnswer[]> = { list: [], watch: [], get: [] };
  const watches = new Map<string, Set<ServerResponse>>();
  const sockets = new Set<Socket>();
  let history: Change[] = [];
  let version = options.version ?? 1000;
  /** the oldest version that a watch can begin with */
  let oldest = version;
  let sentBytes = 0;
  let openWatches = 0;

  function onRequest(message: IncomingMessage, response: ServerResponse): void {
    const url = new URL(message.url ?? "", "http://x");
    const query = Object.fromEntries(url.searchParams);
    const isPods = url.pathname === "/api/v1/pods" || url.pathname === "/pods";
    const kind = !isPods ? "get" : query["watch"] === "1" ? "watch" : "list";
    const request: SeenRequest = { kind, path: url.pathname, query, headers: message.headers };
    requests.push(request);
    options.onRequest?.(request);
    const answer = wrong[kind].shift();
    if (answer !== undefined) answerWrong(response, answer);
    else if (!authorize(message.headers)) sendStatus(response, 401, "Unauthorized");
    else if (kind === "list") list(response, query);
    else if (kind === "watch") watch(response, query);
    else get(response, url.pathname);
  }

  function send(response: ServerResponse, status: number, value: unknown, headers = {}): void {
    const body = JSON.stringify(value);
    sentBytes += body.length;
    response.writeHead(status, { ...JSON_TYPE, ...headers }).end(body);
  }

  function sendStatus(response: ServerResponse, code: number, message: string): void {
    send(response, code, toStatus(code, message));
  }

  function get(response: ServerResponse, path: string): void {
    const object = objects.get(path);
    if (object === undefined) sendStatus(response, 404, `${path} not found`);
    else send(response, 200, object);
  }

  function list(response: ServerResponse, query: Record<string, string>): void {
    const token = query["continue"];
    const asked = query["resourceVersion"] ?? "";
    const [at, from] = (token ?? `${version}:0`).split(":").map(Number) as [number, number];
    if (token !== undefined && asked !== "") sendStatus(response, 400, "a version with a token");
    else if (Number(asked) > version) send(response, 504, toTooNew());
    else if (at < oldest) sendStatus(response, 410, "The provided continue parameter is too old");
    else sendPage(response, query, at, from);
  }

  function sendPage(response: ServerResponse, query: Record<string, string>, at: number, from: number): void {
    // A page shows what was when the first one was made: tests change nothing in between but to expire it.
    const all = [...pods.values()].filter(({ spec }) => isOf(query["fieldSelector"], spec.nodeName));
    const limit = query["limit"] === undefined ? all.length : (options.pageSize ?? Number(query["limit"]));
    const isLast = from + limit >= all.length;
    const metadata = { resourceVersion: String(at), ...(isLast ? {} : { continue: `${at}:${from + limit}` }) };
    send(response, 200, { kind: "PodList", apiVersion: "v1", metadata, items: all.slice(from, from + limit) });
  }

  function watch(response: ServerResponse, query: Record<string, string>): void {
    const from = Number(query["resourceVersion"] ?? 0);
    if (from < oldest && goneAs === "status") {
      sendStatus(response, 410, "too old resource version");
      return;
    }
    response.writeHead(200, JSON_TYPE);
    response.flushHeaders();
    if (from < oldest) {
      response.end(toLine("ERROR", toStatus(410, "too old resource version")));
      return;
    }
    const node = (query["fieldSelector"] ?? "").replace("spec.nodeName=", "");
    const ofNode = watches.get(node) ?? new Set();
    watches.set(node, ofNode.add(response));
    openWatches++;
    const askedMs = Number(query["timeoutSeconds"]) * 1000;
    const timer = options.endsWatches ? setTimeout(() => response.end(), askedMs) : undefined;
    response.on("close", () => {
      clearTimeout(timer);
      openWatches--;
      ofNode.delete(response);
    });
    for (const change of history) if (change.version > from && change.node === node) write(response, change.line);
  }

  function write(response: ServerResponse, text: string | Buffer): void {
    if (response.writableEnded) return; // a test has just ended it
    sentBytes += text.length;
    response.write(text);
  }

  function tell(type: string, pod: TestPod): void {
    version++;
    const told = { ...pod, metadata: { ...pod.metadata, resourceVersion: String(version) } };
    if (type !== "DELETED") pods.set(pod.metadata.uid, told);
    const change = { version, line: toLine(type, told), node: pod.spec.nodeName };
    history.push(change);
    for (const response of watches.get(change.node) ?? []) write(response, change.line);
  }

  const all = (): ServerResponse[] => [...watches.values()].flatMap((ofNode) => [...ofNode]);

  const server = options.tls === undefined ? createHttpServer(onRequest) : createHttpsServer(options.tls, onRequest);
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  return {
    url: `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    port,
    requests,
    get watches() {
      return openWatches;
    },
    get connections() {
      return sockets.size;
    },
    get sentBytes() {
      return sentBytes;
    },
    pods: () => [...pods.values()],
    objects,
    set: (pod) => tell(pods.has(pod.metadata.uid) ? "MODIFIED" : "ADDED", pod),
    delete(uid) {
      const pod = pods.get(uid);
      pods.delete(uid);
      if (pod !== undefined) tell("DELETED", pod);
    },
    failNext: (kind, ...answers) => wrong[kind].push(...answers),
    write: (text) => {
      for (const response of all()) write(response, text);
    },
    bookmark() {
      const line = toLine("BOOKMARK", { kind: "Pod", metadata: { resourceVersion: String(version) } });
      for (const response of all()) write(response, line);
    },
    endWatches: () => {
      for (const response of all()) response.end();
    },
    cutWatches: () => {
      for (const response of all()) response.destroy();
    },
    forget() {
      version++;
      oldest = version;
      history = [];
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

export function makePod(name: string, nodeName = "node-1", labels: Record<string, string> = {}): TestPod {
  return { metadata: { name, namespace: "shop", uid: `uid-${name}`, labels }, spec: { nodeName } };
}

export function toLine(type: string, object: unknown): string {
  return `${JSON.stringify({ type, object })}\n`;
}

/** Spec: meta/v1 Status. */
export function toStatus(code: number, message: string): Record<string, unknown> {
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, code };
}

/** As an API server with a cache says it: apimachinery's NewTooLargeResourceVersionError. */
function toTooNew(): Record<string, unknown> {
  const causes = [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }];
  return { ...toStatus(504, "Timeout: Too large resource version"), reason: "Timeout", details: { causes } };
}

function isOf(selector: string | undefined, nodeName: string): boolean {
  return selector === undefined || selector === `spec.nodeName=${nodeName}`;
}

function answerWrong(response: ServerResponse, { status, headers, body = "", cut, cutBody, hang }: WrongAnswer): void {
  if (hang) return;
  if (cut) {
    response.destroy();
    return;
  }
  response.writeHead(status ?? 200, { ...JSON_TYPE, ...headers });
  if (!cutBody) {
    response.end(body);
    return;
  }
  response.write(body, () => response.destroy());
}

/** A kubeconfig for it, without credentials. */
export function toKubeconfig({ url }: Pick<KubeApi, "url">): string {
  const clusters = [{ name: "c", cluster: { server: url } }];
  const contexts = [{ name: "x", context: { cluster: "c", user: "u" } }];
  return JSON.stringify({ clusters, contexts, users: [{ name: "u", user: {} }], "current-context": "x" });
}

/** Milliseconds that a client should wait: only what never answers is to time out, however loaded the machine is. */
export function timeoutFor(...answers: readonly (WrongAnswer | undefined)[]): number {
  return answers.some((answer) => answer?.hang === true) ? 200 : 20_000;
}
