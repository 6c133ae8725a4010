/** SIGHUP's work: another address and other keys from the next batch on, and what stays as it was. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { reload } from "../../../src/agent/reload.ts";
import { readConfig } from "../../../src/config/read.ts";
import { openOtlpExport } from "../../../src/otlp/exporter.ts";
import { toEndpoints } from "../../../src/outbox/endpoints.ts";
import { createReplaceable, type ReplaceableBackend } from "../../../src/outbox/replaceable-exporter.ts";
import { type OtlpReceiver, openOtlpReceiver } from "../../otlp-receiver.ts";
import { numbered } from "../../outbox-fixture.ts";

let folder: string;
let path: string;
let receivers: OtlpReceiver[];
let events: [name: string, detail: Record<string, unknown>][];
let backends: ReplaceableBackend[];
let reloaded: number;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "oomscribe-reload-"));
  path = join(folder, "config.yaml");
  receivers = [await openOtlpReceiver(), await openOtlpReceiver()];
  [events, reloaded] = [[], 0];
});
afterEach(async () => {
  for (const backend of backends) backend.close();
  for (const receiver of receivers) await receiver.close();
  rmSync(folder, { recursive: true });
});

const read = () => readConfig({ flags: new Map([["config", [path]]]), env: {} });
const openBackends = (config: ReturnType<typeof read>) => toEndpoints(config, "0").map((one) => openOtlpExport(one));

/** @returns what a SIGHUP does */
function start(file: string): (file: string) => void {
  writeFileSync(path, file);
  const config = read();
  backends = openBackends(config).map(createReplaceable);
  return (next) => {
    writeFileSync(path, next);
    reload({
      config,
      readConfig: read,
      backends,
      openBackends,
      onReloaded: () => reloaded++,
      events: { report: (name, detail = {}) => events.push([name, detail]), counts: () => ({}) },
    });
  };
}

const names = (): string[] => events.map(([name]) => name);

test("another address and other headers, from the next batch on", async () => {
  const [one, two] = receivers;
  const hangUp = start(`otlp: ${one?.url}\notlp-headers: {key: "1"}`);
  expect(await backends[0]?.export([numbered(1)])).toEqual({ kind: "delivered" });
  hangUp(`otlp: ${two?.url}\notlp-headers: {key: "2"}`);
  expect(await backends[0]?.export([numbered(2)])).toEqual({ kind: "delivered" });
  expect([one?.requests()[0]?.headers["key"], two?.requests()[0]?.headers["key"]]).toEqual(["1", "2"]);
  expect(events).toEqual([["config_reloaded", { target: `${two?.url}/v1/logs` }]]);
  expect(backends[0]?.target).toBe(`${two?.url}/v1/logs`);
  expect(reloaded).toBe(1);
});

test("the batch under way is not cut off", async () => {
  const [one, two] = receivers;
  const hangUp = start(`otlp: ${one?.url}`);
  const sent = backends[0]?.export([numbered(1)]);
  hangUp(`otlp: ${two?.url}`);
  expect(await sent).toEqual({ kind: "delivered" });
});

test("one that hangs is let go of with the rest", async () => {
  const [one, two] = [await openOtlpReceiver({ respond: () => ({ hang: true }) }), receivers[1]];
  receivers.push(one);
  const hangUp = start(`otlp: ${one.url}`);
  const sent = backends[0]?.export([numbered(1)]);
  await expect.poll(() => one.requests().length).toBe(1);
  hangUp(`otlp: ${two?.url}`);
  backends[0]?.close();
  expect(await sent).toMatchObject({ kind: "retry" });
});

test.each<[what: string, file: string, error: RegExp]>([
  ["not YAML", "a: b: c", /is not YAML/],
  ["an unknown setting", "otpl: http://a", /did you mean otlp\?/],
  ["a file that is not there", "otlp-headers-file: /nonexistent", /cannot be read: ENOENT/],
  ["another number of endpoints", "otlp: [http://a, http://b]", /another number of endpoints needs a restart/],
  ["no endpoint at all", "backend: stdout", /backend stdout needs a restart/],
])("%s: all stays as it was", async (_, file, error) => {
  const hangUp = start(`otlp: ${receivers[0]?.url}`);
  hangUp(file);
  expect(names()).toEqual(["config_reload_failed"]);
  expect(events[0]?.[1]["error"]).toMatch(error);
  expect(await backends[0]?.export([numbered(1)])).toEqual({ kind: "delivered" });
  expect(reloaded).toBe(0);
});

test("what takes a restart is said", () => {
  const hangUp = start(`otlp: ${receivers[0]?.url}`);
  hangUp(`otlp: ${receivers[0]?.url}\nstate-dir: /x\nsince: now`);
  expect(names()).toEqual(["setting_ignored", "config_reloaded"]);
  expect(events[0]?.[1]["reason"]).toContain("since, state-dir");
});
