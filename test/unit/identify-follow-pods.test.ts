/** The pods of a node, followed over real sockets: whatever the API server does, what is known becomes what there is. */
import { setTimeout } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { type Followed, follow, plainCredentials, until } from "../followed.ts";
import {
  type KubeApi,
  type KubeApiOptions,
  makePod,
  openKubeApi,
  timeoutFor,
  toLine,
  toStatus,
  type WrongAnswer,
} from "../kube-api.ts";

const opened: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function serve(options?: KubeApiOptions): Promise<KubeApi> {
  const server = await openKubeApi(options);
  opened.push(server);
  return server;
}

function start(server: KubeApi, options: Parameters<typeof follow>[1] = {}): Followed {
  const followed = follow(server.url, options);
  opened.push(followed);
  return followed;
}

function names(followed: Followed): string[] {
  return [...followed.known.values()].map(({ metadata }) => metadata.name).toSorted();
}

function namesAt(server: KubeApi): string[] {
  return server
    .pods()
    .filter(({ spec }) => spec.nodeName === "node-1")
    .map(({ metadata }) => metadata.name)
    .toSorted();
}

/** What is known is what there is, in its last version. */
async function untilEqual(followed: Followed, server: KubeApi): Promise<void> {
  const versions = (): string[] =>
    server
      .pods()
      .filter(({ spec }) => spec.nodeName === "node-1")
      .map(({ metadata }) => `${metadata.uid} ${metadata.resourceVersion}`)
      .toSorted();
  const known = (): string[] =>
    [...followed.known.values()].map(({ metadata }) => `${metadata.uid} ${metadata.resourceVersion}`).toSorted();
  await until(() => followed.state.is === "synced" && JSON.stringify(known()) === JSON.stringify(versions()));
}

test("a list, then each change; pods of other nodes are not asked for", async () => {
  const server = await serve();
  server.set(makePod("a"));
  server.set(makePod("elsewhere", "node-2"));
  const followed = start(server);
  await until(() => server.watches === 1);
  expect(names(followed)).toEqual(["a"]);
  server.set(makePod("b"));
  server.set(makePod("elsewhere-too", "node-2"));
  server.set(makePod("a", "node-1", { changed: "yes" }));
  server.delete("uid-b");
  await untilEqual(followed, server);
  expect(followed.known.get("uid-a")?.metadata.labels).toEqual({ changed: "yes" });
  expect(followed.counts).toEqual({ lists: 1, watches: 1, changes: 3, failures: 0 });
  expect(followed.states).toEqual(["synced"]);
  expect(followed.troubles).toEqual([["kubernetes_synced", { pods: 1 }]]);
});

test("what is asked for: from the API server's cache, with bookmarks, for five to ten minutes", async () => {
  const server = await serve();
  start(server);
  await until(() => server.watches === 1);
  const [list, watch] = server.requests;
  expect(list).toMatchObject({
    path: "/api/v1/pods",
    query: { fieldSelector: "spec.nodeName=node-1", limit: "500", resourceVersion: "0" },
    headers: { accept: "application/json", "user-agent": "oomscribe/test" },
  });
  expect(watch).toMatchObject({
    path: "/api/v1/pods",
    query: { watch: "1", fieldSelector: "spec.nodeName=node-1", allowWatchBookmarks: "true", resourceVersion: "1000" },
  });
  const seconds = Number(watch?.query["timeoutSeconds"]);
  expect(seconds).toBeGreaterThanOrEqual(300);
  expect(seconds).toBeLessThanOrEqual(600);
});

test("a list and the watch after it share a connection", async () => {
  const server = await serve();
  start(server);
  await until(() => server.watches === 1);
  expect(server.connections).toBe(1);
});

