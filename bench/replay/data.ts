/** The captures that the bench reads: written once, kept in bench/.data. */
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { open } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type CaptureOptions, generateCapture } from "./capture.ts";

const FOLDER = new URL("../.data/", import.meta.url);
const MB = 1e6;

export const CAPTURES: Readonly<Record<"noise" | "reports" | "large", CaptureOptions>> = {
  noise: { bytes: 500 * MB, noiseLines: 2000 },
  reports: { bytes: 200 * MB, noiseLines: 0 },
  large: { bytes: 1000 * MB, noiseLines: 2000 },
};

/** @returns the path of the file, which is there */
export async function provideCapture(name: keyof typeof CAPTURES): Promise<string> {
  const path = fileURLToPath(new URL(`replay-${name}.log`, FOLDER));
  if (existsSync(path)) return path;
  mkdirSync(FOLDER, { recursive: true });
  // A bench that is interrupted leaves no half of a file under the name.
  const part = `${path}.part`;
  const file = await open(part, "w");
  for (const block of generateCapture(CAPTURES[name])) await file.write(block);
  await file.close();
  renameSync(part, path);
  return path;
}
