/** What the papers say is so: quoted output, commands, links, and the figures of the README's example. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { quotedCommands, renderReadme } from "../../../scripts/readme-docs.ts";
import { runCli } from "../../cli-process.ts";
import { FOLDERS } from "../../import-rules.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const README = readFileSync(join(ROOT, "README.md"), "utf8");
const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { scripts: Record<string, string> };
const PAPERS = globSync(["*.md", "docs/**/*.md", "bench/**/*.md", "test/**/*.md"], { cwd: ROOT })
  .filter((paper) => !paper.includes("node_modules"))
  .toSorted();

function read(paper: string): string {
  return readFileSync(join(ROOT, paper), "utf8");
}

/** Code, in blocks or within a line. */
function codeOf(text: string): string {
  return (text.match(/```[^]*?```|`[^`\n]+`/g) ?? []).join("\n");
}

describe("README", () => {
  test("what it quotes is what the program prints; if not: npm run docs", () => {
    expect(quotedCommands()).toEqual([
      "npm run demo",
      expect.stringMatching(/^oomscribe replay --explain 503 /),
      "oomscribe replay --help",
      "oomscribe agent --help",
    ]);
    expect(README).toBe(renderReadme());
  });

  test("its example is a part of the record that the capture gives", async () => {
    const [, command = "", json = ""] = /<!-- of: oomscribe (.+) -->\n```json\n([^]*?)```/.exec(README) ?? [];
    const { stdout } = await runCli(command.split(" "), { cwd: ROOT });
    const records = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const example = JSON.parse(json);
    expect(records.find(({ eventName }) => eventName === example.eventName)).toMatchObject(example);
  });

  test("its two commands come first, and CI runs the second", () => {
    const blocks = Array.from(README.matchAll(/```sh\n(.+)\n```/g), ([, command]) => command);
    expect(blocks.slice(0, 2)).toEqual(["npm ci && npm run -s demo", "npm ci && npm test"]);
    expect(read(".ci/run")).toContain(`'${blocks[1]}'`);
  });
});

describe("every paper", () => {
  test("there are some", () => {
    expect(PAPERS).toEqual(expect.arrayContaining(["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md"]));
  });

  test.each(PAPERS)("%s: what it links to is there", (paper) => {
    const links = Array.from(read(paper).matchAll(/\]\(([^)#]+)[^)]*\)/g), ([, link = ""]) => link);
    const local = links.filter((link) => !/^[a-z]+:/.test(link));
    expect(local.filter((link) => !existsSync(join(ROOT, dirname(paper), link)))).toEqual([]);
  });

  test.each(PAPERS)("%s: npm scripts that it names are there", (paper) => {
    const names = Array.from(codeOf(read(paper)).matchAll(/npm run (?:-s )?([a-z][a-z:]*)/g), ([, name = ""]) => name);
    expect(names.filter((name) => scripts[name] === undefined)).toEqual([]);
  });
});

test.each(["ARCHITECTURE.md", "CONTRIBUTING.md"])("%s: files that it names are there", (paper) => {
  const names = codeOf(read(paper)).match(/\b(?:parsers|src|test|scripts|bench|docs)\/[\w./-]*\w\/?/g) ?? [];
  expect(names.length).toBeGreaterThan(10);
  expect(names.filter((name) => !existsSync(join(ROOT, name)) && !name.startsWith("bench/.data"))).toEqual([]);
});

test("ARCHITECTURE.md names every folder of src, in the order in which they import each other", () => {
  const named = Array.from(read("ARCHITECTURE.md").matchAll(/^\| `src\/([a-z]+)\/` \|/gm), ([, name]) => name);
  expect(named).toEqual(FOLDERS);
});
