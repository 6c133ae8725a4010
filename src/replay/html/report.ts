/** `--html FILE`: writes the kills as they come, as one page that needs nothing else. */
import type { LogRecord } from "../../ship/log-record.ts";
import { VERSION } from "../../version.ts";
import { countOf } from "../captures.ts";
import type { ReplayFacts, Sink } from "../sinks.ts";
import { toRow } from "../table/row.ts";
import { createSummary } from "../table/summary.ts";
import { readPageAssets } from "./assets.ts";
import { createOtherKills } from "./other-kills.ts";
import type { ReportData } from "./page/data.ts";
import { renderFrame, toScriptJson } from "./page.ts";
import { openPageFile, type PageFile } from "./page-file.ts";

/** More make a page that browsers are slow with: so many whole reports are 40 MB. Further kills are counted. */
export const MAX_KILLS = 10_000;
/** Bytes of quoted lines in a page; of the kills after them only their kill line is quoted. */
const MAX_QUOTED = 16 * 1024 * 1024;

/** @param path of the file, which has its name when it is whole */
export async function openReport(path: string, warn: (message: string) => void): Promise<Sink> {
  const summary = createSummary();
  const others = createOtherKills();
  const frame = renderFrame(await readPageAssets());
  let file: PageFile | undefined;
  let problem: unknown;
  let written = 0;
  let quoted = 0;
  let cut = 0;
  attempt(() => {
    file = openPageFile(path);
    file.write(`${frame.before}{"kills":[`);
  });

  /** What fails is said at the end; nothing more is written then. */
  function attempt(act: () => void): void {
    if (problem !== undefined) return;
    try {
      act();
    } catch (error) {
      problem = error;
      file?.discard();
      file = undefined;
    }
  }

  return {
    write(record) {
      if (record.eventName === "oom.report.suppressed") {
        summary.addSuppressed(Number(record.attributes["oom.report.suppressed.count"]));
      }
      if (record.eventName !== "oom.kill") return undefined;
      const row = toRow(record);
      summary.add(record, row);
      if (written < MAX_KILLS) {
        attempt(() => file?.write(`${written === 0 ? "" : ","}${toScriptJson(bounded(record))}`));
        written++;
      } else others.add(record, row);
      return undefined;
    },
    async end(facts) {
      attempt(() => {
        // The object goes on behind its kills.
        file?.write(`],${toScriptJson(toData(facts)).slice(1)}${frame.after}`);
        file?.finish();
      });
      if (problem !== undefined) {
        const { message } = problem as Error;
        warn(`cannot write ${path}: ${message}; name a file in a folder that you may write to`);
        return false;
      }
      warn(`wrote ${countOf(written, "kill")} to ${path}${moreSentence(summary.kills - written)}`);
      return true;
    },
    get broken() {
      return problem !== undefined;
    },
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

  function toData(facts: ReplayFacts): Omit<ReportData, "kills"> {
    const none = [`No OOM kill in ${countOf(facts.captures, "capture")}.`];
    return {
      version: VERSION,
      madeAt: new Date().toISOString(),
      sentences: summary.kills === 0 ? none : summary.lines(facts),
      captures: facts.captures,
      others: others.toData(),
      cut,
    };
  }
}

/** A page without all kills says so, and so do we. */
function moreSentence(more: number): string {
  if (more === 0) return "";
  return `; ${countOf(more, "more kill")} ${more === 1 ? "is" : "are"} only counted in it: --since, --until and --filter choose which are shown`;
}
