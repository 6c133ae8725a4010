/** The program in one file: it runs where there is nothing else. */
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildProgram } from "../../../scripts/build.ts";
import { bundleMetafile } from "../../bundle-metafile.ts";
import { capture, runCli } from "../../cli-process.ts";
import { openOtlpReceiver } from "../../otlp-receiver.ts";

let folder: string;
let program: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "oomscribe-build-"));
  program = join(folder, "oomscribe.mjs");
  await buildProgram(program);
  copyFileSync(capture("v1-6.18/01-container-limit.kmsg"), join(folder, "log"));
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true }));

const run = (args: string[]) => runCli(args, { program, cwd: folder });

test("is of ASCII alone: with one character beyond, V8 keeps two bytes for each of its 1.4 million", () => {
  expect(/[^\x00-\x7f]/.exec(readFileSync(program, "utf8"))).toBe(null);
});

describe("licences", () => {
  test("the text of every package in the program stands beside it, with its version", async () => {
    const text = readFileSync(`${program}.LICENSES.txt`, "utf8");
    const bundled = await bundledPackages();
    expect(bundled.length).toBeGreaterThan(20);
    for (const { folder, title } of bundled) {
      const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name)) ?? "";
      expect(text).toContain(`\n${title}\n`);
      expect(text, title).toContain(readFileSync(join(folder, file), "utf8").replaceAll("\r\n", "\n").trim());
    }
    // Of others, within files of a package.
    expect(text).toMatch(/^llhttp \(MIT\)$/m);
    expect(text).toMatch(/^jsep \d/m);
    expect(text).toContain("/*! ws. MIT License.");
    expect(readFileSync(program, "utf8")).toContain("oomscribe.mjs.LICENSES.txt");
  });

  test.each<[string, object, string | undefined, RegExp]>([
    ["no text", { license: "MIT" }, undefined, /^lib 1\.2\.3 is bundled, and its package has no text of its licence/],
    ["an empty text", { license: "MIT" }, " \n", /^lib 1\.2\.3 is bundled, and its package has no text of its licence/],
    ["no name", {}, "text", /^lib 1\.2\.3 is bundled, and its licence is not named/],
    [
      "one that is not allowed",
      { license: "GPL-3.0-only" },
      "text",
      /its licence is GPL-3\.0-only: .* add it to ALLOWED/,
    ],
  ])("a package whose licence has %s is not bundled", async (_, manifest, licence, message) => {
    const app = mkdtempSync(join(folder, "app-"));
    const lib = join(app, "node_modules/lib");
    mkdirSync(lib, { recursive: true });
    writeFileSync(join(lib, "package.json"), JSON.stringify({ name: "lib", version: "1.2.3", ...manifest }));
    writeFileSync(join(lib, "index.js"), "module.exports = process.argv;");
    if (licence !== undefined) writeFileSync(join(lib, "LICENSE"), licence);
    writeFileSync(join(app, "main.js"), 'import lib from "lib"; console.log(lib);');
    await expect(buildProgram(join(app, "out.mjs"), join(app, "main.js"))).rejects.toThrow(message);
  });

  test("what is left out of the program needs none", async () => {
    const app = mkdtempSync(join(folder, "app-"));
    const lib = join(app, "node_modules/lib");
    mkdirSync(lib, { recursive: true });
    writeFileSync(join(lib, "package.json"), '{ "name": "lib", "version": "1.2.3", "sideEffects": false }');
    writeFileSync(join(lib, "index.js"), "export const one = 1;");
    writeFileSync(join(app, "main.js"), 'import { one } from "lib"; console.log(2);');
    await buildProgram(join(app, "out.mjs"), join(app, "main.js"));
    expect(readFileSync(join(app, "out.mjs.LICENSES.txt"), "utf8")).not.toContain("lib 1.2.3");
  });
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
  await buildProgram(part, "src/identify/kubernetes/kubeconfig.ts");
  // Its code as it is would be 1.9 MB.
  expect(statSync(part).size).toBeLessThan(500_000);
  const file = join(folder, "kubeconfig");
  const cluster = { name: "c", cluster: { server: "https://[::1]:6443" } };
  const context = { name: "x", context: { cluster: "c", user: "u" } };
  const user = { name: "u", user: { token: "secret" } };
  const config = { "current-context": "x", clusters: [cluster], contexts: [context], users: [user] };
  writeFileSync(file, JSON.stringify(config));
  const { openKubeconfig } = (await import(part)) as typeof import("../../../src/identify/kubernetes/kubeconfig.ts");
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

/** What esbuild, by its own account, makes the program of. */
async function bundledPackages(): Promise<{ folder: string; title: string }[]> {
  const root = fileURLToPath(new URL("../../../", import.meta.url));
  const metafile = await bundleMetafile();
  const parts = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs));
  const used = parts.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path);
  const folders = used.flatMap((path) => /.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []);
  return [...new Set(folders)].map((path) => {
    const folder = join(root, path);
    const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    return { folder, title: `${name} ${version} (${license})` };
  });
}
