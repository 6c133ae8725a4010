/** What was understood of each capture, in sentences: for a user who wonders why there is no kill in it. */
import { readableSize } from "../../record/format.ts";

export interface CaptureFacts {
  name: string;
  /** decompressed */
  bytes: number;
  /** of these, passed over by lines' first look: no report is in them, and their lines are not counted */
  skippedBytes: number;
  /** lines that were read, by the name of their format; `unknown` where it has none */
  formats: ReadonlyMap<string, number>;
}

const UNKNOWN = "unknown";

/** true: there are lines, and not one of those that were read is in a format of a kernel's log */
export function isStrange({ bytes, formats }: CaptureFacts): boolean {
  return bytes > 0 && [...formats.keys()].every((name) => name === UNKNOWN);
}

/** A line a capture, for standard error. */
export function describeCaptures(captures: readonly CaptureFacts[]): string {
  return captures.map((capture) => `${capture.name}: ${describe(capture)}\n`).join("");
}

function describe(capture: CaptureFacts): string {
  const { bytes, skippedBytes, formats } = capture;
  if (bytes === 0) return "is empty";
  const size = readableSize(bytes);
  if (isStrange(capture)) {
    return `${size}, no line of it looks like a kernel's log: dmesg, journalctl -k, kern.log, /dev/kmsg`;
  }
  const known = [...formats].filter(([name]) => name !== UNKNOWN).sort(([, a], [, b]) => b - a);
  // Where much was passed over, the count of the lines that were read says nothing.
  const parts = known.map(([name, lines]) => (skippedBytes > 0 ? name : `${countOf(lines, "line")} of ${name}`));
  const unknown = formats.get(UNKNOWN) ?? 0;
  if (unknown > 0) parts.push(`${countOf(unknown, "line")} in no known format`);
  return `${size}, read as ${parts.join(", ")}`;
}

/** `1,234 lines`. */
export function countOf(count: number, what: string): string {
  return `${count.toLocaleString("en-US")} ${what}${count === 1 ? "" : "s"}`;
}
