/** Real OOM reports of several kernels, each time with other pids and containers. */
import { readFileSync } from "node:fs";
import { parseKmsgLine } from "../../parsers/kmsg.ts";
import type { Random } from "../random.ts";

const CAPTURES = new URL("../../test/captures/", import.meta.url);

/**
 * Captures of one whole report with one kill: a group kill names its first victim twice, so that contenders who count
 * lines would not agree with those who count processes.
 */
const SOURCES: readonly string[] = [
  "v1-6.18/01-container-limit.kmsg",
  "v1-6.18/02-child-killed-parent-lives.kmsg",
  "v2-6.1/01-container-limit.kmsg",
  "v2-6.1/02-child-killed-parent-lives.kmsg",
  "v2-6.12/01-container-limit.kmsg",
  "v2-6.12/02-child-killed-parent-lives.kmsg",
  "generated/301-vm-510-global.kmsg",
  "generated/319-vm-72-mempolicy.kmsg",
];

interface Template {
  /** a message each, in pieces; a number is the place in `values` of what stands there */
  lines: readonly (readonly (string | number)[])[];
  /** what is varied, as it was */
  values: readonly string[];
  /** numbers that stand in the report: no pid may become one of them */
  numbers: ReadonlySet<string>;
}

/** @returns gives a report's messages each time it is called, the kernels' by turns */
export function createReports(random: Random): () => string[] {
  const templates = SOURCES.map(readTemplate);
  let turn = 0;
  return () => {
    const template = templates[turn++ % templates.length] as Template;
    const values = template.values.map((value) => vary(value, template.numbers, random));
    return template.lines.map((pieces) =>
      pieces.map((piece) => (typeof piece === "number" ? values[piece] : piece)).join(""),
    );
  };
}

function readTemplate(source: string): Template {
  const lines = readFileSync(new URL(source, CAPTURES), "latin1").split("\n");
  const texts = lines.flatMap((line) => parseKmsgLine(line)?.text ?? []);
  const report = texts.slice(texts.findIndex((text) => text.includes(" invoked oom-killer: ")));
  const whole = report.join("\n");
  const pids = [/Killed process (\d+)/, /\bPID: (\d+)/].map((pattern) => pattern.exec(whole)?.[1] ?? "");
  const values = [...new Set([...pids, ...(whole.match(/\b[0-9a-f]{64}\b/g) ?? [])])];
  const varied = new RegExp(`\\b(${values.join("|")})\\b`);
  return {
    // What a pattern captures stands between the pieces: each second one.
    lines: report.map((text) => text.split(varied).map((piece, at) => (at % 2 === 1 ? values.indexOf(piece) : piece))),
    values,
    numbers: new Set(whole.match(/\b\d+\b/g)),
  };
}

/** As many digits as it had, so that the columns of tables stay. */
function vary(value: string, numbers: ReadonlySet<string>, random: Random): string {
  if (value.length === 64) return Array.from({ length: 8 }, () => random.hex(8)).join("");
  const smallest = 10 ** (value.length - 1);
  for (;;) {
    const pid = String(smallest + random.below(9 * smallest));
    if (!numbers.has(pid)) return pid;
  }
}
