/** `--follow`: a log that still grows, read to its end and on, each kill handed on as soon as its report is whole. */
import { stat } from "node:fs/promises";
import { performance } from "node:perf_hooks";
import type { CaptureContext } from "../../../parsers/captures/format.ts";
import { createLineReader } from "../../../parsers/captures/line-reader.ts";
import type { KernelRecord } from "../../../parsers/kernel-record.ts";
import type { Pipeline } from "../../pipeline/replay-pipeline.ts";
import { InputError } from "../input/inputs.ts";
import { readGrownFile } from "./follow-file.ts";
import { createLineCutter } from "./line-cutter.ts";

export interface FollowOptions {
  path: string;
  /** of stamps that say less; undefined: by the time when they are read */
  context: Pick<CaptureContext, "year" | "timezone">;
  pipeline: Pipeline;
  signal: AbortSignal;
  /** after each piece that was read. @returns a promise where reading is to wait */
  onPiece(bytes: number): Promise<unknown> | undefined;
}

/** Ends when the signal says so. @throws InputError */
export async function followLog({ path, context, pipeline, signal, onPiece }: FollowOptions): Promise<void> {
  let logMs = 0;
  let readMs = performance.now();
  const reader = createLineReader({
    context: {
      ...context,
      get referenceUs() {
        return Date.now() * 1000;
      },
    },
    onRecord(record: KernelRecord) {
      const us = record.monotonicUs ?? record.wallTimeUs;
      if (us !== undefined) logMs = us / 1000;
      readMs = performance.now();
      pipeline.push(record, logMs);
    },
  });
  const lines = createLineCutter((line) => reader.push(line));

  await refuseOthers(path);
  try {
    for await (const grown of readGrownFile(path, { signal })) {
      if (grown.kind === "bytes") {
        lines.push(grown.bytes);
        await onPiece(grown.bytes.length);
      } else if (grown.kind === "restarted") {
        lines.end();
      } else {
        // The log's clock goes on as ours does while nothing is printed.
        reader.release();
        pipeline.tick(logMs + performance.now() - readMs);
        await onPiece(0);
      }
    }
  } catch (error) {
    throw new InputError(`${path} cannot be followed: ${(error as Error).message}`);
  }
  lines.end();
  reader.end();
  pipeline.flush();
}

async function refuseOthers(path: string): Promise<void> {
  const stats = await stat(path).catch((error: NodeJS.ErrnoException) => {
    const what = error.code === "ENOENT" ? "there is no such file" : error.message;
    throw new InputError(`${path}: ${what}; --follow wants a log that is there, such as /var/log/kern.log`);
  });
  if (stats.isFile()) return;
  throw new InputError(`${path} is no file that grows: for the running kernel's log there is oomscribe agent --stdout`);
}
