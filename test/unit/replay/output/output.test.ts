/** What replay prints and sends: one record a kill, in each shape, and how it ends. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { capture, runCli } from "../../../cli-process.ts";
import { openOtlpReceiver } from "../../../otlp-receiver.ts";

const MIB = 1024 * 1024;
const JAVA = capture("v1-6.18/01-container-limit.kmsg");
const NODE = capture("v2-6.1/08-node-out-of-memory.kmsg");
const STORM = capture("v1-6.18/06-storm-200-kills.kmsg");
const NO_KILL = capture("v2-6.1/06-user-space-spoof-no-kill.kmsg");
/** A pod and a container of it, as the path in 01-container-limit.kmsg has them. */
const POD = "8f7d2a4e-1c3b-4d5e-9f60-7a8b9c0d1e2f";
const CONTAINER = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaadeadbeef";

interface PrintedRecord {
  timestamp: string | null;
  eventName: string;
  resource: Record<string, unknown>;
  attributes: Record<string, unknown>;
}

/** Pids of the kernel's own lines, as grep finds them. */
function pidsIn(path: string): number[] {
  return [...readFileSync(path, "latin1").matchAll(/^3,\d+,\d+,-;.*Killed process (\d+) /gm)].map(([, pid]) =>
    Number(pid),
  );
}

