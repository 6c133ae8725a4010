/** The agent's configuration: who wins, what is wrong, what is printed, and the page that is made from it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { renderConfigurationPage } from "../../../scripts/configuration-docs.ts";
import { printConfig } from "../../../src/config/print.ts";
import { type Config, readConfig } from "../../../src/config/read.ts";
import { SCHEMA } from "../../../src/config/schema.ts";
import { SETTING_NAMES, settingOf } from "../../../src/config/settings.ts";

const folder = mkdtempSync(join(tmpdir(), "oomscribe-config-"));
let files = 0;

afterAll(() => rmSync(folder, { recursive: true }));

interface Given {
  flags?: Record<string, string[]>;
  env?: Record<string, string>;
  file?: string;
}

function read({ flags = {}, env = {}, file }: Given): Config {
  const all = new Map(Object.entries(flags));
  if (file !== undefined) {
    const path = join(folder, `${files++}.yaml`);
    writeFileSync(path, file);
    all.set("config", [path]);
  }
  return readConfig({ flags: all, env });
}

test("nothing is set: what the agent does by itself", () => {
  expect(read({})).toEqual({ settings: { since: "boot", backend: "collector" }, from: {}, env: {} });
  expect(read({ file: "# nothing\n" }).settings).toEqual({ since: "boot", backend: "collector" });
});

describe("who wins", () => {
  const file = "since: now\nkmsg: /file\notlp: http://file\nnode-name: file\n";

  test.each<[string, Given, Record<string, unknown>]>([
    ["the file alone", { file }, { since: "now", kmsg: "/file", otlp: ["http://file"], "node-name": "file" }],
    ["a variable over the file", { file, env: { OOMSCRIBE_KMSG: "/env" } }, { since: "now", kmsg: "/env" }],
    ["an empty variable is none", { file, env: { OOMSCRIBE_KMSG: " " } }, { kmsg: "/file" }],
    [
      "an option over both",
      { file, env: { OOMSCRIBE_KMSG: "/env" }, flags: { kmsg: ["/a", "/b"] } },
      { kmsg: "/b", since: "now" },
    ],
    ["Kubernetes' variable over the file", { file, env: { K8S_NODE_NAME: "env" } }, { "node-name": "env" }],
    ["the first of those", { env: { K8S_NODE_NAME: "a", NODE_NAME: "b" } }, { "node-name": "a" }],
    ["its own over those", { env: { K8S_NODE_NAME: "a", OOMSCRIBE_NODE_NAME: "own" } }, { "node-name": "own" }],
    ["a list by blanks", { env: { OOMSCRIBE_OTLP: "http://a http://b" } }, { otlp: ["http://a", "http://b"] }],
    ["an option that is repeated", { flags: { otlp: ["http://a", "http://b"] } }, { otlp: ["http://a", "http://b"] }],
    ["a map", { env: { OOMSCRIBE_OTLP_HEADERS: "a=1,b=two%20x" } }, { "otlp-headers": { a: "1", b: "two x" } }],
    ["a map of the file", { file: "otlp-headers: {a: 1}" }, { "otlp-headers": { a: "1" } }],
    ["a number", { env: { OOMSCRIBE_OTLP_TIMEOUT: "2.5" } }, { "otlp-timeout": 2.5 }],
  ])("%s", (_, given, expected) => {
    expect(read(given).settings).toMatchObject(expected);
  });

  test("OpenTelemetry's variables over the file, in their own format", () => {
    const { settings, env, from } = read({ file, env: { OTEL_EXPORTER_OTLP_ENDPOINT: "http://env" } });
    expect(settings.otlp).toBeUndefined();
    expect(env).toEqual({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://env" });
    expect(from.otlp).toBe("OTEL_EXPORTER_OTLP_ENDPOINT");
  });

  test("what wins over them takes them out of the way", () => {
    const env = { OTEL_EXPORTER_OTLP_HEADERS: "a=1", OTEL_EXPORTER_OTLP_LOGS_HEADERS: "b=2", OTHER: "x" };
    const config = read({ env: { ...env, OOMSCRIBE_OTLP_HEADERS: "c=3" } });
    expect(config.settings["otlp-headers"]).toEqual({ c: "3" });
    expect(config.env).toEqual({ OTHER: "x", OOMSCRIBE_OTLP_HEADERS: "c=3" });
  });

  test("the file may be named by a variable", () => {
    const path = join(folder, "named.yaml");
    writeFileSync(path, "kmsg: /named");
    expect(readConfig({ flags: new Map(), env: { OOMSCRIBE_CONFIG: path } }).settings.kmsg).toBe("/named");
  });
});

describe("what is wrong, in a sentence", () => {
  test.each<[Given, RegExp]>([
    [{ file: "stat-dir: /x" }, /^unknown setting stat-dir in .*\.yaml, did you mean state-dir\?$/],
    [{ env: { OOMSCRIBE_STATEDIR: "/x" } }, /^unknown setting OOMSCRIBE_STATEDIR, did you mean OOMSCRIBE_STATE_DIR\?$/],
    [{ file: "since: bot" }, /^since in .*\.yaml "bot": did you mean boot\? There are boot, now$/],
    [{ env: { OOMSCRIBE_BACKEND: "cube" } }, /^OOMSCRIBE_BACKEND "cube": did you mean cubeapm\? There are /],
    [{ file: "kmsg: 1" }, /^kmsg in .*\.yaml 1: .*expected string/],
    [{ file: "kmsg:\n" }, /^kmsg in .*\.yaml: .*expected string, received null/],
    [{ flags: { otlp: ["localhost:4318"] } }, /^--otlp: 0: is not an http\(s\) URL; write for example/],
    [{ env: { OOMSCRIBE_OTLP_TIMEOUT: "10s" } }, /^OOMSCRIBE_OTLP_TIMEOUT "10s": write a number of seconds$/],
    [{ file: "otlp-timeout: 0" }, /: write a number above 0$/],
    [{ file: "outbox-max-bytes: 10" }, /: write 1048576 at least$/],
    [{ file: "[a]" }, /write settings as "name: value", a line each$/],
    [{ file: "a: b: c" }, /\.yaml is not YAML: /],
    [{ file: "kmsg: /a\nkmsg: /b" }, /\.yaml is not YAML: Map keys must be unique/],
    [{ flags: { config: ["/nonexistent"] } }, /^the configuration \/nonexistent cannot be read: ENOENT/],
  ])("%j", (given, sentence) => {
    expect(() => read(given)).toThrow(sentence);
  });

  test("no sentence holds a secret", () => {
    for (const file of ["access-key: {a: hunter2}", "otlp-headers: hunter2", "access-key: 'hunter2\n  : x: y"]) {
      expect(() => read({ file })).toThrow(/^(?!.*hunter2)/);
    }
  });

  test("what Kubernetes sets for a Service of that name is none of ours", () => {
    const env = { OOMSCRIBE_SERVICE_HOST: "10.0.0.1", OOMSCRIBE_PORT: "tcp://x", OOMSCRIBE_PORT_80_TCP_ADDR: "x" };
    expect(read({ env }).settings).toEqual({ since: "boot", backend: "collector" });
  });
});

describe("print-config", () => {
  const config = read({
    file: "",
    flags: { otlp: ["http://user:hunter2@a:1/x?token=hunter2&b=hunter2", "http://plain:4318"] },
    env: { OOMSCRIBE_ACCESS_KEY: "hunter2", OOMSCRIBE_OTLP_HEADERS: "authorization=Bearer%20hunter2" },
  });
  const printed = printConfig(config);

  test("says who has set what, and hides secrets", () => {
    expect(printed).not.toContain("hunter2");
    expect(printed).toContain('\notlp: ["http://***@a:1/x?token=***&b=***","http://plain:4318"] # --otlp\n');
    expect(printed).toContain('\notlp-headers: {"authorization":"***"} # OOMSCRIBE_OTLP_HEADERS\n');
    expect(printed).toContain("\n# state-dir:\n");
    expect(printed).toContain("\n# kmsg: /dev/kmsg\n");
  });

  test("OpenTelemetry's headers are hidden too", () => {
    const env = { OTEL_EXPORTER_OTLP_HEADERS: "a=hunter2,hunter2,b=x=hunter2" };
    expect(printConfig(read({ env }))).toContain('otlp-headers: "a=***,***,b=***" # OTEL_EXPORTER_OTLP_HEADERS\n');
  });

  test("has every setting, and can be read again", () => {
    for (const name of SETTING_NAMES) expect(printed).toMatch(new RegExp(`^(?:# )?${name}:`, "m"));
    expect(read({ file: printConfig(read({ file: "since: now\noutbox-max-age: 60" })) }).settings).toMatchObject({
      since: "now",
      "outbox-max-age": 60,
    });
  });
});

test("schema and settings have the same names", () => {
  expect(Object.keys(SCHEMA.shape).toSorted()).toEqual(SETTING_NAMES.toSorted());
});

test("a secret is no option of the command line", () => {
  expect(SETTING_NAMES.filter((name) => settingOf(name).secret && settingOf(name).option)).toEqual([]);
});

test.each(["configuration.md", "cubeapm.md"])("docs/%s: its example is a configuration", (name) => {
  const page = readFileSync(new URL(`../../../docs/${name}`, import.meta.url), "utf8");
  const examples = Array.from(page.matchAll(/```yaml\n([^]*?)```|<<'END'\n([^]*?)END\n/g), ([, a, b]) => a ?? b ?? "");
  expect(examples.length).toBeGreaterThan(0);
  for (const file of examples) expect(read({ file }).settings.backend).toBe("cubeapm");
});

test("docs/configuration.md is what `npm run docs` writes", () => {
  const page = readFileSync(new URL("../../../docs/configuration.md", import.meta.url), "utf8");
  expect(page).toBe(renderConfigurationPage());
  expect(SETTING_NAMES.filter((name) => !page.includes(`\n### \`${name}\`\n`))).toEqual([]);
});
