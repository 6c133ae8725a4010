/** `--output table`: the kills in the order of their time, as one table for people, and what they have in common. */
import { styleText } from "node:util";
import { countOf } from "../captures.ts";
import type { Output } from "../output.ts";
import type { ReplayFacts, Sink } from "../sinks.ts";
import { type Look, layOut } from "./layout.ts";
import { type Row, toRow } from "./row.ts";
import { createSummary } from "./summary.ts";

/** More rows nobody reads; about 10 MB of them. */
const MAX_ROWS = 10_000;
/** Where standard output is no terminal. */
const DEFAULT_WIDTH = 100;

export function openTable(output: Output): Sink {
  const rows: Row[] = [];
  const summary = createSummary();

  return {
    write(record) {
      if (record.eventName === "oom.kill") {
        const row = toRow(record);
        summary.add(record, row);
        if (rows.length < MAX_ROWS) rows.push(row);
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

  function toLines(facts: ReplayFacts): string[] {
    if (summary.kills === 0) return noKills(facts);
    const lines = layOut(byTime(rows), output.stream.columns || DEFAULT_WIDTH, paint);
    if (summary.kills > rows.length) {
      lines.push(`… ${countOf(summary.kills - rows.length, "kill")} more: --output ndjson has them all`);
    }
    const [first = "", ...more] = summary.lines(facts);
    return [...lines, "", paint(first, "head"), ...more];
  }

  function paint(text: string, look: Look): string {
    return look === "plain" ? text : styleText(STYLES[look], text, { stream: output.stream });
  }
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
