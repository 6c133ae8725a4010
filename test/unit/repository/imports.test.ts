/** Every import statement of parsers/ and src/ keeps the rules of the layers, and a statement that breaks one is found. */
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { FOLDERS, findCycles, findForbiddenImports, scanImports } from "../../import-rules.ts";

const ROOT = new URL("../../../", import.meta.url);
const FILES = globSync(["parsers/**/*.ts", "src/**/*.ts"], { cwd: fileURLToPath(ROOT) }).toSorted();

test("the list of folders is what is in src", () => {
  const folders = new Set(FILES.filter((file) => file.startsWith("src/")).map((file) => file.split("/")[1]));
  expect([...folders].toSorted()).toEqual(FOLDERS.toSorted());
});

test("no files import each other in a circle", () => {
  expect(findCycles(new Map(FILES.map((file) => [file, readFileSync(new URL(file, ROOT), "utf8")])))).toEqual([]);
});

test.each(FILES)("%s", (file) => {
  expect(findForbiddenImports(file, readFileSync(new URL(file, ROOT), "utf8"))).toEqual([]);
});

describe("the scanner finds", () => {
  test.each([
    ['import { a } from "./a.ts";', "./a.ts", false],
    ['import type { A } from "./a.ts";', "./a.ts", true],
    ['import { type A, type B } from "./a.ts";', "./a.ts", true],
    ['import { type A, b } from "./a.ts";', "./a.ts", false],
    ['import a from "./a.ts";', "./a.ts", false],
    ['import a, { b } from "./a.ts";', "./a.ts", false],
    ['import * as a from "./a.ts";', "./a.ts", false],
    ["import {\n  a,\n  type B,\n} from './a.ts';", "./a.ts", false],
    ['import "./a.ts";', "./a.ts", false],
    ['export { a } from "./a.ts";', "./a.ts", false],
    ['export type { A } from "./a.ts";', "./a.ts", true],
    ['export * from "./a.ts";', "./a.ts", false],
    ['const a = await import("./a.ts");', "./a.ts", false],
    ['const a = require("./a.ts");', "./a.ts", false],
  ])("%s", (source, specifier, typeOnly) => {
    expect(scanImports(source)).toEqual([{ specifier, typeOnly }]);
  });

  test("no statement in a comment or in other code", () => {
    expect(
      scanImports(
        '// import a from "x";\n/* import b from "y"; */\nexport const from = "z";\nexport type A = "import";',
      ),
    ).toEqual([]);
  });

  test("every line of the sources that ends like a statement", () => {
    for (const file of FILES) {
      const source = readFileSync(new URL(file, ROOT), "utf8");
      const ends = Array.from(source.matchAll(/(?:from|import) "([^"]+)"(?: with \{[^}]*\})?;$/gm), ([, name]) => name);
      const found = scanImports(source).map(({ specifier }) => specifier);
      expect(found, file).toEqual(expect.arrayContaining(ends));
      expect(found.length, file).toBeGreaterThanOrEqual(ends.length);
    }
  });
});

describe("forbidden", () => {
  test.each([
    ["parsers/oom/x.ts", 'import { toKills } from "../../src/correlate/from-report.ts";'],
    ["parsers/oom/x.ts", 'import type { Kill } from "../../src/correlate/kill.ts";'],
    ["parsers/x.ts", 'import { readFileSync } from "node:fs";'],
    ["parsers/x.ts", 'import { pino } from "pino";'],
    ["src/correlate/x.ts", 'import { toLogRecord } from "../record/kill-record.ts";'],
    ["src/correlate/x.ts", 'import type { LogRecord } from "../record/log-record.ts";'],
    ["src/record/x.ts", 'import { toKills } from "../correlate/from-report.ts";'],
    ["src/record/x.ts", 'const { toKills } = await import("../correlate/from-report.ts");'],
    ["src/record/x.ts", 'import { pino } from "pino";'],
    ["src/record/x.ts", 'import { diag } from "@opentelemetry/api";'],
    ["src/sources/x.ts", 'import { runAgent } from "../agent/agent.ts";'],
    ["src/telemetry/x.ts", 'import { diag } from "@opentelemetry/api";'],
    ["src/pipeline/x.ts", 'import { runAgent } from "../agent/agent.ts";'],
    ["src/replay/x.ts", 'import type { AgentState } from "../agent/state.ts";'],
    ["src/shared/x.ts", 'import { toKills } from "../correlate/from-report.ts";'],
    ["src/agent/x.ts", 'import { chunk } from "lodash";'],
    ["src/agent/x.ts", 'import { makeKill } from "../../test/kills.ts";'],
    ["src/utils/x.ts", 'import { toKills } from "../correlate/from-report.ts";'],
    ["src/agent/x.ts", 'import { toKills } from "../utils/from-report.ts";'],
    ["src/x.ts", 'import { toKills } from "./correlate/from-report.ts";'],
    ["src/agent/x.ts", 'import { toKills } from "../x.ts";'],
  ])("in %s: %s", (file, source) => {
    expect(findForbiddenImports(file, `/** A file. */\n${source}\n`)).toHaveLength(1);
  });
});

describe("allowed", () => {
  test.each([
    ["parsers/oom/x.ts", 'import { decodeBytes } from "../bytes.ts";'],
    ["src/sources/x.ts", 'import { parseKmsgRecord } from "../../parsers/kmsg.ts";'],
    ["src/record/x.ts", 'import type { Kill } from "../correlate/kill.ts";'],
    ["src/identify/x.ts", 'import { createBackoff } from "../shared/backoff.ts";'],
    ["src/otlp/x.ts", 'import { HrTime } from "@opentelemetry/api";'],
    ["src/outbox/x.ts", 'import { openExporter } from "../otlp/exporter.ts";'],
    ["src/pipeline/x.ts", 'import { toKills } from "../correlate/from-report.ts";'],
    ["src/agent/x.ts", 'import { createPipeline } from "../pipeline/agent-pipeline.ts";'],
    ["src/cli/x.ts", 'import { runAgent } from "../agent/agent.ts";'],
  ])("in %s: %s", (file, source) => {
    expect(findForbiddenImports(file, source)).toEqual([]);
  });
});

describe("a circle of imports is found", () => {
  const circles: [string, Record<string, string>, string[][]][] = [
    [
      "of two files",
      { "a/x.ts": 'import { y } from "./y.ts";', "a/y.ts": 'import { x } from "./x.ts";' },
      [["a/x.ts", "a/y.ts"]],
    ],
    [
      "of types alone, through a third",
      {
        "a/x.ts": 'import type { Y } from "../b/y.ts";',
        "b/y.ts": 'export type { Z } from "./z.ts";',
        "b/z.ts": 'import { x } from "../a/x.ts";',
      },
      [["a/x.ts", "b/y.ts", "b/z.ts"]],
    ],
    [
      "closed by import(…)",
      { "a/x.ts": 'import { y } from "./y.ts";', "a/y.ts": 'const { x } = await import("./x.ts");' },
      [["a/x.ts", "a/y.ts"]],
    ],
    ["and none where there is none", { "a/x.ts": 'import { y } from "./y.ts";', "a/y.ts": 'import "node:fs";' }, []],
  ];
  test.each(circles)("%s", (_, sources, expected) => {
    expect(findCycles(new Map(Object.entries(sources)))).toEqual(expected);
  });
});
