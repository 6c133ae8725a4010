/** `--explain KILL`: one kill in plain words, the kernel's lines beside them where the terminal is wide, else below. */
import { styleText } from "node:util";
import { isoTime } from "../../record/json.ts";
import type { LogRecord } from "../../record/log-record.ts";
import type { Output } from "../output/output.ts";
import type { Sink } from "../sink.ts";
import { terminalWidth } from "../table/columns.ts";
import { cutTo, pad, plainLine, widthOf } from "../table/text.ts";
import { adviceOf, causeInWords, factsOf } from "./reasons.ts";
import { type Statement, toStatements } from "./statements.ts";

/** From here on words and lines stand side by side. */
const WIDE = 120;
/** Other kills of the same PID that are named. */
const MAX_OTHERS = 5;

/** @param which a PID, or at least six characters of a log.record.uid */
export function openExplain(output: Output, which: string): Sink {
  let found: LogRecord | undefined;
  const others: string[] = [];
  return {
    write(record) {
      if (record.eventName !== "oom.kill" || !isMeant(which, record)) return undefined;
      if (found === undefined) found = record;
      else if (others.length < MAX_OTHERS) others.push(String(record.attributes["log.record.uid"]));
      return undefined;
    },
    async end({ captures }) {
      if (found === undefined) {
        if (captures > 0)
          process.stderr.write(`oomscribe replay: no kill is ${which}: replay without --explain lists their PIDs\n`);
        return captures === 0;
      }
      const width = terminalWidth(output.stream);
      const bold = (text: string): string => styleText("bold", text, { stream: output.stream });
      const dim = (text: string): string => styleText("dim", text, { stream: output.stream });
      await output.write(`${explain(found, width, bold, dim).join("\n")}\n`);
      if (others.length > 0)
        await output.write(`\nOther kills of that PID: --explain ${others.join(", --explain ")}\n`);
      await output.end();
      return true;
    },
    get broken() {
      return output.broken;
    },
  };
}

function isMeant(which: string, { attributes }: LogRecord): boolean {
  if (/^\d+$/.test(which) && attributes["process.pid"] === Number(which)) return true;
  return which.length >= 6 && String(attributes["log.record.uid"]).startsWith(which);
}

type Style = (text: string) => string;

/** @param width columns of the terminal */
export function explain(record: LogRecord, width: number, bold: Style, dim: Style): string[] {
  const monotonic = record.attributes["oom.kernel.monotonic"];
  const when =
    isoTime(record) ??
    (typeof monotonic === "number" ? `${monotonic.toFixed(6)} s after boot` : "at a time that the log does not tell");
  const head = wrap(`${when}: ${record.body}.`, width).map(bold);
  const lines = [...head, ""];
  for (const statement of toStatements(record)) {
    lines.push(...(width >= WIDE ? sideBySide(statement, width, dim) : below(statement, width, dim)));
  }
  lines.push(...why(record, width, bold), "", dim(`log.record.uid ${record.attributes["log.record.uid"]}`));
  return lines;
}

/** Commands are whole, however long: they are to be copied. */
function why({ attributes }: LogRecord, width: number, bold: Style): string[] {
  if (attributes["oom.cause"] === undefined) return [];
  const facts = factsOf(attributes).flatMap((fact) => hang("- ", wrap(plainLine(fact), width - 2)));
  const commands = adviceOf(attributes).map((command) => `  ${plainLine(command)}`);
  return [
    "",
    ...wrap(`The cause: ${plainLine(causeInWords(attributes))}.`, width).map(bold),
    ...facts,
    ...(commands.length === 0 ? [] : ["", bold("What to do:"), ...commands]),
  ];
}

function hang(mark: string, lines: readonly string[]): string[] {
  return lines.map((line, row) => `${row === 0 ? mark : " ".repeat(mark.length)}${line}`);
}

/** Between words and lines. */
const BAR = " │ ";

function sideBySide({ says, lines }: Statement, width: number, dim: Style): string[] {
  const left = Math.floor(width * 0.45);
  const right = width - left - BAR.length;
  const words = wrap(says, left);
  const quoted = lines.flatMap((line) => wrap(plainLine(line), right).slice(0, 4));
  return Array.from({ length: Math.max(words.length, quoted.length) }, (_, row) =>
    `${pad(words[row] ?? "", left)}${dim(`${BAR}${quoted[row] ?? ""}`)}`.trimEnd(),
  );
}

function below({ says, lines }: Statement, width: number, dim: Style): string[] {
  return [...wrap(says, width), ...lines.map((line) => dim(`  │ ${cutTo(plainLine(line), width - 4, false)}`))];
}

/** Words that are longer than the line are broken: paths are. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    let rest = word;
    if (line !== "" && widthOf(line) + 1 + widthOf(rest) > width) {
      lines.push(line);
      line = "";
    }
    for (; widthOf(rest) > width; rest = rest.slice(line.length)) {
      line = cutTo(rest, width + 1, false).slice(0, -1);
      lines.push(line);
    }
    if (lines.at(-1) === line) line = "";
    line = line === "" ? rest : `${line} ${rest}`;
  }
  return line === "" ? lines : [...lines, line];
}
