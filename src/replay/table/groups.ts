/** `--group-by`: the kills by container, pod, scope, victim, node or time, a row a group, those with most kills first. */

import { readableSize } from "../../record/format.ts";
import type { LogRecord } from "../../record/log-record.ts";
import { type Column, orDash, type Paint, plain, renderColumns } from "./columns.ts";
import type { GroupKey } from "./group-keys.ts";
import { hasRoomForYear, timeCell } from "./layout.ts";
import type { Row } from "./row.ts";
import { plainCell } from "./text.ts";

export interface Groups {
  add(record: LogRecord, row: Row): void;
  readonly size: number;
  /** @param top how many; default all. @param width columns of the terminal */
  lines(top: number | undefined, width: number, paint: Paint): string[];
}

interface Group {
  name: string;
  kills: number;
  first: Row;
  last: Row;
  /** by name */
  victims: Map<string, number>;
  mostHeldBytes: number;
}

/** What the input can make up must not fill the memory: more go to one group for the rest. */
const MAX_GROUPS = 10_000;
const MAX_VICTIMS = 20;
const REST = "(others)";
const UNKNOWN = "?";
const HOUR_US = 3_600_000_000;

export function createGroups(by: GroupKey): Groups {
  const groups = new Map<string, Group>();

  return {
    add(record, row) {
      const wanted = nameOf(by, record, row) ?? UNKNOWN;
      const name = groups.has(wanted) || groups.size < MAX_GROUPS ? wanted : REST;
      const group = groups.get(name);
      if (group === undefined) {
        const victims = new Map([[row.comm, 1]]);
        groups.set(name, { name, kills: 1, first: row, last: row, victims, mostHeldBytes: row.heldBytes });
        return;
      }
      group.kills++;
      if (isBefore(row, group.first)) group.first = row;
      if (!isBefore(row, group.last)) group.last = row;
      if (group.victims.has(row.comm) || group.victims.size < MAX_VICTIMS) {
        group.victims.set(row.comm, (group.victims.get(row.comm) ?? 0) + 1);
      }
      group.mostHeldBytes = Math.max(group.mostHeldBytes, row.heldBytes);
    },
    get size() {
      return groups.size;
    },
    lines(top, width, paint) {
      const isTime = by === "hour" || by === "day";
      const all = [...groups.values()].sort((a, b) => b.kills - a.kills);
      const shown = all.slice(0, top);
      // Which hours are the worst is a question for --top; without it time goes on as it went.
      if (isTime) shown.sort((a, b) => (a.name < b.name ? -1 : 1));
      const lines = renderColumns(toColumns(by, shown, width), width, paint);
      if (shown.length < all.length) {
        const kills = all.slice(shown.length).reduce((sum, group) => sum + group.kills, 0);
        lines.push(`… ${all.length - shown.length} more with ${kills} kills`);
      }
      return lines;
    },
  };
}

/** Which group a kill is in; undefined: the log does not tell. */
export function nameOf(by: GroupKey, { resource, timestampUs }: LogRecord, row: Row): string | undefined {
  switch (by) {
    case "container":
      return row.place;
    case "pod": {
      const names = [resource["k8s.namespace.name"], resource["k8s.pod.name"] ?? resource["k8s.pod.uid"]];
      return names[1] === undefined
        ? undefined
        : names
            .filter((one) => one !== undefined)
            .map((one) => plainCell(String(one)))
            .join("/");
    }
    case "scope":
      return row.scope;
    case "victim":
      return row.comm;
    case "node":
      return row.host;
    case "hour":
    case "day":
      return timestampUs === undefined ? sinceBoot(by, row.monotonic) : dayOrHour(by, timestampUs);
  }
}

function dayOrHour(by: "hour" | "day", us: number): string | undefined {
  if (Math.abs(us) >= 8.64e18) return undefined;
  const iso = new Date(us / 1000).toISOString();
  return by === "day" ? iso.slice(0, 10) : `${iso.slice(0, 10)} ${iso.slice(11, 13)}:00`;
}

function sinceBoot(by: "hour" | "day", seconds: number | undefined): string | undefined {
  if (seconds === undefined) return undefined;
  const length = by === "day" ? 24 * HOUR_US : HOUR_US;
  return `${by} ${String(Math.floor((seconds * 1e6) / length) + 1).padStart(by === "day" ? 3 : 4)} of a boot`;
}

function toColumns(by: GroupKey, groups: readonly Group[], width: number): Column[] {
  const hasYear = hasRoomForYear(width);
  return [
    { title: by.toUpperCase(), cells: groups.map(({ name }) => plain(name)), comfortable: 30, least: 12 },
    { title: "KILLS", cells: groups.map(({ kills }) => plain(String(kills))) },
    { title: "VICTIMS", cells: groups.map(({ victims }) => plain(victimsOf(victims))), comfortable: 24, least: 12 },
    { title: "USED/LIMIT", cells: groups.map(({ last }) => orDash(last.used)), dispensable: 1 },
    { title: "FILLED BY", cells: groups.map(({ last }) => plain(last.bar)), dispensable: 3 },
    {
      title: "MOST HELD",
      cells: groups.map(({ mostHeldBytes }) => orDash(mostHeldBytes > 0 ? readableSize(mostHeldBytes) : undefined)),
      dispensable: 4,
    },
    { title: "FIRST", cells: groups.map(({ first }) => timeCell(first, hasYear)), dispensable: 2 },
    { title: "LAST", cells: groups.map(({ last }) => timeCell(last, hasYear)) },
  ];
}

/** `java ×3, python`: most killed first. */
function victimsOf(victims: ReadonlyMap<string, number>): string {
  const sorted = [...victims].sort(([, a], [, b]) => b - a);
  return sorted.map(([name, count]) => (count === 1 ? name : `${name} ×${count}`)).join(", ");
}

/** Of two times since boot, or two of the day; where they cannot be compared the one that was read first is before. */
function isBefore(a: Row, b: Row): boolean {
  if (a.wallUs !== undefined && b.wallUs !== undefined) return a.wallUs < b.wallUs;
  if (a.wallUs !== undefined || b.wallUs !== undefined) return false;
  return (a.monotonic ?? 0) < (b.monotonic ?? 0);
}
