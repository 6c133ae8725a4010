/** What esbuild, by its own account, makes the program of. */
import { fileURLToPath } from "node:url";
import { build, type Metafile } from "esbuild";

export async function bundleMetafile(): Promise<Metafile> {
  const { metafile } = await build({
    entryPoints: ["src/cli/main.ts", "src/identify/kubernetes/client-node.ts"],
    absWorkingDir: fileURLToPath(new URL("../", import.meta.url)),
    bundle: true,
    platform: "node",
    format: "esm",
    mainFields: ["module", "main"],
    // The program has what it made.
    external: ["esbuild"],
    outdir: "nowhere",
    write: false,
    metafile: true,
  });
  return metafile;
}