describe("pages", () => {
  test("of a list are one list", async () => {
    const server = await serve({ pageSize: 3 });
    for (let index = 0; index < 10; index++) server.set(makePod(`pod-${index}`));
    const followed = start(server);
    await untilEqual(followed, server);
    expect(followed.lists).toBe(1);
    expect(server.requests.filter(({ kind }) => kind === "list").map(({ query }) => query["continue"] ?? "")).toEqual([
      "",
      "1010:3",
      "1010:6",
      "1010:9",
    ]);
  });

  test("that expire half-way: the list is asked for as a whole", async () => {
    const server = await serve({
      pageSize: 3,
      // What the third page is asked for by is not known any more.
      onRequest({ query }) {
        if (query["continue"] === "1010:6") server.forget();
      },
    });
    for (let index = 0; index < 10; index++) server.set(makePod(`pod-${index}`));
    const followed = start(server);
    await untilEqual(followed, server);
    expect(followed.known.size).toBe(10);
    expect(followed.lists).toBe(1);
    const lists = server.requests.filter(({ kind }) => kind === "list").map(({ query }) => query);
    expect(lists.at(-1)).toEqual({ fieldSelector: "spec.nodeName=node-1", resourceVersion: "0" });
    expect(followed.counts.failures).toBe(0);
  });
});

describe("a list that gives nothing is asked for again, and said once", () => {
  test.each<[string, WrongAnswer, string, string]>([
    [
      "401",
      { status: 401, body: JSON.stringify(toStatus(401, "Unauthorized")) },
      "kubernetes_refused",
      "HTTP 401: Unauthorized",
    ],
    [
      "403",
      { status: 403, body: JSON.stringify(toStatus(403, 'pods is forbidden: User "x" cannot list resource "pods"')) },
      "kubernetes_refused",
      'HTTP 403: pods is forbidden: User "x" cannot list resource "pods"',
    ],
    ["404", { status: 404, body: "not here" }, "kubernetes_watch_failed", "HTTP 404: not here"],
    [
      "410",
      { status: 410, body: JSON.stringify(toStatus(410, "too old")) },
      "kubernetes_watch_failed",
      "HTTP 410: too old",
    ],
    ["429", { status: 429, headers: { "retry-after": "0" } }, "kubernetes_watch_failed", "HTTP 429"],
    ["500", { status: 500, body: "oops" }, "kubernetes_watch_failed", "HTTP 500: oops"],
    ["302", { status: 302, headers: { location: "http://127.0.0.1:9/" } }, "kubernetes_watch_failed", "HTTP 302"],
    ["cut", { cut: true }, "kubernetes_watch_failed", "socket hang up"],
    ["cut in its middle", { body: '{"items":[', cutBody: true }, "kubernetes_watch_failed", "aborted"],
    ["no answer", { hang: true }, "kubernetes_watch_failed", "no answer within 200 ms"],
  ])("%s", async (_, answer, event, reason) => {
    const server = await serve();
    server.set(makePod("a"));
    server.failNext("list", answer, answer, answer);
    const followed = start(server, { timeoutMs: timeoutFor(answer) });
    await untilEqual(followed, server);
    expect(followed.counts).toMatchObject({ lists: 4, failures: 3 });
    expect(followed.troubles).toEqual([
      [event, expect.objectContaining({ reason, waitMs: expect.any(Number) })],
      ["kubernetes_synced", { pods: 1 }],
    ]);
    expect(followed.states).toEqual(["never", "synced"]);
  });

  test.each<[string, WrongAnswer, string]>([
    ["no JSON", { body: "{]" }, "an answer that is no JSON"],
    ["JSON that is no list", { body: "{}" }, "an answer that is no list"],
    ["a number", { body: "7" }, "an answer that is no list"],
    ["null", { body: "null" }, "an answer that is no JSON"],
    ["items that are none", { body: '{"metadata":{"resourceVersion":"1"},"items":7}' }, "an answer that is no list"],
    [
      "a page of HTML",
      { headers: { "content-type": "text/html" }, body: "<p>" },
      "an answer of text/html where JSON was asked for",
    ],
  ])("%s: said each time", async (_, answer, reason) => {
    const server = await serve();
    server.set(makePod("a"));
    server.failNext("list", answer, answer);
    const followed = start(server);
    await untilEqual(followed, server);
    const said = ["kubernetes_answer_unreadable", { reason, waitMs: expect.any(Number) }];
    expect(followed.troubles).toEqual([said, said, ["kubernetes_synced", { pods: 1 }]]);
  });
});

