/**
 * The Kubernetes API, as much of it as is used: an answer as a whole, and a watch line by line.
 * Over Node's own HTTP, since its client's packages take more memory than the agent: docs/decisions.
 */
import type { IncomingMessage } from "node:http";
import type { Credentials } from "./credentials.ts";
import { type Failure, toConnectionFailure, toStatusFailure } from "./failure.ts";
import { createLines } from "./lines.ts";
import { openRequests } from "./request.ts";

export interface Api {
  /** An answer of JSON, read as a whole. */
  get(path: string, options: GetOptions): Promise<Answer>;
  /** Reads lines of JSON until the answer ends. @returns undefined: it has ended as it should */
  watch(path: string, options: WatchOptions): Promise<Failure | undefined>;
  readonly counts: Readonly<ApiCounts>;
  /** Ends all that is under way. */
  close(): void;
}

export type Answer = { json: unknown; bytes: number; failure?: undefined } | { failure: Failure };

export interface GetOptions {
  /** milliseconds, for all of it */
  timeoutMs: number;
  maxBytes: number;
  signal?: AbortSignal;
}

export interface WatchOptions {
  /** milliseconds until the answer begins */
  timeoutMs: number;
  /** milliseconds without a whole line after which the connection is taken for dead */
  silenceMs: number;
  signal: AbortSignal;
  onOpen(): void;
  /** @returns a failure: the watch is of no use any more */
  onLine(json: unknown): Failure | undefined;
}

/** Since the start. */
export interface ApiCounts {
  requests: number;
  /** requests that gave nothing, and watches that ended otherwise than they should */
  failures: number;
  /** of answers */
  bytes: number;
}

export interface ApiOptions {
  credentials: Credentials;
  /** `oomscribe/0.1.0` */
  userAgent: string;
  /** milliseconds since the Unix epoch: Retry-After may be a date */
  now?: () => number;
}

/** Of a line: etcd takes 1.5 MiB an object, which JSON's escapes make six times as long at most. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;
/** Of an answer that is no success: a Status. */
const MAX_ERROR_BYTES = 64 * 1024;

export function openApi({ credentials, userAgent, now = Date.now }: ApiOptions): Api {
  const requests = openRequests(credentials, userAgent);
  const closing = new AbortController();
  const counts: ApiCounts = { requests: 0, failures: 0, bytes: 0 };

  /** Everything but a success of JSON is a failure, redirects too: they would take the token elsewhere. */
  async function open(path: string, timeoutMs: number, signal: AbortSignal): Promise<IncomingMessage | Failure> {
    counts.requests++;
    const { response, failure } = await requests.send(path, { timeoutMs, signal });
    if (failure !== undefined) return failure;
    const { statusCode: status = 0, headers } = response;
    if (status !== 200) {
      const body = await readBody(response, { maxBytes: MAX_ERROR_BYTES, timeoutMs });
      return toStatusFailure(status, Buffer.isBuffer(body) ? body.toString() : "", headers["retry-after"], now());
    }
    const type = headers["content-type"] ?? "";
    if (/^application\/(?:[\w.+-]+\+)?json\b/i.test(type)) return response;
    response.destroy();
    return { kind: "unreadable", reason: `an answer of ${type === "" ? "no type" : type} where JSON was asked for` };
  }

  function count<T extends Failure | undefined>(failure: T): T {
    if (failure !== undefined && !closing.signal.aborted) counts.failures++;
    return failure;
  }

  return {
    async get(path, { timeoutMs, maxBytes, signal }) {
      const untilMs = performance.now() + timeoutMs;
      const response = await open(path, timeoutMs, any(closing.signal, signal));
      if (isFailure(response)) return { failure: count(response) };
      const body = await readBody(response, { maxBytes, timeoutMs: Math.max(untilMs - performance.now(), 1) });
      if (!Buffer.isBuffer(body)) return { failure: count(body) };
      counts.bytes += body.length;
      const json = parse(body.toString());
      return json === undefined ? { failure: count(NO_JSON) } : { json, bytes: body.length };
    },

    async watch(path, { timeoutMs, silenceMs, signal, onOpen, onLine }) {
      const response = await open(path, timeoutMs, any(closing.signal, signal));
      if (isFailure(response)) return count(response);
      onOpen();
      return count(
        await readLines(response, {
          silenceMs,
          onLine,
          onBytes: (bytes) => {
            counts.bytes += bytes;
          },
        }),
      );
    },

    counts,
    close() {
      closing.abort();
      requests.close();
    },
  };
}

