/** `--html FILE`: collects the kills, and writes them as one page that needs nothing else. */
import { writeFile } from "node:fs/promises";
import type { LogRecord } from "../../ship/log-record.ts";
import { VERSION } from "../../version.ts";
import { countOf } from "../captures.ts";
import type { ReplayFacts, Sink } from "../sinks.ts";
import { toRow } from "../table/row.ts";
import { createSummary } from "../table/summary.ts";
import { readPageAssets } from "./assets.ts";
import type { ReportData } from "./page/data.ts";
import { renderPage } from "./page.ts";

/** More make a page that browsers are slow with. */
const MAX_KILLS = 20_000;
/** Bytes of quoted lines in a page; of the kills after them only their kill line is quoted. */
const MAX_QUOTED = 16 * 1024 * 1024;

/** @param path of the file, written anew at the end */
export function openReport(path: string, warn: (message: string) => void): Sink {
  const summary = createSummary();
  const kills: LogRecord[] = [];
  let quoted = 0;
  let cut = 0;

  return {
    write(record) {
      if (record.eventName === "oom.report.suppressed") {
        summary.addSuppressed(Number(record.attributes["oom.report.suppressed.count"]));
      }
      if (record.eventName !== "oom.kill") return undefined;
      summary.add(record, toRow(record));
      if (kills.length < MAX_KILLS) kills.push(bounded(record));
      return undefined;
    },
    async end(facts) {
      try {
        const page = renderPage(await readPageAssets(), toData(facts));
        await writeFile(path, page);
        warn(`wrote ${countOf(kills.length, "kill")} to ${path}`);
        return true;
      } catch (error) {
        warn(`cannot write ${path}: ${(error as Error).message}; name a file in a folder that you may write to`);
        return false;
      }
    },
    broken: false,
  };

  function bounded(record: LogRecord): LogRecord {
    const original = String(record.attributes["log.record.original"] ?? "");
    if (quoted + original.length <= MAX_QUOTED) {
      quoted += original.length;
      return record;
    }
    cut++;
    const pid = record.attributes["process.pid"];
    const line = original.split("\n").find((one) => one.includes(`process ${pid}`)) ?? "";
    return { ...record, attributes: { ...record.attributes, "log.record.original": line } };
  }

  function toData(facts: ReplayFacts): ReportData {
    const none = [`No OOM kill in ${countOf(facts.captures, "capture")}.`];
    return {
      version: VERSION,
      madeAt: new Date().toISOString(),
      sentences: summary.kills === 0 ? none : summary.lines(facts),
      captures: facts.captures,
      kills,
      left: summary.kills - kills.length,
      cut,
    };
  }
}
