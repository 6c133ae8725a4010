/** Kills as the page works with them: what is shown, sorted and searched, worked out once. */
import type { LogRecord } from "../../../ship/log-record.ts";
import { fullestCounter, heldBytes } from "../../table/memory.ts";
import { placeOf, scopeOf } from "../../table/place.ts";
import { plainCell } from "../../table/text.ts";

export interface Kill {
  record: LogRecord;
  uid: string;
  comm: string;
  pid: string;
  /** container, pod, unit or path; undefined: not known */
  place: string | undefined;
  isInferred: boolean;
  /** no counter of the kernel confirms it */
  isUnverified: boolean;
  scope: string;
  /** seconds, of the day or since boot: comparable only where `isWall` is the same */
  seconds: number | undefined;
  isWall: boolean;
  time: string;
  used: string | undefined;
  heldBytes: number;
  /** lower case */
  searched: string;
}

export function toKill(record: LogRecord): Kill {
  const { attributes, resource, timestampUs, body } = record;
  const comm = plainCell(String(attributes["process.executable.name"] ?? "")) || '""';
  const pid = String(attributes["process.pid"] ?? "?");
  const { place } = placeOf(resource, attributes);
  const scope = scopeOf(attributes);
  const monotonic = attributes["oom.kernel.monotonic"];
  const isWall = timestampUs !== undefined;
  const seconds = isWall ? timestampUs / 1e6 : typeof monotonic === "number" ? monotonic : undefined;
  const names = [...Object.values(resource), attributes["oom.victim.cgroup"], attributes["oom.limit.cgroup"]];
  return {
    record,
    uid: String(attributes["log.record.uid"]),
    comm,
    pid,
    place,
    isInferred: attributes["oom.attribution"] === "inferred",
    isUnverified: attributes["oom.attribution"] === "unverified",
    scope,
    seconds,
    isWall,
    time: timeText(seconds, isWall),
    used: fullestCounter(attributes),
    heldBytes: heldBytes(attributes),
    searched: [comm, pid, scope, body, ...names].join("\n").toLowerCase(),
  };
}

/** @param seconds since the epoch, or since boot */
export function timeText(seconds: number | undefined, isWall: boolean): string {
  if (seconds === undefined) return "unknown";
  if (!isWall) return `[${seconds.toFixed(6)}]`;
  if (Math.abs(seconds) >= 8.64e12) return "unknown";
  return new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ");
}

/** Without a colour too: a node that ran out is another matter than a limit. */
export function scopeWord(scope: string): string {
  return scope === "?" ? "unknown" : scope;
}
