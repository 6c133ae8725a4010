/** Kills of two captures, counted side by side: what is gone, what is new, what has become more or less. */
import type { LogRecord } from "../../record/log-record.ts";
import { OWNER_ATTRIBUTES } from "../../record/resource.ts";
import type { GroupKey } from "../table/group-keys.ts";
import { nameOf } from "../table/groups.ts";
import { heldBytes } from "../table/memory.ts";
import { toRow } from "../table/row.ts";
import { plainCell } from "../table/text.ts";

export interface Side {
  kills: number;
  /** bytes of the limit at the last kill; undefined: not known, or none */
  limit: number | undefined;
  /** bytes that a victim of the group held at most */
  held: number;
}

export interface Difference {
  name: string;
  a: Side;
  b: Side;
}

export interface Comparison {
  add(side: "a" | "b", record: LogRecord): void;
  readonly kills: { a: number; b: number };
  /** reports that the kernel dropped: so many kills are without their container, or not in the log at all */
  readonly suppressed: { a: number; b: number };
  /** kills that stand in both, by log.record.uid */
  readonly same: number;
  /** the largest change first */
  differences(): Difference[];
}

/** What the input can make up must not fill the memory: more are counted, but not named. */
const MAX_GROUPS = 10_000;
const MAX_UIDS = 200_000;
const REST = "(others)";

/** @param by undefined: the workload with its container where pods are named, else the victim's name */
export function createComparison(by: GroupKey | undefined): Comparison {
  const groups = new Map<string, Difference>();
  const uids = { a: new Set<string>(), b: new Set<string>() };
  const kills = { a: 0, b: 0 };
  const suppressed = { a: 0, b: 0 };
  let same = 0;

  return {
    add(side, record) {
      if (record.eventName !== "oom.report.suppressed" && record.eventName !== "oom.kill") return;
      const uid = String(record.attributes["log.record.uid"]);
      // Once in each, however often it stands there.
      if (uids[side].has(uid)) return;
      if (uids[side].size < MAX_UIDS) uids[side].add(uid);
      if (record.eventName === "oom.report.suppressed") {
        suppressed[side] += Number(record.attributes["oom.report.suppressed.count"]);
        return;
      }
      if (uids[side === "a" ? "b" : "a"].has(uid)) same++;
      kills[side]++;
      count(groupOf(by, record), side, record);
    },
    kills,
    suppressed,
    get same() {
      return same;
    },
    differences() {
      const change = ({ a, b }: Difference): number => Math.abs(b.kills - a.kills);
      return [...groups.values()].sort((one, other) => change(other) - change(one) || other.b.kills - one.b.kills);
    },
  };

  function count(wanted: string, side: "a" | "b", { attributes }: LogRecord): void {
    const name = groups.has(wanted) || groups.size < MAX_GROUPS ? wanted : REST;
    const group = groups.get(name) ?? { name, a: nobody(), b: nobody() };
    groups.set(name, group);
    const own = group[side];
    own.kills++;
    own.held = Math.max(own.held, heldBytes(attributes));
    const limit = attributes["oom.memory.limit"];
    if (typeof limit === "number") own.limit = limit;
  }
}

function nobody(): Side {
  return { kills: 0, limit: undefined, held: 0 };
}

/** Pods and containers have other names and IDs after each roll-out: what stays is whose they are. */
function groupOf(by: GroupKey | undefined, record: LogRecord): string {
  const row = toRow(record);
  if (by !== undefined) return nameOf(by, record, row) ?? "?";
  const { resource } = record;
  const owner =
    OWNER_ATTRIBUTES.map((key) => resource[key]).find((name) => name !== undefined) ?? resource["k8s.pod.name"];
  if (owner === undefined) return row.comm;
  const names = [resource["k8s.namespace.name"], owner, resource["k8s.container.name"]];
  return names.flatMap((name) => (name === undefined ? [] : [plainCell(String(name))])).join("/");
}
