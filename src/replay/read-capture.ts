/** One capture from its first byte to its last: bytes → kernel records → reports → log records. */
import { createCaptureReader } from "../../parsers/captures/reader.ts";
import type { Identify } from "../identify/identifier.ts";
import { createPipeline } from "../pipeline.ts";
import type { RecordContext } from "../ship/context.ts";
import type { LogRecord } from "../ship/log-record.ts";
import type { CaptureFacts } from "./captures.ts";
import type { Input } from "./inputs.ts";
import type { SmallHeap } from "./small-heap.ts";

export interface CaptureOptions {
  context: RecordContext;
  identify: Identify | undefined;
  /** of stamps that have none */
  year: number | undefined;
  /** IANA name or `±HH:MM`, of stamps that have none */
  timezone: string | undefined;
  heap: SmallHeap;
  emit(record: LogRecord): void;
  /** asked after each piece: a promise where reading is to wait */
  takeRoom(): Promise<unknown> | undefined;
  /** told how many bytes, as stored, have been read since the last call; true from it ends the reading */
  onRead(bytes: number): boolean;
  /** at the end, also at a bad one: what was read before an error counts */
  onEnd(facts: CaptureFacts): void;
}

/** @returns what is wrong with the input although it could be read. @throws InputError */
export async function readCapture(input: Input, options: CaptureOptions): Promise<string | undefined> {
  const { context, identify, year, timezone, heap, emit, takeRoom, onRead, onEnd } = options;
  const pipeline = createPipeline({ context, identify, emit });
  const reader = createCaptureReader({
    context: { year, timezone, referenceUs: input.referenceUs },
    onRecord: pipeline.push,
    isIdle: () => pipeline.idle,
  });
  let bytes = 0;
  try {
    return await input.read((piece) => {
      bytes += piece.length;
      reader.push(piece);
      heap.check();
      return takeRoom();
    }, onRead);
  } finally {
    reader.end();
    pipeline.flush();
    await takeRoom();
    onEnd({ name: input.name, bytes, skippedBytes: reader.skippedBytes, formats: reader.formats });
  }
}