function parseLines(stdout: string): PrintedRecord[] {
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

function pidsOf(records: PrintedRecord[]): unknown[] {
  return records.filter(({ eventName }) => eventName === "oom.kill").map(({ attributes }) => attributes["process.pid"]);
}

test("ndjson: the kill as its own lines tell it", async () => {
  const { stdout, stderr, status } = await runCli(["replay", "--output", "ndjson", JAVA]);
  const records = parseLines(stdout);
  expect(records.map(({ eventName }) => eventName)).toEqual(["oom.report.suppressed", "oom.kill"]);
  expect(records[1]).toMatchObject({
    timestamp: null,
    resource: { "os.type": "linux", "k8s.pod.uid": POD, "container.id": CONTAINER },
    attributes: {
      "process.pid": 13233,
      "process.executable.name": "java",
      "oom.scope": "container",
      "oom.memory.usage": 49152 * 1024,
      "oom.memory.limit": 49152 * 1024,
      "oom.memory.failcnt": 73,
      "oom.victim.anon_rss": 56796 * 1024,
      "oom.kernel.seq": 2250,
      "oom.kernel.monotonic": 3753.827557,
    },
  });
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
});

test("json: one array with the records of ndjson", async () => {
  const files = [JAVA, NODE];
  const [array, lines] = await Promise.all([
    runCli(["replay", "--output", "json", ...files]),
    runCli(["replay", "--output", "ndjson", ...files]),
  ]);
  expect(JSON.parse(array.stdout)).toEqual(parseLines(lines.stdout));
});

test("json without a kill is an empty array", async () => {
  expect(await runCli(["replay", "--output", "json", NO_KILL])).toEqual({ stdout: "[]\n", stderr: "", status: 0 });
});

test("every kill line of a storm, in order", async () => {
  const { stdout } = await runCli(["replay", "--output", "ndjson", STORM]);
  expect(pidsIn(STORM)).toHaveLength(200);
  expect(pidsOf(parseLines(stdout))).toEqual(pidsIn(STORM));
});

test("a kill in several captures, or several times in one, is one record", async () => {
  const twice = readFileSync(JAVA);
  const { stdout } = await runCli(["replay", "--output", "ndjson", JAVA, "-", NODE, JAVA], { input: [twice, twice] });
  expect(pidsOf(parseLines(stdout))).toEqual([13233, ...pidsIn(NODE)]);
});

test("--node and OpenTelemetry's resource variables are on every record", async () => {
  const { stdout } = await runCli(["replay", "--output", "ndjson", "--node", "worker-7", JAVA], {
    env: { OTEL_RESOURCE_ATTRIBUTES: "k8s.cluster.name=blue" },
  });
  for (const { resource } of parseLines(stdout)) {
    expect(resource).toMatchObject({
      "k8s.node.name": "worker-7",
      "host.name": "worker-7",
      "k8s.cluster.name": "blue",
    });
  }
});

test("--page-size counts what the kernel printed in pages", async () => {
  const [small, large] = await Promise.all(
    ["4096", "65536"].map((size) => runCli(["replay", "--output", "ndjson", "--page-size", size, NODE])),
  );
  // `1079` free pages in the report of the node that ran out.
  const free = (stdout = "") => parseLines(stdout).find(({ attributes }) => attributes["process.pid"] === 503);
  expect(free(small?.stdout)?.attributes["oom.node.free"]).toBe(1079 * 4096);
  expect(free(large?.stdout)?.attributes["oom.node.free"]).toBe(1079 * 65536);
});

test("no kill: a sentence on standard output, what was read on standard error", async () => {
  const { stdout, stderr, status } = await runCli(["replay", NO_KILL, "-"], { input: ["a text\nof something else\n"] });
  expect({ stdout, status }).toEqual({ stdout: "No OOM kill in 2 captures.\n", status: 0 });
  expect(stderr).toMatch(/spoof-no-kill\.kmsg: .*, read as 1 line of .*kmsg/);
  expect(stderr).toMatch(/standard input: .*no line of it looks like a kernel's log/);
});

test("a reader that goes away ends it quietly", async () => {
  const program = fileURLToPath(new URL("../../../../src/cli/main.ts", import.meta.url));
  const child = spawn(process.execPath, [program, "replay", "--output", "ndjson", STORM, "-"], { env: {} });
  let stderr = "";
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  // Standard input stays open: only the missing reader can end it.
  await once(child.stdout, "data");
  child.stdout.destroy();
  const storm = readFileSync(STORM);
  child.stdin.on("error", () => {});
  const feeding = setInterval(() => child.stdin.write(storm), 20);
  const [status] = await once(child, "close");
  clearInterval(feeding);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});

test("--otlp sends what --output prints, and says so", async () => {
  const receiver = await openOtlpReceiver();
  try {
    const { stdout, stderr, status } = await runCli(
      ["replay", "--output", "ndjson", "--otlp", receiver.url, NODE, STORM],
      {
        env: { OTEL_EXPORTER_OTLP_HEADERS: "x-tenant=blue" },
      },
    );
    const printed = parseLines(stdout);
    const received = receiver.records();
    // OTLP groups the records of one container: within a batch they change places.
    const uids = (records: { attributes: Record<string, unknown> }[]) =>
      records.map(({ attributes }) => attributes["log.record.uid"]).sort();
    expect(uids(received)).toEqual(uids(printed));
    expect(received.find(({ attributes }) => attributes["process.pid"] === 503)).toMatchObject({
      severityText: "FATAL",
      attributes: { "oom.victim.anon_rss": 446628 * 1024 },
    });
    expect(receiver.requests().every(({ headers }) => headers["x-tenant"] === "blue")).toBe(true);
    expect(stderr).toBe(`oomscribe replay: sent ${printed.length} records to ${receiver.url}/v1/logs\n`);
    expect(status).toBe(0);
  } finally {
    await receiver.close();
  }
});

test("--dry-run says what would be sent, no header's value, and sends nothing", async () => {
  const receiver = await openOtlpReceiver();
  try {
    const { stdout, stderr, status } = await runCli(["replay", "--otlp", receiver.url, "--dry-run", NODE], {
      env: { OTEL_EXPORTER_OTLP_HEADERS: "authorization=secret", OTEL_EXPORTER_OTLP_COMPRESSION: "none" },
    });
    expect(stderr).toBe(
      `oomscribe replay: would send 5 records (5 oom.kill; of 4 resources) to ${receiver.url}/v1/logs as http/protobuf, headers authorization; nothing was sent\n`,
    );
    expect({ stdout, status, requests: receiver.requests() }).toEqual({ stdout: "", status: 0, requests: [] });
  } finally {
    await receiver.close();
  }
});

test("--otlp alone prints nothing; --protocol http/json is sent as such", async () => {
  const receiver = await openOtlpReceiver();
  try {
    const { stdout, status } = await runCli(["replay", "--protocol", "http/json", "--otlp", receiver.url, JAVA]);
    expect({ stdout, status }).toEqual({ stdout: "", status: 0 });
    expect(receiver.requests().map(({ headers }) => headers["content-type"])).toEqual(["application/json"]);
    expect(receiver.records().at(-1)?.attributes["oom.memory.limit"]).toBe(48 * MIB);
  } finally {
    await receiver.close();
  }
});

test("records that the backend refuses: status 1 and how many", async () => {
  const receiver = await openOtlpReceiver({ respond: () => ({ status: 400 }) });
  try {
    const { stdout, stderr, status } = await runCli(["replay", "--output", "ndjson", "--otlp", receiver.url, JAVA]);
    expect(pidsOf(parseLines(stdout))).toEqual([13233]);
    expect(stderr).toMatch(/2 records not delivered to .*400/);
    expect(status).toBe(1);
  } finally {
    await receiver.close();
  }
});
