/** The agent's own HTTP, asked as Prometheus and the kubelet ask. */
import { readFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { readConfig } from "../../src/config/read.ts";
import { type SettingName, variableOf } from "../../src/config/settings.ts";
import { type AgentStatus, toHealth, toMetrics, toReadiness } from "../../src/own-metrics.ts";
import { type OwnServers, openOwnServers } from "../../src/own-server.ts";
import { formatMetrics } from "../../src/telemetry/metrics.ts";

/** `/c1` to `/c11`, each as many */
const UNWATCHED = Array.from({ length: 11 }, (_, index): [string, number] => [`/c${index + 1}`, index + 1]);

const STATUS: AgentStatus = {
  version: "1.2.3",
  kills: [
    { scope: "container", attribution: "exact", kills: 3 },
    { scope: "node", attribution: "unknown", kills: 1 },
  ],
  containerKills: [{ namespace: "shop", pod: "web-0", container: "app", kills: 2 }],
  names: { from: "api", isSynced: false, pods: 12, memoryPressure: { node: "node-7", isTrue: true } },
  deliveries: [
    {
      target: "http://a/v1/logs",
      totals: { delivered: 5, rejected: 1, retries: 2, waiting: 4 },
      size: { records: 4, bytes: 4000 },
      atRisk: { records: 0, bytes: 0 },
      dropped: { too_old: 6 },
    },
  ],
  sources: {
    log: { isRead: true, isDrained: true, read: 100, lost: 7 },
    counters: { isOpen: true, cgroups: 42, unwatched: new Map(UNWATCHED) },
    histories: 7,
    tracepoint: { isOpen: false },
  },
  events: { kmsg_gap: 1 },
};

const servers: OwnServers[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function open(status: AgentStatus, listen = "127.0.0.1:0"): Promise<string> {
  return (await openServers({ listen }, status)).metrics?.url as string;
}

async function openServers(settings: Parameters<typeof openOwnServers>[0], status = STATUS): Promise<OwnServers> {
  const opened = await openOwnServers(
    settings,
    () => status,
    () => {},
  );
  servers.push(opened);
  return opened;
}

function withSources(sources: Partial<AgentStatus["sources"]>): AgentStatus {
  return { ...STATUS, sources: { ...STATUS.sources, ...sources } };
}

const LOG_FAILS = { isRead: false, isDrained: false, read: 0, lost: 0 };

test("without an address there is none", async () => {
  expect(await openServers({})).toMatchObject({ metrics: undefined, probes: undefined });
});

test("/metrics, line by line", async () => {
  const response = await fetch(`${await open(STATUS)}/metrics?x=1`);
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  const text = await response.text();
  const lines = text.split("\n");
  for (const line of [
    "# TYPE oomscribe_kills_total counter",
    `oomscribe_build_info{version="1.2.3",node="${process.versions.node}"} 1`,
    'oomscribe_kills_total{scope="container",attribution="exact"} 3',
    'oomscribe_kills_total{scope="node",attribution="unknown"} 1',
    'oomscribe_container_kills_total{namespace="shop",pod="web-0",container="app"} 2',
    'oomscribe_source_up{source="kubernetes_api"} 0',
    "oomscribe_pods_known 12",
    'oomscribe_node_memory_pressure{node="node-7"} 1',
    'oomscribe_records_sent_total{endpoint="http://a/v1/logs"} 5',
    'oomscribe_records_rejected_total{endpoint="http://a/v1/logs"} 1',
    'oomscribe_records_dropped_total{endpoint="http://a/v1/logs",reason="too_old"} 6',
    'oomscribe_send_retries_total{endpoint="http://a/v1/logs"} 2',
    'oomscribe_outbox_records{endpoint="http://a/v1/logs"} 4',
    'oomscribe_outbox_bytes{endpoint="http://a/v1/logs"} 4000',
    "oomscribe_kernel_log_records_read_total 100",
    "oomscribe_kernel_log_records_lost_total 7",
    'oomscribe_source_up{source="kernel_log"} 1',
    'oomscribe_source_up{source="mark_victim"} 0',
    "oomscribe_cgroups_followed 42",
    'oomscribe_cgroups_unwatched{cgroup="/c11"} 11',
    'oomscribe_cgroups_unwatched{cgroup="/c2"} 2',
    'oomscribe_cgroups_unwatched{cgroup="other"} 1',
    'oomscribe_events_total{event="kmsg_gap"} 1',
  ]) {
    expect(lines).toContain(line);
  }
  // Each line is one of the format's.
  const format = /^(?:# (?:HELP|TYPE) [a-z_]+ .+|[a-z_]+(?:\{(?:[a-z]+="[^"\n]*",?)+\})? -?[\d.e+-]+|)$/;
  expect(lines.filter((line) => !format.test(line))).toEqual([]);
});

test("every metric has a help, a type that its name tells, and its own name", () => {
  const metrics = toMetrics(STATUS);
  expect(new Set(metrics.map(({ name }) => name)).size).toBe(metrics.length);
  for (const { name, type, help } of metrics) {
    expect(help, name).not.toBe("");
    expect([name, name.endsWith("_total")]).toEqual([name, type === "counter"]);
  }
});

test("whether the node is short of memory is not told where it is not known", async () => {
  const { memoryPressure: _, ...names } = STATUS.names;
  const text = await (await fetch(`${await open({ ...STATUS, names })}/metrics`)).text();
  expect(text).not.toMatch(/^oomscribe_node_memory_pressure/m);
});

test("docs/metrics.md has a row for each, and for no other", () => {
  const page = readFileSync(new URL("../../docs/metrics.md", import.meta.url), "utf8");
  const rows = Array.from(page.matchAll(/^\| `([a-z_]+)` +\| (counter|gauge) /gm), ([, name, type]) => [name, type]);
  expect(rows.toSorted()).toEqual(
    toMetrics(STATUS)
      .map(({ name, type }) => [name, type])
      .toSorted(),
  );
});

test("what would break a line is escaped", () => {
  const samples = [{ labels: { a: 'x"y\\z\n' }, value: Number.NaN }];
  expect(formatMetrics([{ name: "n", type: "gauge", help: "a\nb\\", samples }])).toBe(
    '# HELP n a\\nb\\\\\n# TYPE n gauge\nn{a="x\\"y\\\\z\\n"} NaN\n',
  );
});

test.each<[string, AgentStatus, number, number]>([
  ["all is well", STATUS, 200, 200],
  ["the log cannot be read, the counters can", withSources({ log: LOG_FAILS }), 200, 503],
  ["the log alone", withSources({ counters: { isOpen: false, cgroups: 0, unwatched: new Map() } }), 200, 200],
  ["neither", withSources({ log: LOG_FAILS, counters: { isOpen: false, cgroups: 0, unwatched: new Map() } }), 503, 503],
  ["not read to its end yet", withSources({ log: { ...LOG_FAILS, isRead: true } }), 200, 503],
])("/healthz and /readyz: %s", async (_, status, health, readiness) => {
  const url = await open(status);
  const [healthz, readyz] = [await fetch(`${url}/healthz`), await fetch(`${url}/readyz`)];
  expect([healthz.status, readyz.status]).toEqual([health, readiness]);
  expect(await healthz.json()).toEqual({ ok: health === 200, ...toHealth(status).detail });
  expect(await readyz.json()).toEqual({ ok: readiness === 200, ...toReadiness(status).detail });
});

test("a backend that is away makes nothing unready", async () => {
  const [delivery] = STATUS.deliveries;
  const status = { ...STATUS, deliveries: [{ ...delivery, totals: { ...delivery?.totals, retries: 1e6 } }] };
  expect(toReadiness(status as AgentStatus).ok).toBe(true);
});

test("HEAD, other methods, other paths", async () => {
  const url = await open(STATUS, "[::1]:0").catch(() => open(STATUS));
  expect(await (await fetch(`${url}/metrics`, { method: "HEAD" })).text()).toBe("");
  expect((await fetch(`${url}/metrics`, { method: "POST", body: "x" })).status).toBe(405);
  expect((await fetch(`${url}/`)).status).toBe(404);
});

test("probes have a listener of their own, without metrics; the other one answers them too", async () => {
  const { metrics, probes } = await openServers({ listen: "127.0.0.1:0", "probe-listen": "127.0.0.1:0" });
  const statusOf = async (url: string | undefined, path: string): Promise<number> =>
    (await fetch(`${url}${path}`)).status;
  const paths = ["/healthz", "/readyz", "/metrics"];
  expect(await Promise.all(paths.map((path) => statusOf(metrics?.url, path)))).toEqual([200, 200, 200]);
  expect(await Promise.all(paths.map((path) => statusOf(probes?.url, path)))).toEqual([200, 200, 404]);
  expect(await (await fetch(`${probes?.url}/`)).text()).toBe("there are /healthz and /readyz\n");
});

test("a port that is taken: a sentence that says what to do, and the other one is given up", async () => {
  const { host } = new URL(await open(STATUS));
  await expect(openServers({ listen: host })).rejects.toThrow(
    /^cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE.*; set listen to another ADDRESS:PORT$/,
  );
  const first = await openServers({ listen: "127.0.0.1:0" });
  const free = new URL(first.metrics?.url ?? "").host;
  first.close();
  await expect(openServers({ listen: free, "probe-listen": host })).rejects.toThrow(/; set probe-listen to another/);
  expect((await openServers({ listen: free })).metrics?.url).toBe(`http://${free}`);
});

test.each(
  (["listen", "probe-listen"] satisfies SettingName[]).flatMap((setting): [SettingName, string, boolean][] => [
    [setting, "127.0.0.1:9464", true],
    [setting, ":9464", true],
    [setting, "[::1]:9464", true],
    [setting, "9464", false],
    [setting, "localhost:9464", false],
    [setting, "127.0.0.1:99999", false],
  ]),
)("%s: %s", (setting, address, isGood) => {
  const attempt = (): unknown => readConfig({ flags: new Map(), env: { [variableOf(setting)]: address } });
  if (isGood) expect(attempt).not.toThrow();
  else expect(attempt).toThrow(/write ADDRESS:PORT/);
});