const NO_JSON: Failure = { kind: "unreadable", reason: "an answer that is no JSON" };

/** @returns undefined: it is none, or `null`, which nothing that is asked for is */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) ?? undefined;
  } catch {
    return undefined;
  }
}

function any(first: AbortSignal, second: AbortSignal | undefined): AbortSignal {
  return second === undefined ? first : AbortSignal.any([first, second]);
}

function isFailure(value: IncomingMessage | Failure): value is Failure {
  return "kind" in value;
}

function readBody(
  response: IncomingMessage,
  { maxBytes, timeoutMs }: { maxBytes: number; timeoutMs: number },
): Promise<Buffer | Failure> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  return read<Buffer | Failure>(response, timeoutMs, `an answer did not end within ${Math.round(timeoutMs)} ms`, {
    onBytes(piece, end) {
      bytes += piece.length;
      pieces.push(piece);
      if (bytes > maxBytes) end({ kind: "unreadable", reason: `an answer is longer than ${maxBytes} bytes` });
    },
    onEnd: () => Buffer.concat(pieces),
  });
}

function readLines(
  response: IncomingMessage,
  options: Pick<WatchOptions, "silenceMs" | "onLine"> & { onBytes(bytes: number): void },
): Promise<Failure | undefined> {
  const { silenceMs, onLine, onBytes } = options;
  let failure: Failure | undefined;
  let count = 0;
  const lines = createLines(MAX_LINE_BYTES, (line) => {
    if (failure !== undefined) return;
    count++;
    const json = parse(line);
    failure = json === undefined ? { kind: "unreadable", reason: "a line of a watch is no JSON" } : onLine(json);
  });
  return read<Failure | undefined>(response, silenceMs, `nothing came for ${silenceMs} ms`, {
    onBytes(bytes, end, awake) {
      onBytes(bytes.length);
      const before = count;
      const fits = lines.push(bytes);
      if (failure !== undefined) end(failure);
      else if (!fits) end({ kind: "unreadable", reason: `a line of a watch is longer than ${MAX_LINE_BYTES} bytes` });
      // Single bytes now and then are no life: nothing can be read of them.
      else if (count > before) awake();
    },
    onEnd: () => (lines.rest === 0 ? undefined : { kind: "broken", reason: "the watch ended in the middle of a line" }),
  });
}

interface Reading<T> {
  onBytes(bytes: Buffer, end: (result: T) => void, awake: () => void): void;
  /** the answer has ended as HTTP says */
  onEnd(): T;
}

/** @param timeoutMs without `awake`. The response is let go of in any case. */
function read<T>(
  response: IncomingMessage,
  timeoutMs: number,
  late: string,
  { onBytes, onEnd }: Reading<T | Failure>,
): Promise<T | Failure> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => end({ kind: "silent", reason: late }), timeoutMs);
    function end(result: T | Failure): void {
      clearTimeout(timer);
      response.off("data", onData);
      resolve(result);
      // Does nothing to one that has ended: its connection can be used again.
      if (!response.readableEnded) response.destroy();
    }
    function onData(bytes: Buffer): void {
      onBytes(bytes, end, () => timer.refresh());
    }
    response.on("data", onData);
    response.once("end", () => end(onEnd()));
    // Also what comes of letting go of it.
    response.on("error", (error) => end(toConnectionFailure(error, "broken")));
  });
}
