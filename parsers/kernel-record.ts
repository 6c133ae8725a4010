/** One record of the kernel's log, whatever it was read from: the value that every source and capture format makes. */

/**
 * Who wrote a record. `kernel`: facility 0; `user`: another facility or another program's tag, so nothing in it is
 * evidence of a kill; `unknown`: the capture has lost the facility.
 */
export type RecordOrigin = "kernel" | "user" | "unknown";

/** What a wall-clock time had to assume because the text does not hold it. */
export type TimeAssumption = "year" | "timezone" | "seconds";

/**
 * Where a record's text is not known to begin with the first byte of the kernel's message. `assumed`: a known prefix
 * stands behind text of no known format, or the line may be a further one of the message before; `unknown`: the line
 * is in no known format, so anything may stand before the kernel's words.
 */
export type TextStart = "assumed" | "unknown";

export interface KernelRecord {
  origin: RecordOrigin;
  /**
   * The message without any prefix, the kernel's `\xNN` escapes undone, as a byte string: each UTF-16 unit is one
   * byte (0–255). Names in it are decoded to UTF-8 where they are taken out (see bytes.ts), never before matching.
   */
  text: string;
  /** undefined: the text begins with the first byte of the message, as its format's prefix was read */
  textStart?: TextStart | undefined;
  /** The line as it stands in the input (structured formats: the message), a byte string; what is quoted to people. */
  original: string;
  /** syslog severity 0–7 */
  level?: number | undefined;
  /** syslog facility; 0 is the kernel */
  facility?: number | undefined;
  /** 32 hex digits, without dashes */
  bootId?: string | undefined;
  /** kernel log sequence number; starts again at 0 on boot */
  seq?: number | undefined;
  /** microseconds of the kernel log's clock: since boot, not counting suspend */
  monotonicUs?: number | undefined;
  /** microseconds since the Unix epoch */
  wallTimeUs?: number | undefined;
  timeAssumed?: readonly TimeAssumption[] | undefined;
  /** `T<tid>` or `C<cpu>`, only with CONFIG_PRINTK_CALLER */
  caller?: string | undefined;
  /** `-` whole, `c` first or further part of a line put together from parts, `+` continuation */
  flag?: string | undefined;
  /** node name and machine ID, where the format has them */
  host?: string | undefined;
  machineId?: string | undefined;
  /** the ` KEY=value` dictionary of a /dev/kmsg record */
  fields?: Readonly<Record<string, string>> | undefined;
}

/** A record with every key present, in one order: the same hidden class for every format keeps the hot path fast. */
export function makeRecord(origin: KernelRecord["origin"], text: string, original: string): KernelRecord {
  return {
    origin,
    text,
    textStart: undefined,
    original,
    level: undefined,
    facility: undefined,
    bootId: undefined,
    seq: undefined,
    monotonicUs: undefined,
    wallTimeUs: undefined,
    timeAssumed: undefined,
    caller: undefined,
    flag: undefined,
    host: undefined,
    machineId: undefined,
    fields: undefined,
  };
}
