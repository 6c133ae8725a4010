/** The pipeline of a replay: kernel records → reports → kills → log records. The agent's is live.ts. */
import type { KernelRecord } from "../../parsers/kernel-record.ts";
import { createOomAssembler, type OomObservation } from "../../parsers/oom/assemble.ts";
import { toKills } from "../correlate/from-report.ts";
import type { Kill } from "../correlate/kill.ts";
import { diagnose } from "../diagnose/diagnose.ts";
import type { Identify } from "../identify/identifier.ts";
import { nameKill } from "../identify/scope.ts";
import type { RecordContext } from "../record/context.ts";
import { toSuppressedRecord } from "../record/events/log-gap.ts";
import { toLogRecord } from "../record/kill-record.ts";
import type { LogRecord } from "../record/log-record.ts";

export interface PipelineOptions {
  context: RecordContext;
  /** default: nobody has a name */
  identify?: Identify | undefined;
  emit(record: LogRecord): void;
}

/** Times are the driver's, in milliseconds of a clock that does not go back: the kernel's own, in a replay the log's. */
export interface Pipeline {
  push(record: KernelRecord, atMs: number): void;
  /** Everything that was printed until then has been pushed. */
  tick(nowMs: number): void;
  /** Nothing more comes. */
  flush(): void;
  /** true: no report is under way, so a record that begins none changes nothing */
  readonly idle: boolean;
}

export function createPipeline({ context, emit, identify = () => undefined }: PipelineOptions): Pipeline {
  const assembler = createOomAssembler();

  function handOn(observations: readonly OomObservation[]): void {
    for (const seen of observations) {
      if (seen.kind === "suppressed") emit(toSuppressedRecord(seen.suppressed, context));
      else for (const kill of toKills(seen.report)) emit(toRecord(kill));
    }
  }

  function toRecord(kill: Kill): LogRecord {
    const who = nameKill(kill, identify);
    return toLogRecord(kill, context, { who, diagnosis: diagnose(kill, { who, pageSize: context.pageSize }) });
  }

  return {
    push: (record, atMs) => handOn(assembler.push(record, atMs)),
    tick: (nowMs) => handOn(assembler.tick(nowMs)),
    flush: () => handOn(assembler.flush()),
    get idle() {
      return assembler.idle;
    },
  };
}
