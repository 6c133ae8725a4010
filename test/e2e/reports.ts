/** Reports for the browser's tests, made by the program of real captures and of what a test changes in them. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { capture, runCli } from "../cli-process.ts";

/** The report of some captures. @param folder for the file. @returns its address */
export async function makeReport(folder: string, name: string, files: readonly string[]): Promise<string> {
  const path = join(folder, `${name}.html`);
  const { stderr, status } = await runCli(["replay", "--html", path, ...files]);
  if (status !== 0) throw new Error(stderr);
  return `file://${path}`;
}

const JAVA = capture("v1-6.18/01-container-limit.kmsg");
const RECORDS = 100;

/** A real report again and again, each with a name, a PID, sequence numbers and a second of its own. @returns the path */
export function repeatReport(folder: string, names: readonly string[]): string {
  const lines = readFileSync(JAVA, "latin1").split("\n");
  const path = join(folder, "repeated.kmsg");
  const text = names.flatMap((name, index) =>
    lines.map((line) =>
      line
        .replace(
          /^(\d),(\d+),(\d+),/,
          (_, level, seq, us) => `${level},${+seq + index * RECORDS},${+us + index * 1e6},`,
        )
        .replaceAll("13233", String(20_000 + index))
        // The kernel writes what is not printable as \xNN; a report's names are otherwise as the process chose them.
        .replaceAll("java", name.slice(0, 15)),
    ),
  );
  writeFileSync(path, text.join("\n"), "latin1");
  return path;
}
