/** The program in one file: it runs where there is nothing else. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildProgram } from "../../scripts/build.ts";
import { capture, runCli } from "../cli-process.ts";
import { openOtlpReceiver } from "../otlp-receiver.ts";

let folder: string;
let program: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "oomscribe-build-"));
  program = join(folder, "oomscribe.mjs");
  await buildProgram(program);
  copyFileSync(capture("v1-6.18/01-container-limit.kmsg"), join(folder, "log"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const run = (args: string[]) => runCli(args, { program, cwd: folder });

test("is of ASCII alone: with one character beyond, V8 keeps two bytes for each of its 1.4 million", () => {
  expect(/[^\x00-\x7f]/.exec(readFileSync(program, "utf8"))).toBe(null);
});

test("may be run as it is", () => {
  expect(statSync(program).mode & 0o111).toBe(0o111);
});

test("replay prints the kill", async () => {
  const { stdout, stderr, status } = await run(["replay", "log"]);
  expect(stdout).toMatch(/java +13233 +aaaaaaaaaaaa pod 8f7d2a4e/);
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
});

test("replay sends it, with the version of package.json", async () => {
  const receiver = await openOtlpReceiver();
  try {
    expect((await run(["replay", "--otlp", receiver.url, "log"])).status).toBe(0);
    expect(receiver.records().at(-1)?.attributes["process.pid"]).toBe(13233);
    expect(receiver.records()[0]?.scope.version).toBe((await run(["--version"])).stdout.trim());
  } finally {
    await receiver.close();
  }
});

test("the agent reads its configuration", async () => {
  writeFileSync(join(folder, "good.yaml"), "backend: cubeapm\notlp: http://cube:3130\n");
  const { stdout, status } = await run(["agent", "--config", "good.yaml", "--print-config"]);
  expect(stdout).toContain('backend: "cubeapm" # backend in good.yaml\n');
  expect(status).toBe(0);
  writeFileSync(join(folder, "bad.yaml"), "bakend: cubeapm\n");
  expect((await run(["agent", "--config", "bad.yaml"])).stderr).toMatch(/unknown setting bakend in .* mean backend\?/);
});

test("what reads a kubeconfig is packed, and works", async () => {
  const part = join(folder, "kubeconfig.mjs");
  await buildProgram(part, "src/identify/api/kubeconfig.ts");
  // Its code as it is would be 1.9 MB.
  expect(statSync(part).size).toBeLessThan(500_000);
  const file = join(folder, "kubeconfig");
  const cluster = { name: "c", cluster: { server: "https://[::1]:6443" } };
  const context = { name: "x", context: { cluster: "c", user: "u" } };
  const user = { name: "u", user: { token: "secret" } };
  const config = { "current-context": "x", clusters: [cluster], contexts: [context], users: [user] };
  writeFileSync(file, JSON.stringify(config));
  const { openKubeconfig } = (await import(part)) as typeof import("../../src/identify/api/kubeconfig.ts");
  const connection = await openKubeconfig({ file }).connection();
  expect(connection).toEqual({
    server: new URL("https://[::1]:6443"),
    headers: { authorization: "Bearer secret" },
    tls: {},
  });
});

test("the agent's log works", async () => {
  const { stderr, status } = await run(["agent", "--stdout", "--kmsg", "/nonexistent", "--host-root", "/nonexistent"]);
  const events = stderr
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).event);
  expect(events).toContain("kmsg_open_failed");
  expect(status).toBe(1);
});