test("what is refused says which right it needs", async () => {
  const server = await serve();
  server.failNext("list", { status: 403 });
  const followed = start(server);
  await until(() => followed.troubles.length === 2);
  expect(followed.troubles[0]).toEqual([
    "kubernetes_refused",
    { reason: "HTTP 403", needs: "list and watch pods", waitMs: expect.any(Number) },
  ]);
});

test("a credential that is refused is tried again until it is another one", async () => {
  let token = "old";
  const server = await serve({ authorize: ({ authorization }) => authorization === "Bearer new" });
  let refusals = 0;
  const followed = follow({
    connection: async () => ({ server: new URL(server.url), headers: { authorization: `Bearer ${token}` }, tls: {} }),
    refused: () => void refusals++,
  });
  opened.push(followed);
  await until(() => refusals === 3);
  expect(followed.state).toMatchObject({ is: "never", why: "HTTP 401: Unauthorized" });
  token = "new";
  await untilEqual(followed, server);
});

describe("a watch goes on from where it ended", () => {
  test.each<[string, (server: KubeApi) => void]>([
    ["cut", (server) => server.cutWatches()],
    [
      "cut in the middle of a line",
      (server) => {
        server.write(toLine("MODIFIED", makePod("half")).slice(0, 40));
        server.cutWatches();
      },
    ],
    [
      "ended in the middle of a line",
      (server) => {
        server.write(toLine("MODIFIED", makePod("half")).slice(0, 40));
        server.endWatches();
      },
    ],
    ["ended before its time", (server) => server.endWatches()],
    [
      "cut, and refused then",
      (server) => {
        server.failNext("watch", { status: 503 }, { status: 429 }, { cut: true }, { status: 403 }, { status: 401 });
        server.cutWatches();
      },
    ],
  ])("%s", async (_, happen) => {
    const server = await serve();
    server.set(makePod("a"));
    const followed = start(server);
    await until(() => followed.state.is === "synced");
    server.set(makePod("b"));
    await untilEqual(followed, server);
    happen(server);
    await until(() => followed.state.is === "stale");
    server.set(makePod("c"));
    server.delete("uid-a");
    await untilEqual(followed, server);
    expect(names(followed)).toEqual(["b", "c"]);
    expect(followed.counts.lists).toBe(1);
    expect(followed.states.at(0)).toBe("synced");
    expect(followed.states.at(-1)).toBe("synced");
    expect(followed.troubles.map(([name]) => name)).toContain("kubernetes_watch_failed");
  });

  test("a bookmark moves that place", async () => {
    const server = await serve();
    const followed = start(server);
    await until(() => server.watches === 1);
    server.set(makePod("elsewhere", "node-2"));
    server.bookmark();
    await setTimeout(20);
    server.cutWatches();
    await until(() => server.requests.filter(({ kind }) => kind === "watch").length === 2);
    expect(server.requests.at(-1)?.query["resourceVersion"]).toBe("1001");
    expect(followed.counts.changes).toBe(0);
  });

  test("silence is taken for the end", async () => {
    const server = await serve();
    const followed = start(server, { silenceMs: 60 });
    await until(() => followed.troubles.length >= 2);
    expect(followed.troubles[1]).toEqual([
      "kubernetes_watch_failed",
      { reason: "nothing came for 60 ms", waitMs: expect.any(Number) },
    ]);
    server.set(makePod("a"));
    await untilEqual(followed, server);
    expect(followed.counts.lists).toBe(1);
  });

  test("single bytes of a line that does not end are silence too", async () => {
    const server = await serve();
    const followed = start(server, { silenceMs: 100 });
    await until(() => server.watches === 1);
    while (followed.counts.failures === 0) {
      server.write(" ");
      await setTimeout(10);
    }
    expect(followed.troubles.at(1)?.[1]["reason"]).toBe("nothing came for 100 ms");
  });

  test("a server that is away, and back", async () => {
    const first = await openKubeApi();
    first.set(makePod("a"));
    const followed = start(first);
    await until(() => followed.state.is === "synced");
    await first.close();
    await until(() => followed.counts.failures > 5);
    expect(followed.state).toMatchObject({ is: "stale" });
    expect(names(followed)).toEqual(["a"]);
    const second = await serve({ port: first.port, version: 2000 });
    second.set(makePod("b"));
    await untilEqual(followed, second);
    expect(names(followed)).toEqual(["b"]);
    const said = followed.troubles.map(([name, { reason }]) => `${name} ${reason ?? ""}`);
    expect(new Set(said).size, said.join("\n")).toBeGreaterThanOrEqual(said.length - 2);
  });
});

