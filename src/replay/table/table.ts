/** `--output table`: the kills in the order of their time, as one table for people, and what they have in common. */
import { styleText } from "node:util";
import { countOf } from "../input/captures.ts";
import type { Output } from "../output/output.ts";
import type { ReplayFacts, Sink } from "../sink.ts";
import { BAR_LEGEND } from "./bar.ts";
import { type Look, terminalWidth } from "./columns.ts";
import type { GroupKey } from "./group-keys.ts";
import { createGroups } from "./groups.ts";
import { layOut } from "./layout.ts";
import { type Row, toRow } from "./row.ts";
import { createSummary } from "./summary.ts";

/** More rows nobody reads; about 10 MB of them. */
const MAX_ROWS = 10_000;

export interface TableOptions {
  groupBy: GroupKey | undefined;
  /** groups with most kills, or kills whose victims held most */
  top: number | undefined;
  /** a kill to tell of instead of the table */
  explain: string | undefined;
}

export function openTable(output: Output, { groupBy, top }: Omit<TableOptions, "explain">): Sink {
  const rows: Row[] = [];
  const groups = groupBy === undefined ? undefined : createGroups(groupBy);
  const summary = createSummary();

  return {
    write(record) {
      if (record.eventName === "oom.kill") {
        const row = toRow(record);
        summary.add(record, row);
        groups?.add(record, row);
        if (groups === undefined) keep(row);
      } else if (record.eventName === "oom.report.suppressed") {
        summary.addSuppressed(Number(record.attributes["oom.report.suppressed.count"]));
      }
      return undefined;
    },
    async end(facts) {
      for (const line of toLines(facts)) await output.write(`${line}\n`);
      await output.end();
      return true;
    },
    get broken() {
      return output.broken;
    },
  };

  function keep(row: Row): void {
    if (top !== undefined && rows.length >= MAX_ROWS) keepLargest(rows, top);
    if (rows.length < MAX_ROWS) rows.push(row);
  }

  function toLines(facts: ReplayFacts): string[] {
    if (summary.kills === 0) return noKills(facts);
    const width = terminalWidth(output.stream);
    const lines = groups === undefined ? toRows(width) : groups.lines(top, width, paint);
    if (lines[0]?.includes("FILLED BY")) lines.push("", paint(BAR_LEGEND, "dim"));
    const [first = "", ...more] = summary.lines(facts);
    return [...lines, "", paint(first, "head"), ...more];
  }

  function toRows(width: number): string[] {
    if (top !== undefined) keepLargest(rows, top);
    const lines = layOut(top === undefined ? byTime(rows) : rows, width, paint);
    const more = summary.kills - rows.length;
    if (more > 0)
      lines.push(`… ${countOf(more, "kill")} more${top === undefined ? ": --output ndjson has them all" : ""}`);
    return lines;
  }

  function paint(text: string, look: Look): string {
    return look === "plain" ? text : styleText(STYLES[look], text, { stream: output.stream });
  }
}

/** In place: those whose victims held most, largest first. */
function keepLargest(rows: Row[], top: number): void {
  rows.sort((a, b) => b.heldBytes - a.heldBytes);
  if (rows.length > top) rows.length = top;
}

const STYLES = { dim: "dim", alarm: "red", head: "bold" } as const;

function noKills({ captures }: ReplayFacts): string[] {
  return captures === 0 ? [] : [`No OOM kill in ${countOf(captures, "capture")}.`];
}

/** Times since boot of two machines cannot be compared: those rows follow, in the order in which they were read. */
function byTime(rows: readonly Row[]): Row[] {
  const timed = rows.filter(({ wallUs }) => wallUs !== undefined);
  const others = rows.filter(({ wallUs }) => wallUs === undefined);
  return [...timed.sort((a, b) => (a.wallUs ?? 0) - (b.wallUs ?? 0)), ...others];
}
