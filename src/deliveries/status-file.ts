/**
 * `outbox-status.json` beside each outbox: how its endpoint fares, for `oomscribe outbox`. The outbox itself cannot be
 * looked into while the agent has it.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseObject } from "../../parsers/loose-json.ts";
import { fields, isCount, isMoment, isText, optional } from "../../parsers/shape.ts";
import type { LastError } from "../ship/outbox-sender.ts";

export const STATUS_FILE = "outbox-status.json";

export interface EndpointStatus {
  /** when it was written, milliseconds since the Unix epoch */
  atMs: number;
  /** without credentials */
  target: string;
  waiting: { records: number; bytes: number };
  /** when the oldest of them was added, milliseconds since the Unix epoch */
  oldestMs?: number;
  lastError?: LastError;
}

/** @throws Error of the file system */
export function writeStatusFile(directory: string, status: EndpointStatus): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, STATUS_FILE);
  // Whoever reads it meets the one or the other, and no half.
  writeFileSync(`${path}.new`, `${JSON.stringify(status)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

const isStatus = fields({
  atMs: isMoment,
  target: isText,
  waiting: fields({ records: isCount, bytes: isCount }),
  oldestMs: optional(isMoment),
  lastError: optional(fields({ atMs: isMoment, reason: isText })),
});

/** @returns undefined where there is none that can be read */
export function readStatusFile(directory: string): EndpointStatus | undefined {
  try {
    const value = parseObject(readFileSync(join(directory, STATUS_FILE), "utf8"));
    return isStatus(value) ? (value as unknown as EndpointStatus) : undefined;
  } catch {
    return undefined;
  }
}