describe("a list anew where something was missed", () => {
  const POD = makePod("x");
  test.each<[string, KubeApiOptions, (server: KubeApi) => void, string]>([
    [
      "the server remembers too little",
      { goneAs: "event" },
      (server) => {
        server.cutWatches();
        server.set(makePod("y"));
        server.forget();
      },
      "kubernetes_watch_failed",
    ],
    [
      "the server remembers too little, and says so by its status",
      { goneAs: "status" },
      (server) => {
        server.cutWatches();
        server.set(makePod("y"));
        server.forget();
      },
      "kubernetes_watch_failed",
    ],
    [
      "an ERROR that is 410",
      {},
      (server) => server.write(toLine("ERROR", toStatus(410, "gone"))),
      "kubernetes_watch_failed",
    ],
    [
      "an ERROR of another kind",
      {},
      (server) => server.write(toLine("ERROR", toStatus(500, "etcd"))),
      "kubernetes_watch_failed",
    ],
    ["an ERROR that is nothing", {}, (server) => server.write('{"type":"ERROR"}\n'), "kubernetes_watch_failed"],
    ["a line that is no JSON", {}, (server) => server.write('{"type":"ADDED",\n'), "kubernetes_answer_unreadable"],
    ["a line of null", {}, (server) => server.write("null\n"), "kubernetes_answer_unreadable"],
    ["a line of a list", {}, (server) => server.write("[]\n"), "kubernetes_answer_unreadable"],
    ["a type that is none", {}, (server) => server.write(toLine("CHANGED", POD)), "kubernetes_answer_unreadable"],
    ["a change without a version", {}, (server) => server.write(toLine("ADDED", POD)), "kubernetes_answer_unreadable"],
    [
      "a line without end",
      {},
      (server) => server.write(Buffer.alloc(17 * 1024 * 1024, "x")),
      "kubernetes_answer_unreadable",
    ],
  ])("%s", async (_, options, happen, event) => {
    const server = await serve(options);
    server.set(makePod("a"));
    server.set(makePod("b"));
    const followed = start(server);
    await until(() => followed.state.is === "synced" && server.watches === 1);
    happen(server);
    server.delete("uid-b");
    await until(() => followed.counts.lists === 2);
    await untilEqual(followed, server);
    expect(names(followed)).toEqual(namesAt(server));
    expect(followed.troubles.map(([name]) => name)).toContain(event);
    const list = server.requests.findLast(({ kind }) => kind === "list");
    expect(list?.query).toMatchObject({ resourceVersionMatch: "NotOlderThan" });
    expect(list?.query).not.toHaveProperty("limit");
  });

  test("the newest, where the server does not have what is known", async () => {
    const server = await serve();
    server.set(makePod("a"));
    const followed = start(server);
    await until(() => server.watches === 1);
    server.write(toLine("BOOKMARK", { metadata: { resourceVersion: "9000" } }));
    server.write(toLine("ERROR", toStatus(410, "gone")));
    await until(() => followed.counts.lists === 3);
    await untilEqual(followed, server);
    const asked = server.requests.filter(({ kind }) => kind === "list").map(({ query }) => query["resourceVersion"]);
    expect(asked).toEqual(["0", "9000", undefined]);
  });
});

