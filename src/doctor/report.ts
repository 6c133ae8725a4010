/** The results, for people as lines with advice below them, for programs as JSON. */
import { styleText } from "node:util";
import { countOf } from "../replay/input/captures.ts";
import { terminalWidth } from "../replay/table/columns.ts";
import { pad, plainLine, widthOf } from "../replay/table/text.ts";
import type { CheckResult, CheckStatus } from "./check.ts";

type Stream = Pick<NodeJS.WriteStream, "write" | "columns">;

export function printReport(results: readonly CheckResult[], output: "table" | "json", stream: Stream): void {
  if (output === "json") {
    stream.write(`${JSON.stringify({ ...summaryOf(results), checks: results }, null, 2)}\n`);
    return;
  }
  const paint: Paint = (text, status) => styleText(STYLES[status], text, { stream: stream as NodeJS.WriteStream });
  stream.write(`${toLines(results, terminalWidth(stream), paint).join("\n")}\n`);
}

export type Paint = (text: string, status: CheckStatus) => string;

const STYLES = { ok: "green", warning: "yellow", failed: "red", skipped: "dim" } as const;
const STATUS_WIDTH = "warning".length;
const GAP = "  ";

/** @param width columns of the terminal; a word that is longer than a line keeps its length */
export function toLines(results: readonly CheckResult[], width: number, paint: Paint): string[] {
  const nameWidth = Math.max(...results.map(({ name }) => widthOf(name)), 0);
  const indent = " ".repeat(STATUS_WIDTH + GAP.length + nameWidth + GAP.length);
  const room = width - indent.length;
  const lines = results.flatMap(({ status, name, says, advice }) => {
    const [first = "", ...more] = wrap(plainLine(says), room);
    const head = `${paint(pad(status, STATUS_WIDTH), status)}${GAP}${pad(name, nameWidth)}${GAP}`;
    const advised = advice === undefined ? [] : hang(wrap(plainLine(advice), room - ARROW.length));
    return [`${head}${first}`, ...[...more, ...advised].map((line) => `${indent}${line}`)];
  });
  return [...lines, "", summaryLine(results)];
}

const ARROW = "→ ";

function hang(lines: readonly string[]): string[] {
  return lines.map((line, index) => `${index === 0 ? ARROW : " ".repeat(ARROW.length)}${line}`);
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && widthOf(line) + 1 + widthOf(word) > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function summaryOf(results: readonly CheckResult[]): Record<CheckStatus, number> {
  const counts = { ok: 0, warning: 0, failed: 0, skipped: 0 };
  for (const { status } of results) counts[status]++;
  return counts;
}

function summaryLine(results: readonly CheckResult[]): string {
  const { ok, warning, failed, skipped } = summaryOf(results);
  return `${countOf(results.length, "check")}: ${ok} ok, ${countOf(warning, "warning")}, ${failed} failed, ${skipped} skipped.`;
}
