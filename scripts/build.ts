/** Builds dist/oomscribe.mjs, the whole program in one file that needs nothing but Node, and its manual page. */
import { chmodSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { fileURLToPath } from "node:url";
import { brotliCompressSync } from "node:zlib";
import { type BuildOptions, build, type Plugin } from "esbuild";
import manifest from "../package.json" with { type: "json" };
import { COMMANDS } from "../src/commands/all.ts";
import { toRoff } from "../src/commands/man.ts";
import { readPageAssets } from "../src/replay/html/assets.ts";
import { VERSION } from "../src/version.ts";

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
} satisfies BuildOptions;

/** Packages in CommonJS load Node's own modules by require(), which a module does not have by itself. */
const REQUIRE = `import { createRequire } from "node:module"; const require = createRequire(import.meta.url);`;

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
const packedClient: Plugin = {
  name: "packed-client",
  setup(builder) {
    builder.onLoad({ filter: /\/src\/identify\/api\/client-node\.ts$/ }, async ({ path }) => {
      const { outputFiles } = await build({
        entryPoints: [path],
        ...OUTPUT_OPTIONS,
        banner: { js: REQUIRE.replace("import.meta.url", '"file:///"') },
        minify: true,
        plugins: [lazyBuiltins],
        write: false,
      });
      const packed = brotliCompressSync(outputFiles[0]?.contents ?? "").toString("base64");
      const code = `process.getBuiltinModule("zlib").brotliDecompressSync(Buffer.from(${JSON.stringify(packed)}, "base64"))`;
      return {
        contents: `export async function loadKubeConfigClass() {
          const client = await import("data:text/javascript;base64," + ${code}.toString("base64"));
          return client.loadKubeConfigClass();
        }`,
      };
    });
  },
};

/**
 * @param path of the file to write
 * @param entry for tests: a part of it
 * @throws BuildFailure after esbuild has printed why
 */
export async function buildProgram(path: string, entry = "src/cli.ts"): Promise<void> {
  await build({
    entryPoints: [fileURLToPath(new URL(entry, ROOT))],
    outfile: path,
    ...OUTPUT_OPTIONS,
    banner: { js: REQUIRE + REFUSE_OLD_NODE },
    // Names stay in stack traces, which are all that a user's report has.
    minifySyntax: true,
    minifyWhitespace: true,
    plugins: [lazyBuiltins, pageAssets, packedClient],
    legalComments: "linked",
  });
  chmodSync(path, 0o755);
}

if (import.meta.main) {
  await buildProgram(fileURLToPath(OUTPUT));
  writeFileSync(new URL("dist/oomscribe.1", ROOT), toRoff(COMMANDS, VERSION));
}
