/**
 * Builds dist/oomscribe.mjs, the whole program in one file that needs nothing but Node, its manual page, and the licences
 * of the packages that it holds.
 */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync } from "node:zlib";
import { type BuildOptions, type BuildResult, build, type Plugin } from "esbuild";
import manifest from "../package.json" with { type: "json" };
import { COMMANDS } from "../src/commands/all.ts";
import { toRoff } from "../src/commands/man.ts";
import { readPageAssets } from "../src/replay/html/assets.ts";
import { VERSION } from "../src/version.ts";
import { findBundledPackages, formatLicences } from "./licences.ts";

const ROOT = new URL("../", import.meta.url);
const OUTPUT = new URL("dist/oomscribe.mjs", ROOT);

const OUTPUT_OPTIONS = {
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node22.19",
  // Packages that have both kinds of modules: what is not used of an ES module is left out.
  mainFields: ["module", "main"],
  logLevel: "warning",
  // In the file of licences, below.
  legalComments: "external",
  absWorkingDir: fileURLToPath(ROOT),
  metafile: true,
  write: false,
} satisfies BuildOptions;

/** Packages in CommonJS load Node's own modules by require(), which a module does not have by itself. */
const REQUIRE = `import { createRequire } from "node:module"; const require = createRequire(import.meta.url);`;

const LICENCES = `// The licences of the packages in this file: oomscribe.mjs.LICENSES.txt\n`;

/** The lowest version that package.json allows, major and minor. */
const [MIN_MAJOR = 0, MIN_MINOR = 0] = manifest.engines.node.replace(/^>=/, "").split(".").map(Number);

/** Stands before the program, which an older Node can parse but not run: one sentence instead of a stack trace. */
const REFUSE_OLD_NODE = `{
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < ${MIN_MAJOR} || (major === ${MIN_MAJOR} && minor < ${MIN_MINOR})) {
    process.stderr.write(\`oomscribe: Node \${process.versions.node} is too old; install Node ${MIN_MAJOR}.${MIN_MINOR} or newer\\n\`);
    process.exit(1);
  }
}`;

/**
 * In one file every static import of Node's own modules would stand at its top: each command would load the HTTP and
 * TLS of the others, 12 MB. Here they are loaded where the module that needs them is.
 */
const lazyBuiltins: Plugin = {
  name: "lazy-builtins",
  setup(builder) {
    builder.onResolve({ filter: /^[a-z]/ }, ({ path, kind }) =>
      kind === "import-statement" && isBuiltin(path) ? { path, namespace: "builtin" } : undefined,
    );
    builder.onLoad({ filter: /./, namespace: "builtin" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
    }));
  },
};

/** What src/replay/html/assets.ts makes with esbuild from the sources is text in the program. */
const pageAssets: Plugin = {
  name: "page-assets",
  setup(builder) {
    builder.onLoad({ filter: /\/src\/replay\/html\/assets\.ts$/ }, async () => ({
      contents: `export const readPageAssets = async () => (${JSON.stringify(await readPageAssets())});`,
    }));
  },
};

/**
 * What reads kubeconfigs stands packed in the program: few need it, and every agent would hold its code in memory. Of a
 * `data:` address Node's own modules can be had, but no place to require() from.
 */
const packedClient = (parts: BundlePart[]): Plugin => ({
  name: "packed-client",
  setup(builder) {
    builder.onLoad({ filter: /\/src\/identify\/api\/client-node\.ts$/ }, async ({ path }) => {
      const part = toPart(
        await build({
          entryPoints: [path],
          outfile: "client-node.js",
          ...OUTPUT_OPTIONS,
          banner: { js: REQUIRE.replace("import.meta.url", '"file:///"') },
          minify: true,
          plugins: [lazyBuiltins],
        }),
      );
      parts.push(part);
      const packed = brotliCompressSync(part.code).toString("base64");
      const code = `process.getBuiltinModule("zlib").brotliDecompressSync(Buffer.from(${JSON.stringify(packed)}, "base64"))`;
      return {
        contents: `export async function loadKubeConfigClass() {
          const client = await import("data:text/javascript;base64," + ${code}.toString("base64"));
          return client.loadKubeConfigClass();
        }`,
      };
    });
  },
});

/** What esbuild has made of one entry. */
interface BundlePart {
  code: Uint8Array;
  /** comments with a licence, of single files of a package */
  comments: string;
  /** folders of the packages in it */
  packages: readonly string[];
}

function toPart({ outputFiles, metafile }: BuildResult<typeof OUTPUT_OPTIONS>): BundlePart {
  const comments = outputFiles.find(({ path }) => path.endsWith(".LEGAL.txt"))?.text ?? "";
  const code = outputFiles.find(({ path }) => !path.endsWith(".LEGAL.txt"))?.contents ?? new Uint8Array();
  return { code, comments, packages: findBundledPackages(metafile) };
}

/**
 * @param path of the file to write; beside it one with the licences of the packages, PATH.LICENSES.txt
 * @param entry for tests: a part of it
 * @throws BuildFailure after esbuild has printed why; Error where a package may not be bundled
 */
export async function buildProgram(path: string, entry = "src/cli.ts"): Promise<void> {
  const parts: BundlePart[] = [];
  const result = await build({
    entryPoints: [fileURLToPath(new URL(entry, ROOT))],
    outfile: path,
    ...OUTPUT_OPTIONS,
    banner: { js: LICENCES + REQUIRE + REFUSE_OLD_NODE },
    // Names stay in stack traces, which are all that a user's report has.
    minifySyntax: true,
    minifyWhitespace: true,
    plugins: [lazyBuiltins, pageAssets, packedClient(parts)],
  });
  const program = toPart(result);
  parts.push(program);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, program.code);
  const licences = formatLicences(
    fileURLToPath(ROOT),
    parts.flatMap(({ packages }) => packages),
  );
  writeFileSync(
    `${path}.LICENSES.txt`,
    `${[licences, ...parts.map(({ comments }) => comments)].join("\n").trimEnd()}\n`,
  );
  chmodSync(path, 0o755);
}

if (import.meta.main) {
  await buildProgram(fileURLToPath(OUTPUT));
  writeFileSync(new URL("dist/oomscribe.1", ROOT), toRoff(COMMANDS, VERSION));
}
