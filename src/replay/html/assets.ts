/** The script and the style of a report's page; in the program that is shipped the build puts them here as text. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

export interface PageAssets {
  script: string;
  style: string;
}

/** From the sources, by esbuild. scripts/build.ts puts what this returns in the place of this file. */
export async function readPageAssets(): Promise<PageAssets> {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("page/main.ts", import.meta.url))],
    bundle: true,
    write: false,
    format: "iife",
    target: "es2023",
    minify: true,
    // Written by us alone; an end tag in it would end it in the page.
    charset: "ascii",
    legalComments: "none",
    logLevel: "warning",
  });
  const style = await readFile(new URL("page/style.css", import.meta.url), "utf8");
  return { script: outputFiles[0]?.text ?? "", style };
}
