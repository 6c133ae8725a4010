/** `log.record.original`: the kernel's own lines of a report, bounded, the most telling ones first to get a place. */
import { decodeBytes } from "../../parsers/bytes.ts";
import type { KernelRecord } from "../../parsers/kernel-record.ts";

/**
 * Quotes a report for one of its kills: its own kill line always, then the head, what names cgroups and limits, other
 * kill lines, then as many of the rest as fit; in the order of the input, each line as it stands there.
 * @param own the kill line's record
 * @param records the report's, in input order
 * @param limit bytes of input, newlines between lines included
 */
export function quoteLines(own: KernelRecord, records: readonly KernelRecord[], limit: number): string {
  let bytes = -1;
  let holdsOwn = false;
  for (const record of records) {
    bytes += record.original.length + 1;
    if (record === own) holdsOwn = true;
  }
  if (!holdsOwn) bytes += own.original.length + 1;
  const lines = holdsOwn ? records : [...records, own];
  if (bytes > limit) return quoteSome(own, lines, limit);
  return decodeLines(lines);
}

function quoteSome(own: KernelRecord, records: readonly KernelRecord[], limit: number): string {
  let left = limit - own.original.length;
  // Only input that no kernel wrote has such a line: its beginning is the part that names the process.
  if (left <= 0) return decodeBytes(own.original.slice(0, limit));
  const ranks = records.map((record) => (record === own ? OWN : rankOf(record)));
  for (let rank = HEAD; rank <= REST; rank++) {
    for (const [index, record] of records.entries()) {
      if (ranks[index] !== rank || record.original.length + 1 > left) continue;
      left -= record.original.length + 1;
      ranks[index] = OWN;
    }
  }
  return decodeLines(records.filter((_, index) => ranks[index] === OWN));
}

/** All at once: no line's broken UTF-8 can swallow a newline. */
function decodeLines(records: readonly KernelRecord[]): string {
  const quoted = records.map((record) => record.original).join("\n");
  // In a byte string only non-ASCII characters need two bytes; this counts several times faster than a search.
  return Buffer.byteLength(quoted) === quoted.length ? quoted : decodeBytes(quoted);
}

/** Taken, or the kill's own line. */
const OWN = 0;
const HEAD = 1;
const LIMITS = 2;
const KILLS = 3;
const REST = 4;

/** Summary, its parts where printk split it, `Task in`, `Tasks in`, usage. */
const LIMIT_LINE = /^(?:oom-kill:|Tasks? in |(?:memory|memory\+swap|swap|kmem): usage )/;

function rankOf({ text, flag }: KernelRecord): number {
  if (text.includes(" invoked oom-killer")) return HEAD;
  if (LIMIT_LINE.test(text) || flag === "c" || flag === "+") return LIMITS;
  return text.includes("Killed process ") ? KILLS : REST;
}