test("a line is read however it was cut, in the middle of a character too", async () => {
  const server = await serve();
  const followed = start(server);
  await until(() => server.watches === 1);
  const pod = makePod("a", "node-1", { owner: "Zoë 🦊 漢字 \u2028\u2029\u0085\r" });
  const versioned = { ...pod, metadata: { ...pod.metadata, resourceVersion: "1001" } };
  const bytes = Buffer.from(toLine("ADDED", versioned));
  for (const byte of bytes) {
    server.write(Buffer.of(byte));
    await setTimeout(0);
  }
  await until(() => followed.known.size === 1);
  expect(followed.known.get("uid-a")).toEqual(versioned);
});

test("closed, nothing is told any more and no connection is left", async () => {
  const server = await serve();
  const followed = start(server);
  await until(() => followed.state.is === "synced");
  followed.close();
  server.set(makePod("a"));
  await until(() => server.connections === 0);
  expect(followed.known.size).toBe(0);
  expect(followed.troubles.map(([name]) => name)).toEqual(["kubernetes_synced"]);
});

test("of ten thousand changes nothing is kept but the pods", async () => {
  const server = await serve();
  const followed = start(server);
  await until(() => server.watches === 1);
  for (let index = 0; index < 10_000; index++) {
    server.set(makePod(`pod-${index % 50}`));
    if (index % 100 === 99) {
      server.delete(`uid-pod-${index % 50}`);
      await setTimeout(0);
    }
  }
  await untilEqual(followed, server);
  expect(followed.counts).toMatchObject({ lists: 1, watches: 1, failures: 0 });
  expect(followed.counts.changes).toBe(10_100);
  expect(followed.known.size).toBe(server.pods().length);
  expect(server.connections).toBe(1);
});

test("whatever happens, in the end what is known is what there is", async () => {
  const name = fc.integer({ min: 0, max: 9 }).map((index) => `pod-${index}`);
  const step = fc.oneof(
    { weight: 6, arbitrary: name.map((pod) => ({ do: "set", pod }) as const) },
    { weight: 3, arbitrary: name.map((pod) => ({ do: "delete", pod }) as const) },
    {
      weight: 2,
      arbitrary: fc
        .constantFrom(...(["cut", "end", "forget", "bookmark", "half", "junk", "pause"] as const))
        .map((what) => ({ do: what })),
    },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom<WrongAnswer>({ status: 503 }, { status: 410 }, { cut: true }, { body: "x" })
        .map((answer) => ({ do: "fail", answer }) as const),
    },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.constantFrom("status", "event"), async (steps, goneAs) => {
      const server = await openKubeApi({ goneAs, pageSize: 4 });
      const followed = follow(server.url, { backoff: { firstMs: 1, maxMs: 3, blockedMs: 2 } });
      try {
        for (const one of steps) {
          if (one.do === "set") server.set(makePod(one.pod));
          else if (one.do === "delete") server.delete(`uid-${one.pod}`);
          else if (one.do === "cut") server.cutWatches();
          else if (one.do === "end") server.endWatches();
          else if (one.do === "forget") server.forget();
          else if (one.do === "bookmark") server.bookmark();
          else if (one.do === "half") {
            server.write('{"type":"ADD');
            server.cutWatches();
          } else if (one.do === "junk") server.write("junk\n");
          else if (one.do === "fail") {
            server.failNext("list", one.answer);
            server.failNext("watch", one.answer);
          } else await setTimeout(3);
        }
        await untilEqual(followed, server);
        expect(names(followed)).toEqual(namesAt(server));
      } finally {
        followed.close();
        await server.close();
      }
    }),
    { numRuns: 60 },
  );
});

test("credentials that cannot be had are said, and tried again", async () => {
  const server = await serve();
  let isThere = false;
  const followed = follow({
    async connection() {
      if (!isThere) throw new Error("the service account's token cannot be read: ENOENT");
      return plainCredentials(server.url).connection();
    },
    refused() {},
  });
  opened.push(followed);
  await until(() => followed.counts.failures === 3);
  expect(followed.troubles).toEqual([
    ["kubernetes_refused", expect.objectContaining({ reason: "the service account's token cannot be read: ENOENT" })],
  ]);
  isThere = true;
  await untilEqual(followed, server);
});
