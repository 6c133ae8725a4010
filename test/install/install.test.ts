/**
 * README's two commands, to the letter, on a fresh Debian 12: each npm that people have, no rights, blanks in the path.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildProgram } from "../../scripts/build.ts";
import { type BareMachine, makeBareMachine, type Toolchain, whyNoBareMachine } from "./bare-machine.ts";

const README = readFileSync(fileURLToPath(new URL("../../README.md", import.meta.url)), "utf8");
/** The first two shell blocks: the main job, and the tests. */
const [DEMO = "", TESTS = ""] = [...README.matchAll(/^```sh\n([^`]+?)\n```$/gm)].map(([, command]) => command);
/** What the first block prints, as README quotes it. */
const TABLE = /<!-- printed by: npm run demo -->\n```text\n([^`]+?)```/.exec(README)?.[1] ?? "README has no table";

const NODE_20 = "20.20.2";
const TOOLCHAINS: readonly Toolchain[] = [
  // The npm that comes with Node 20 is first: the tests run on it.
  { node: NODE_20, npm: "10.8.2" },
  { node: NODE_20, npm: "9.9.4" },
  { node: NODE_20, npm: "11.19.1" },
  // Debian 12's nodejs 18 with the version of its npm.
  { node: "debian", npm: "9.2.0" },
];
const FOLDER = "a clone (of mine)";

const reason = whyNoBareMachine();
if (reason !== undefined) process.stderr.write(`test/install is skipped: ${reason}\n`);

describe.skipIf(reason !== undefined)("README's commands on a fresh Debian 12", () => {
  let machine: BareMachine;

  beforeAll(async () => {
    machine = await makeBareMachine(TOOLCHAINS);
    machine.copyProject(FOLDER);
  }, 600_000);
  afterAll(() => machine?.remove());

  test.each(TOOLCHAINS)(
    "the first prints README's table, on the pinned Node and without warnings: Node $node, npm $npm",
    async (toolchain) => {
      const result = await machine.run(toolchain, FOLDER, DEMO);
      expect(result).toMatchObject({ status: 0, stderr: "" });
      expect(result.stdout).toContain(TABLE);
      // What `npm ci` says stands before it.
      expect(result.stdout.split("\n").length).toBeLessThan(TABLE.split("\n").length + 10);
      const node = await machine.run(toolchain, FOLDER, "npm exec -c 'node --version'");
      expect(node.stdout.trim()).toBe(`v${pinnedVersion()}`);
    },
    600_000,
  );

  test("the first works where npm runs no install scripts", async () => {
    const [toolchain] = TOOLCHAINS as [Toolchain];
    const result = await machine.run(toolchain, FOLDER, DEMO, { env: { npm_config_ignore_scripts: "true" } });
    expect(result).toMatchObject({ status: 0, stderr: "" });
    expect(result.stdout).toContain(TABLE);
  }, 600_000);

  test("the first works as root, in a clone of root's", async () => {
    const [toolchain] = TOOLCHAINS as [Toolchain];
    machine.copyProject("root's", 0);
    const result = await machine.run(toolchain, "root's", DEMO, { uid: 0 });
    expect(result).toMatchObject({ status: 0, stderr: "" });
    expect(result.stdout).toContain(TABLE);
  }, 600_000);

  test.each([TOOLCHAINS[0], TOOLCHAINS[3]] as Toolchain[])(
    "the built program says in one sentence that Node is too old: Node $node",
    async (toolchain) => {
      await buildProgram(join(machine.home, "oomscribe.mjs"));
      writeFileSync(join(machine.home, "empty.log"), "");
      const result = await machine.run(toolchain, ".", "node oomscribe.mjs replay empty.log");
      expect(result.stdout).toBe("");
      expect(result.stderr).toMatch(/^oomscribe: Node \d+\.\d+\.\d+ is too old; install Node 22\.19 or newer\n$/);
      expect(result.status).toBe(1);
    },
    120_000,
  );

  test("the second passes", async () => {
    const [toolchain] = TOOLCHAINS as [Toolchain];
    const result = await machine.run(toolchain, FOLDER, TESTS);
    if (result.status !== 0) process.stdout.write(`${result.stdout.slice(-20_000)}\n${result.stderr.slice(-5_000)}\n`);
    expect(result.status).toBe(0);
    expect(result.stdout).toMatch(/Tests .*\d+ passed/);
  }, 2_400_000);
});

function pinnedVersion(): string {
  const { optionalDependencies } = JSON.parse(
    readFileSync(fileURLToPath(new URL("../../package.json", import.meta.url)), "utf8"),
  );
  return optionalDependencies[`node-linux-${process.arch}`];
}
