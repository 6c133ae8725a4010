/** One line on standard error while a long input is read, if a person is there to see it. */
import { performance } from "node:perf_hooks";
import { readableName, readableSize } from "../../record/format.ts";
import type { OutputFormat } from "../options.ts";

export interface Progress {
  /** @param size bytes, where it is known */
  begin(name: string, size: number | undefined): void;
  /** @param bytes read since the last call */
  advance(bytes: number, kills: number): void;
  /** Takes the line away. */
  clear(): void;
}

/** Before that nobody wonders. */
const QUIET_MS = 1000;
const REDRAW_MS = 250;

const NONE: Progress = { begin() {}, advance() {}, clear() {} };

/** Nothing is shown unless standard error is a terminal, nor where records scroll by on the same one. */
export function openProgress(output: OutputFormat | undefined, stream: NodeJS.WriteStream = process.stderr): Progress {
  const isScrolling = output !== undefined && output !== "table" && process.stdout.isTTY;
  return stream.isTTY && !isScrolling ? drawProgress(stream) : NONE;
}

function drawProgress(stream: NodeJS.WriteStream): Progress {
  let name = "";
  let total: number | undefined;
  let read = 0;
  let startedMs = 0;
  let drawnMs = 0;
  let isShown = false;

  return {
    begin(newName, size) {
      name = readableName(newName);
      total = size;
      read = 0;
      startedMs = performance.now();
    },
    advance(bytes, kills) {
      read += bytes;
      const nowMs = performance.now();
      if (nowMs - startedMs < QUIET_MS || nowMs - drawnMs < REDRAW_MS) return;
      drawnMs = nowMs;
      isShown = true;
      const bar = total === undefined || total === 0 ? "" : `${drawBar(read / total)} `;
      const of = total === undefined || total === 0 ? "" : ` of ${readableSize(total)}`;
      const perSecond = (read / (nowMs - startedMs)) * 1000;
      const line = `${bar}${name}: ${readableSize(read)}${of}, ${readableSize(perSecond)}/s, ${kills} kills${eta(total, read, perSecond)}`;
      stream.write(`\r\u001b[K${line.slice(0, Math.max((stream.columns || 80) - 1, 0))}`);
    },
    clear() {
      if (isShown) stream.write("\r\u001b[K");
      isShown = false;
    },
  };
}

const BAR_CELLS = 10;

/** `[████······]  42 %`. A file that grows meanwhile is never more than whole. @param part 0 to 1 */
function drawBar(part: number): string {
  const done = Math.min(part, 1);
  const cells = Math.floor(done * BAR_CELLS);
  return `[${"█".repeat(cells).padEnd(BAR_CELLS, "·")}] ${String(Math.floor(done * 100)).padStart(3)} %`;
}

/** `, 12 s left`: at the rate so far. @param perSecond bytes */
function eta(total: number | undefined, read: number, perSecond: number): string {
  if (total === undefined || total <= read) return "";
  const seconds = Math.ceil((total - read) / perSecond);
  return seconds < 120 ? `, ${seconds} s left` : `, ${Math.ceil(seconds / 60)} min left`;
}
