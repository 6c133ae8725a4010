/** The attributes of a diagnosis: its cause, the facts as sentences, the commands, and the history in a few points. */
import type { Diagnosis, Fact, Figure, HistoryPoint, HistorySummary } from "../../diagnose/diagnosis.ts";
import { readableDuration, readableName, readableSize } from "../format.ts";
import { type RecordAttributes, set } from "../schema.ts";

export function setDiagnosis(into: RecordAttributes, diagnosis: Diagnosis): void {
  into["oom.cause"] = diagnosis.cause;
  set(into, "oom.cause.confidence", diagnosis.confidence);
  if (diagnosis.facts.length > 0) into["oom.cause.facts"] = diagnosis.facts.map(toSentence);
  if (diagnosis.advice.length > 0) into["oom.advice"] = [...diagnosis.advice];
  if (diagnosis.history !== undefined) setHistory(into, diagnosis.history);
}

/** `tmpfs and shared memory hold 40 MiB (84 %) of what was used [report]` */
function toSentence({ says, figures, source }: Fact): string {
  const filled = says.replace(/\{(\w+)\}/g, (whole, key: string) => {
    const figure = figures[key];
    return figure === undefined ? whole : toText(figure);
  });
  return `${filled} [${source}]`;
}

function toText(figure: Figure): string {
  if ("bytes" in figure) return readableSize(figure.bytes);
  if ("seconds" in figure) return readableDuration(figure.seconds);
  if ("percent" in figure) return `${Math.round(figure.percent)} %`;
  if ("bytesPerSecond" in figure) return toSpeed(figure.bytesPerSecond);
  if ("count" in figure) return figure.count === 1 ? "once" : `${figure.count} times`;
  if ("number" in figure) return String(figure.number);
  return readableName(figure.name);
}

/** In what a person can imagine: 1.2 MiB/s, 30 MiB an hour. */
function toSpeed(bytesPerSecond: number): string {
  return Math.abs(bytesPerSecond) >= 10 * 1024
    ? `${readableSize(bytesPerSecond)}/s`
    : `${readableSize(bytesPerSecond * 3600)}/h`;
}

function setHistory(into: RecordAttributes, { seconds, peak, bytesPerSecond, points }: HistorySummary): void {
  into["oom.history.span"] = Math.round(seconds * 10) / 10;
  into["oom.history.peak"] = peak;
  set(into, "oom.history.slope", bytesPerSecond === undefined ? undefined : Math.round(bytesPerSecond));
  into["oom.history.points"] = points.map(toPoint);
}

/** `-64.2s usage=43253760 anon=41943040 file=4096`: for people and for machines. */
function toPoint({ seconds, ...bytes }: HistoryPoint): string {
  const parts = Object.entries(bytes).map(([name, value]) => `${name}=${Math.round(value)}`);
  return [`-${seconds.toFixed(1)}s`, ...parts].join(" ");
}
