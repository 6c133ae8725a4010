/** Small files of the kernel, and what is mounted on the node. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Mount, parseMountinfo } from "../../parsers/mountinfo.ts";

/** @returns undefined where it cannot be read */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** @param hostRoot where the node's own file system is mounted: `/host` */
export function readMounts(hostRoot: string): Mount[] {
  const path = hostRoot === "/" ? "/proc/self/mountinfo" : join(hostRoot, "proc/1/mountinfo");
  return parseMountinfo(readText(path) ?? "");
}
