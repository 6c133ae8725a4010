/** Every import statement of parsers/ and src/ keeps the rules of the layers, and a statement that breaks one is found. */
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { findForbiddenImports, scanImports } from "../import-rules.ts";

const ROOT = new URL("../../", import.meta.url);
const FILES = globSync(["parsers/**/*.ts", "src/**/*.ts"], { cwd: fileURLToPath(ROOT) }).toSorted();

test("there are files to look at", () => {
  expect(FILES).toContain("parsers/oom/assemble.ts");
  expect(FILES).toContain("src/pipeline.ts");
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
    ["src/correlate/x.ts", 'import { toLogRecord } from "../ship/record.ts";'],
    ["src/correlate/x.ts", 'import type { LogRecord } from "../ship/log-record.ts";'],
    ["src/ship/x.ts", 'import { toKills } from "../correlate/from-report.ts";'],
    ["src/ship/x.ts", 'const { toKills } = await import("../correlate/from-report.ts");'],
    ["src/ship/x.ts", 'import { openLog } from "../telemetry/log.ts";'],
    ["src/ship/x.ts", 'import { pino } from "pino";'],
    ["src/sources/x.ts", 'import { runAgent } from "../agent.ts";'],
    ["src/telemetry/x.ts", 'import { diag } from "@opentelemetry/api";'],
    ["src/pipeline.ts", 'import { runAgent } from "./agent.ts";'],
    ["src/backoff.ts", 'import { toKills } from "./correlate/from-report.ts";'],
    ["src/agent.ts", 'import { chunk } from "lodash";'],
    ["src/agent.ts", 'import { makeKill } from "../test/kills.ts";'],
    ["src/utils/x.ts", 'import { toKills } from "../correlate/from-report.ts";'],
  ])("in %s: %s", (file, source) => {
    expect(findForbiddenImports(file, `/** A file. */\n${source}\n`)).toHaveLength(1);
  });
});

describe("allowed", () => {
  test.each([
    ["parsers/oom/x.ts", 'import { decodeBytes } from "../bytes.ts";'],
    ["src/sources/x.ts", 'import { parseKmsgRecord } from "../../parsers/kmsg.ts";'],
    ["src/ship/x.ts", 'import type { Kill } from "../correlate/kill.ts";'],
    ["src/identify/x.ts", 'import { createBackoff } from "../backoff.ts";'],
    ["src/ship/x.ts", 'import { HrTime } from "@opentelemetry/api";'],
    ["src/pipeline.ts", 'import { toKills } from "./correlate/from-report.ts";'],
    ["src/agent.ts", 'import { createPipeline } from "./pipeline.ts";'],
    ["src/cli.ts", 'import { runAgent } from "./agent.ts";'],
  ])("in %s: %s", (file, source) => {
    expect(findForbiddenImports(file, source)).toEqual([]);
  });
});
