/** A kill's record → the cells of its row: as small as they are shown, since rows wait until all is read. */
import type { LogRecord } from "../../ship/log-record.ts";
import { fillBar } from "./bar.ts";
import { biggestUse, fullestCounter, heldBytes, victimHolds } from "./memory.ts";
import { placeOf, scopeOf } from "./place.ts";
import { plainCell } from "./text.ts";

export interface Row {
  /** microseconds since the epoch */
  wallUs: number | undefined;
  /** seconds of the kernel log's clock */
  monotonic: number | undefined;
  comm: string;
  pid: string;
  /** container, pod, unit or path; undefined: not known */
  place: string | undefined;
  /** a path is known by its end */
  isPath: boolean;
  /** the place is a good guess */
  isInferred: boolean;
  scope: string;
  used: string | undefined;
  held: string | undefined;
  mostly: string | undefined;
  /** what filled the memory, drawn */
  bar: string;
  /** bytes of the victim's resident memory, 0 where they are not known */
  heldBytes: number;
  /** undefined: not known */
  cause: string | undefined;
  note: string;
  host: string | undefined;
}

/** Every string of a row is its own: a piece of a string of the input would keep all of that in memory. */
export function toRow({ timestampUs, resource, attributes }: LogRecord): Row {
  const comm = String(attributes["process.executable.name"] ?? "");
  const named = comm === "" ? '""' : plainCell(comm);
  const { place, isPath } = placeOf(resource, attributes);
  return {
    wallUs: timestampUs,
    monotonic: numberOf(attributes["oom.kernel.monotonic"]),
    comm: own(named),
    pid: String(attributes["process.pid"]),
    place: place === undefined ? undefined : own(place),
    isPath,
    isInferred: attributes["oom.attribution"] === "inferred",
    scope: own(scopeOf(attributes)),
    used: fullestCounter(attributes),
    held: victimHolds(attributes),
    mostly: biggestUse(attributes),
    bar: fillBar(attributes),
    heldBytes: heldBytes(attributes),
    cause: causeOf(attributes),
    note: noteOf(attributes),
    host: hostOf(resource),
  };
}

type Attributes = LogRecord["attributes"];

function causeOf({ "oom.cause": cause }: Attributes): string | undefined {
  return cause === undefined || cause === "unknown" ? undefined : String(cause).replaceAll("_", " ");
}

function noteOf(attributes: Attributes): string {
  const notes: string[] = [];
  if (attributes["oom.attribution"] === "unverified") notes.push("unverified");
  if (attributes["oom.group_kill"] === true) notes.push("group");
  if (attributes["oom.trigger.order"] === -1) notes.push("SysRq-f");
  if (attributes["oom.constraint"] === "cpuset") notes.push("cpuset");
  if (attributes["oom.constraint"] === "memory_policy") notes.push("mempolicy");
  if (attributes["oom.report.truncated"] === true) notes.push("line cut");
  return notes.join(", ");
}

function hostOf(resource: Attributes): string | undefined {
  const host = resource["k8s.node.name"] ?? resource["host.name"];
  return host === undefined ? undefined : own(plainCell(String(host)));
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

/** A copy that shares no memory with what it was cut from. */
function own(text: string): string {
  return Buffer.from(text, "utf8").toString("utf8");
}
