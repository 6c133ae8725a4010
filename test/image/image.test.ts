/** The container image: what is in it, what it says of itself, and that it does what the sources do. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { bundleMetafile } from "../bundle-metafile.ts";
import { capture, runCli, runProgram } from "../cli-process.ts";
import { type BuiltImage, type BuiltImages, buildImages, OTHER, OWN, REVISION, whyNoImage } from "./image.ts";
import { commandOf, emulatedCommandOf, runIn } from "./run.ts";

const SOURCE = fileURLToPath(new URL("../../", import.meta.url));
const MIB = 1024 * 1024;
const PROGRAM = "/usr/lib/oomscribe/oomscribe.mjs";
const COMPONENTS = "/usr/lib/oomscribe/sbom.cdx.json";
const LICENCES = `${PROGRAM}.LICENSES.txt`;
const NODE_LICENCE = "/usr/lib/oomscribe/node.LICENSE.txt";
const reason = whyNoImage();
if (reason !== undefined) process.stderr.write(`test/image is skipped: ${reason}\n`);

describe.skipIf(reason !== undefined)("the image", () => {
  let images: BuiltImages | undefined;
  let image: BuiltImage;

  beforeAll(async () => {
    images = await buildImages();
    image = images.of(OWN);
  }, 600_000);
  afterAll(() => images?.remove(), 120_000);

  test("adds the program, its components and licences to the base, and nothing else", () => {
    const [base, all] = [listFiles(image.baseRoot), listFiles(image.root)];
    const added = [...all.keys()].filter((path) => base.get(path) !== all.get(path));
    expect(added.toSorted()).toEqual(
      ["/usr/lib/oomscribe/LICENSE", NODE_LICENCE, PROGRAM, LICENCES, COMPONENTS].toSorted(),
    );
    expect([...base.keys()].filter((path) => !all.has(path))).toEqual([]);
    const sizes = added.map((path) => lstatSync(join(image.root, path)).size);
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(2 * MIB);
  });

  test("has the licences of the program's packages, of Node, and of the base's packages", () => {
    const read = (path: string): string => readFileSync(join(image.root, path), "utf8");
    const licences = read(LICENCES);
    // test/unit/repository/build.test.ts has each of them.
    const { pino, yaml, zod } = manifest.dependencies;
    for (const one of [`pino ${pino} (MIT)`, `yaml ${yaml} (ISC)`, `zod ${zod} (MIT)`]) {
      expect(licences).toContain(`\n${one}\n`);
    }
    expect(licences.match(/Copyright/g)?.length).toBeGreaterThan(20);
    expect(read(NODE_LICENCE)).toMatch(/^Node\.js is licensed for use as follows:[^]*- OpenSSL, located at/);
    for (const name of ["libc6", "libstdc++6"]) expect(read(`/usr/share/doc/${name}/copyright`)).toMatch(/licen[cs]e/i);
  });

  test("says what it is, in OCI's labels", () => {
    expect(image.config.Labels).toMatchObject({
      "org.opencontainers.image.title": manifest.name,
      "org.opencontainers.image.version": manifest.version,
      "org.opencontainers.image.licenses": manifest.license,
      "org.opencontainers.image.revision": REVISION,
    });
  });

  test("runs the agent as root unless told otherwise, with bounds on what its memory grows to", () => {
    expect(image.config.User).toBe("0");
    expect(image.config.Entrypoint).toEqual(["node", "--max-semi-space-size=2", PROGRAM]);
    expect(image.config.Env).toContain("MALLOC_ARENA_MAX=1");
    expect(image.config.Cmd).toEqual(["agent"]);
  });

  test("was run here without a shell, on a root that cannot be written to", async () => {
    const shell = await runProgram(runIn(image.root, image.config.Env, ["sh", "-c", "exit 0"]));
    expect(shell).toMatchObject({ status: 127, stderr: expect.stringContaining("No such file or directory") });
    const script = "try { fs.writeFileSync('/tmp/one', '') } catch (error) { console.log(error.code) }";
    const write = await runProgram(runIn(image.root, image.config.Env, ["node", "-e", script]));
    expect(write).toEqual({ status: 0, stdout: "EROFS\n", stderr: "" });
  });

  test("has every package in its list of components that the program was bundled from", async () => {
    const { components } = JSON.parse(readFileSync(join(image.root, COMPONENTS), "utf8"));
    const listed = components.map((one: { purl: string }) => decodeURIComponent(one.purl));
    const bundled = await bundledPackages();
    expect(bundled).toContain(`pkg:npm/yaml@${manifest.dependencies.yaml}`);
    expect(listed).toEqual(expect.arrayContaining(bundled));
    const { vitest, esbuild } = manifest.devDependencies;
    for (const one of [`vitest@${vitest}`, `esbuild@${esbuild}`]) expect(listed).not.toContain(`pkg:npm/${one}`);
  });

  test("--version", async () => {
    const result = await runProgram(commandOf(image, ["--version"]));
    expect(result).toEqual({ status: 0, stdout: `${manifest.version}\n`, stderr: "" });
  });

  test.each([
    ["a raw log", "v2-6.1/08-node-out-of-memory.kmsg", ["--output", "ndjson"]],
    ["a table", "v1-6.18/01-container-limit.kmsg", []],
  ])("replays as the sources do: %s", async (_, name, options) => {
    const input = [readFileSync(capture(name))];
    const args = ["replay", ...options, "-"];
    const [inImage, ofSources] = await Promise.all([
      runProgram(commandOf(image, args), { input }),
      runCli(args, { input }),
    ]);
    expect(inImage.stdout).not.toBe("");
    expect(inImage).toEqual(ofSources);
  });

  test("the agent starts, reads the kernel's log and stops when it is told to", async () => {
    const [program, ...args] = commandOf(image, [...image.config.Cmd, "--stdout", "--since", "now"]);
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
    const exit = once(child, "exit");
    const seen: string[] = [];
    let isTold = false;
    for await (const line of createInterface(child.stderr)) {
      seen.push(line.startsWith("{") ? JSON.parse(line).event : line);
      if (isTold || !seen.includes("agent_started") || !seen.includes("kmsg_opened")) continue;
      // Once: a second signal ends it at once.
      isTold = child.kill();
    }
    expect(seen).toContain("agent_stopped");
    expect(await exit).toEqual([0, null]);
  });

  describe("for the other architecture", () => {
    const other = (): BuiltImage => images?.of(OTHER) as BuiltImage;

    test("has the same program and the same settings, on a base of its own", () => {
      const digest = (root: string): Buffer => readFileSync(join(root, PROGRAM));
      expect(digest(other().root).equals(digest(image.root))).toBe(true);
      expect(other().config).toEqual(image.config);
      expect([other().architecture, image.architecture].toSorted()).toEqual(["amd64", "arm64"]);
      // e_machine of elf(5): x86-64 and AArch64
      const machines = [image, other()].map(({ root }) => readFileSync(join(root, "nodejs/bin/node")).readUInt16LE(18));
      expect(machines.toSorted((a, b) => a - b)).toEqual([62, 183]);
    });

    test("replays as the sources do, on its own Node in an emulator", async () => {
      const input = [readFileSync(capture("v2-6.1/08-node-out-of-memory.kmsg"))];
      const args = ["replay", "--output", "ndjson", "-"];
      const [emulated, ofSources] = await Promise.all([
        runProgram(emulatedCommandOf(other(), args), { input }),
        runCli(args, { input }),
      ]);
      expect(emulated.stdout).not.toBe("");
      expect(emulated).toEqual(ofSources);
    });
  });
});

/** Files and links by path, with what tells one from another at the same path; no link is followed. */
function listFiles(root: string, folder = "/"): Map<string, string> {
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  const pairs = entries.flatMap((entry): [string, string][] => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return [...listFiles(root, path)];
    const { size, mode, mtimeMs } = lstatSync(join(root, path));
    return [[path, `${size} ${mode} ${Math.floor(mtimeMs / 1000)}`]];
  });
  return new Map(pairs);
}

/** `pkg:npm/NAME@VERSION` of what esbuild, by its own account, makes the program of. */
async function bundledPackages(): Promise<string[]> {
  const metafile = await bundleMetafile();
  const folders = Object.keys(metafile.inputs).map((path) => /.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]);
  return [...new Set(folders)].flatMap((folder) => {
    if (folder === undefined) return [];
    const { name, version } = JSON.parse(readFileSync(join(SOURCE, folder, "package.json"), "utf8"));
    return [`pkg:npm/${name}@${version}`];
  });
}
