/** `oomscribe diff A B`: reads two captures and says how their kills differ. */
import { styleText } from "node:util";
import type { Identify } from "../../identify/identifier.ts";
import type { RecordContext } from "../../ship/context.ts";
import { readableSize } from "../../ship/readable.ts";
import { countOf } from "../captures.ts";
import { InputError, openInput } from "../inputs.ts";
import { openPodList } from "../pod-list.ts";
import { readCapture } from "../read-capture.ts";
import { keepHeapSmall, type SmallHeap } from "../small-heap.ts";
import { type Column, plain, renderColumns, terminalWidth } from "../table/columns.ts";
import type { GroupKey } from "../table/group-keys.ts";
import { plainCell } from "../table/text.ts";
import { type Comparison, createComparison, type Difference } from "./compare.ts";

export interface DiffOptions {
  a: string;
  b: string;
  groupBy: GroupKey | undefined;
  output: "table" | "json";
  k8s: string | undefined;
  year: number | undefined;
  timezone: string | undefined;
}

/** @returns the process's exit status: 0 whether they differ or not; 2: something cannot be read, which was said */
export async function runDiff(options: DiffOptions): Promise<0 | 2> {
  const heap = keepHeapSmall();
  const comparison = createComparison(options.groupBy);
  try {
    const identify = options.k8s === undefined ? undefined : await openPodList(options.k8s);
    for (const side of ["a", "b"] as const) await readSide(side, options, comparison, identify, heap);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    process.stderr.write(`oomscribe diff: ${error.message}\n`);
    return 2;
  }
  process.stdout.write(options.output === "json" ? toJsonText(comparison) : toTable(comparison, options));
  return 0;
}

async function readSide(
  side: "a" | "b",
  options: DiffOptions,
  comparison: Comparison,
  identify: Identify | undefined,
  heap: SmallHeap,
): Promise<void> {
  const context: RecordContext = { resource: {} };
  const input = await openInput(options[side]);
  const warning = await readCapture(input, {
    context,
    identify,
    year: options.year,
    timezone: options.timezone,
    heap,
    emit: (record) => comparison.add(side, record),
    takeRoom: () => undefined,
    onRead: () => false,
    onEnd: () => {},
  });
  if (warning !== undefined) process.stderr.write(`oomscribe diff: ${input.name}: ${warning}\n`);
}

function toJsonText(comparison: Comparison): string {
  const { kills, same, suppressed } = comparison;
  return `${JSON.stringify({ kills, same, suppressed, groups: comparison.differences() })}\n`;
}

function toTable(comparison: Comparison, { groupBy, a, b }: DiffOptions): string {
  const { kills, same, suppressed } = comparison;
  const bold = (text: string): string => styleText("bold", text, { stream: process.stdout });
  const all = comparison.differences();
  const lines: string[] = [];
  if (all.length > 0) {
    const columns = toColumns(all, groupBy ?? "victim");
    const width = terminalWidth(process.stdout);
    lines.push(...renderColumns(columns, width, (text, look) => (look === "head" ? bold(text) : text)), "");
  }
  lines.push(bold(`A has ${countOf(kills.a, "kill")}, B ${countOf(kills.b, "kill")}; ${same} are in both.`));
  if (suppressed.a + suppressed.b > 0) {
    lines.push(`The kernel left ${countOf(suppressed.a, "report")} out of A, ${suppressed.b} out of B (rate limit).`);
  }
  lines.push(`A is ${plainCell(a)}, B is ${plainCell(b)}.`);
  return `${lines.join("\n")}\n`;
}

function toColumns(all: readonly Difference[], title: string): Column[] {
  return [
    { title: title.toUpperCase(), cells: all.map(({ name }) => plain(name)), comfortable: 30, least: 12 },
    { title: "A", cells: all.map(({ a }) => plain(String(a.kills))) },
    { title: "B", cells: all.map(({ b }) => plain(String(b.kills))) },
    { title: "CHANGE", cells: all.map((one) => plain(changeOf(one))) },
    { title: "LIMIT", cells: all.map(({ a, b }) => plain(sizes(a.limit, b.limit))), dispensable: 1 },
    {
      title: "MOST HELD",
      cells: all.map(({ a, b }) => plain(sizes(a.held || undefined, b.held || undefined))),
      dispensable: 2,
    },
  ];
}

function changeOf({ a, b }: Difference): string {
  if (a.kills === 0) return "new";
  if (b.kills === 0) return "gone";
  if (a.kills === b.kills) return "as before";
  return b.kills > a.kills ? `+${b.kills - a.kills}` : `−${a.kills - b.kills}`;
}

/** `48 MiB`, or `48 MiB → 96 MiB` where it has changed. */
function sizes(a: number | undefined, b: number | undefined): string {
  const shown = (bytes: number | undefined): string => (bytes === undefined ? "-" : readableSize(bytes));
  const [before, after] = [shown(a), shown(b)];
  if (a === undefined || before === after) return after;
  return b === undefined ? before : `${before} → ${after}`;
}
