/** The chart as helm would install it, without a cluster. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Manifest, readManifests } from "./manifests.ts";
import { runProgram } from "./programs.ts";

export const CHART = fileURLToPath(new URL("../../daemonset/chart/", import.meta.url));
export const RELEASE = "oomscribe";
export const NAMESPACE = "monitoring";

/**
 * @param values as a user's file of values has them
 * @throws with helm's words where the values are not those of values.schema.json
 */
export async function renderChart(values: object = {}): Promise<Manifest[]> {
  return readManifests(await withValues(values, (file) => ["template", RELEASE, CHART, "-f", file]));
}

/** What helm says after an installation. */
export async function renderNotes(values: object = {}): Promise<string> {
  const options = ["--dry-run=client", "--output", "json"];
  const printed = await withValues(values, (file) => ["install", RELEASE, CHART, "-f", file, ...options]);
  return (JSON.parse(printed) as { info: { notes: string } }).info.notes;
}

/** helm's own opinion of the chart; @throws where it is not to be installed */
export async function lintChart(values: object = {}): Promise<void> {
  await withValues(values, (file) => ["lint", "--strict", CHART, "-f", file]);
}

/** By a file: what `--set` makes of a text is another matter. */
async function withValues(values: object, argsOf: (file: string) => string[]): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "oomscribe-values-"));
  try {
    const file = join(directory, "values.json");
    // JSON is YAML too, and the same to YAML 1.1, which helm reads and where `no` is false.
    await writeFile(file, JSON.stringify(values));
    return await runProgram("helm", [...argsOf(file), "--namespace", NAMESPACE]);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
